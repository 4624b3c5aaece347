"""The front of a table: one row per model and repeat in, one row per model out."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from isojoule.errors import InputError
from isojoule.pareto.dominance import dominates, optimal
from isojoule.pareto.hypervolume import Box, box, hypervolume
from isojoule.pareto.noise import probability_optimal
from isojoule.tables.energy import statistics

SEPARATOR = "; "
OPTIMAL, WITHIN_NOISE, DOMINATED = "optimal", "within noise", "dominated"
VERDICTS = (OPTIMAL, WITHIN_NOISE, DOMINATED)
# a dominated model that repeats put on the front this often is not condemned
DOUBT = 0.05
# names of columns that hold energies, which are above 0
ENERGY = re.compile(r"energy_(k?wh|[km]?j)$")
DRAWS = 1000


@dataclass(frozen=True)
class Objective:
    """What is compared.

    Attributes:
        column: of the table.
        maximize: more is better.
        logarithmic: the hypervolume counts decades; for costs above 0.
    """

    column: str
    maximize: bool = False
    logarithmic: bool = False

    @property
    def sign(self) -> float:
        """Of its values as a cost."""
        return -1.0 if self.maximize else 1.0


@dataclass(frozen=True)
class Front:
    """A front.

    Attributes:
        table: one row per model, in the order of first appearance: `<objective>_mean`, `_std`, `_ci95_low`,
            `_ci95_high` of every objective, `repeats`, `optimal` (no other model dominates it), `weakly_optimal` (none
            is better in every objective), `probability_optimal` (from the repeats), `verdict`, `dominators` (how many
            models dominate it), `dominated_by` (those of them that are optimal), `equal_to` (models with the same
            values), `hypervolume_contribution`.
        hypervolume: share of the box that the models dominate, 0 to 1.
        reference_point: corner of the box, by objective, in the objective's own unit.
        left_out: why, by name of the model.
    """

    table: pd.DataFrame
    hypervolume: float
    reference_point: Mapping[str, float]
    left_out: Mapping[str, str]

    def in_words(self, label: str = "") -> list[str]:
        """The front as lines to read."""
        name = self.table.columns[0]
        by_verdict = {verdict: self.table[self.table["verdict"] == verdict] for verdict in VERDICTS}
        lines = [f"{label}:"] if label else []
        for verdict, rows in by_verdict.items():
            for _, row in rows.iterrows():
                sure = "" if pd.isna(row["probability_optimal"]) else f" ({row['probability_optimal']:.0%} of draws)"
                by = f", dominated by {row['dominated_by']}" if row["dominated_by"] else ""
                lines.append(f"  {verdict}: {row[name]}{sure}{by}")
        corner = ", ".join(f"{column} {value:.4g}" for column, value in self.reference_point.items())
        lines.append(f"  hypervolume: {self.hypervolume:.4f} of the box up to {corner}")
        return [*lines, *(f"  left out: {model}: {reason}" for model, reason in self.left_out.items())]


def find_front(
    rows: pd.DataFrame,
    objectives: Sequence[Objective],
    *,
    name: str = "architecture",
    missing: Literal["refuse", "leave-out"] = "refuse",
    reference_point: Mapping[str, float] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Front:
    """The front of the models in `rows`.

    Args:
        rows: one row per model and repeat; values that are absent in some repeats are averaged over the others.
        objectives: one or more.
        name: column with the name of the model.
        missing: what to do with a model that has no value of an objective.
        reference_point: corner of the box of the hypervolume, by objective; by default a tenth of the range beyond the
            worst of all models.
        draws: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        InputError: a column is absent or has no number at all, a value is infinite, a model has none and `missing` is
            `refuse`, or a logarithmic objective has values of 0 or below.
    """
    columns = [one.column for one in objectives]
    values = numbers(rows, name, columns)
    groups = values.groupby(rows[name].astype(str), sort=False)
    means = groups.mean()
    left_out = _left_out(means, columns, missing)
    means = means[~means.index.isin(list(left_out))]
    _check_logarithmic(means, objectives)
    signs = np.array([one.sign for one in objectives])
    costs = means.to_numpy() * signs
    corner = _corner(costs, objectives, reference_point)
    share, parts = hypervolume(costs, corner)
    by_model = {str(key): part for key, part in groups}
    repeats = [
        [sign * by_model[key][column].dropna().to_numpy() for sign, column in zip(signs, columns, strict=True)]
        for key in means.index
    ]
    probability = probability_optimal(repeats, draws, seed)
    table = pd.concat([_described(groups[column], column) for column in columns], axis=1).loc[means.index]
    table["repeats"] = [max(map(len, model)) for model in repeats]
    table = _judged(table, costs, probability)
    table["hypervolume_contribution"] = parts
    reference = dict(zip(columns, (corner.reference * signs).tolist(), strict=True))
    return Front(table.rename_axis(name).reset_index(), share, reference, left_out)


def numbers(rows: pd.DataFrame, name: str, columns: list[str]) -> pd.DataFrame:
    """These columns as numbers, NaN where there is none.

    Raises:
        InputError: no column, one that is absent or has no number at all, a value that is none, an energy of 0 or less.
    """
    if not columns:
        raise InputError("objectives: found none, expected columns to minimize or maximize")
    absent = [column for column in (name, *columns) if column not in rows]
    if absent:
        raise InputError(f"{absent[0]}: found no such column, expected one of {', '.join(map(str, rows.columns))}")
    if len(set(columns)) < len(columns):
        raise InputError(f"objectives: found {', '.join(columns)}, expected each once")
    values = rows[columns].apply(pd.to_numeric, errors="coerce").astype("float64")
    for column in columns:
        wrong = values[column].isna() & rows[column].notna()
        infinite = np.isinf(values[column])
        if (bad := wrong | infinite).any():
            found = rows.loc[bad].iloc[0]
            raise InputError(f"{column}: found {found[column]} for {found[name]}, expected finite numbers")
        if ENERGY.search(column) and (empty := values[column] <= 0).any():
            found = rows.loc[empty].iloc[0]
            raise InputError(f"{column}: found {found[column]} for {found[name]}, expected energies above 0")
        if values[column].isna().all():
            raise InputError(f"{column}: found no value for any of {rows[name].nunique()} models, expected numbers")
    return values


def _left_out(means: pd.DataFrame, columns: list[str], missing: str) -> dict[str, str]:
    found = {
        str(key): f"no {' and '.join(column for column in columns if np.isnan(row[column]))}"
        for key, row in means[means.isna().any(axis=1)].iterrows()
    }
    if found and missing == "refuse":
        models = SEPARATOR.join(f"{key} ({reason})" for key, reason in list(found.items())[:5])
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        raise InputError(f"objectives: found {models}{more}, expected a value of each, or to leave these models out")
    if len(found) == len(means):
        raise InputError(f"objectives: found no model with a value of each of {', '.join(columns)}")
    return found


def _check_logarithmic(means: pd.DataFrame, objectives: Sequence[Objective]) -> None:
    for one in objectives:
        if one.logarithmic and (means[one.column] <= 0).any():
            found = means[one.column].idxmin()
            raise InputError(
                f"{one.column}: found {means[one.column].min():g} for {found}, expected values above 0 on a "
                "logarithmic scale"
            )
        if one.logarithmic and one.maximize:
            raise InputError(
                f"{one.column}: found maximize and logarithmic, expected a logarithmic scale of costs only"
            )


def _corner(costs: np.ndarray, objectives: Sequence[Objective], given: Mapping[str, float] | None) -> Box:
    corner = box(costs, np.array([one.logarithmic for one in objectives]))
    if not given:
        return corner
    columns = [one.column for one in objectives]
    if set(given) != set(columns):
        raise InputError(f"reference point: found {', '.join(given)}, expected a value of each of {', '.join(columns)}")
    asked = Box(corner.best, np.array([one.sign * given[one.column] for one in objectives]), corner.logarithmic)
    for one in objectives:
        if not np.isfinite(given[one.column]) or (one.logarithmic and given[one.column] <= 0):
            wanted = "above 0" if one.logarithmic else "that is finite"
            raise InputError(f"reference point: found {one.column} {given[one.column]}, expected a number {wanted}")
    if not (costs < asked.reference).all(axis=1).any():
        found = ", ".join(f"{column} {value:g}" for column, value in given.items())
        raise InputError(f"reference point: found {found}, expected one that some model is better than in everything")
    return asked


def _described(groups: pd.api.typing.SeriesGroupBy, column: str) -> pd.DataFrame:
    return pd.DataFrame({f"{column}{key}": values for key, values in statistics(groups).items()})


def _judged(table: pd.DataFrame, costs: np.ndarray, probability: np.ndarray) -> pd.DataFrame:
    beaten = dominates(costs)
    on_front = optimal(costs)
    names = table.index.to_numpy(dtype=object)
    _, same = np.unique(costs, axis=0, return_inverse=True)
    same = same.ravel()
    in_doubt = ~on_front & (probability >= DOUBT)
    return table.assign(
        optimal=on_front,
        weakly_optimal=~dominates(costs, strictly=True).any(axis=0),
        probability_optimal=probability,
        verdict=np.select([on_front, in_doubt], [OPTIMAL, WITHIN_NOISE], DOMINATED),
        dominators=beaten.sum(axis=0),
        dominated_by=[SEPARATOR.join(names[column & on_front]) for column in beaten.T],
        equal_to=_others_alike(names, same),
    )


def _others_alike(names: np.ndarray, same: np.ndarray) -> list[str]:
    groups: dict[int, list[int]] = {}
    for number, group in enumerate(same.tolist()):
        groups.setdefault(group, []).append(number)
    return [
        SEPARATOR.join(names[other] for other in groups[group] if other != number)
        for number, group in enumerate(same.tolist())
    ]
