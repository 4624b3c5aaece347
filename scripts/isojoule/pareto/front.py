"""The front of a table: one row per model and repeat goes in, one row per model comes out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from isojoule import intervals
from isojoule.errors import InputError
from isojoule.pareto.dominance import Values, dominates, optimal
from isojoule.pareto.hypervolume import Box, box, hypervolume
from isojoule.pareto.noise import probability_optimal
from isojoule.pareto.objectives import Objective, check_logarithmic, objective_values
from isojoule.tables.energy import bounds_of, statistics
from isojoule.tables.values import origin_of, place

SEPARATOR = "; "
OPTIMAL, WITHIN_NOISE, DOMINATED = "optimal", "within noise", "dominated"
VERDICTS = (OPTIMAL, WITHIN_NOISE, DOMINATED)
# a dominated model that this share of the draws puts on the front is within noise of it
DOUBTFUL_SHARE = 0.05
DRAWS = 1000


@dataclass(frozen=True)
class Front:
    """The front of some models, and what became of each of them.

    Attributes:
        table: one row per model, in the order of first appearance: of every objective `<objective>_mean`, `_std`,
            `_ci95_low` and `_ci95_high`; `repeats`; `optimal` (no other model dominates it); `weakly_optimal` (no other
            model is better in every objective); `probability_optimal` (from the repeats); `verdict`; `dominators` (how
            many models dominate it); `dominated_by` (those of them that are optimal); `equal_to` (models with the same
            values); `hypervolume_contribution`.
        hypervolume: share of the box that the models dominate, 0 to 1.
        reference_point: corner of the box by objective, in the objective's own unit.
        left_out: reason by name of each model that was left out.
    """

    table: pd.DataFrame
    hypervolume: float
    reference_point: Mapping[str, float]
    left_out: Mapping[str, str]

    def in_words(self, label: str = "") -> list[str]:
        """Describe the front in lines to print, the first of which is the label."""
        name = self.table.columns[0]
        lines = [f"{label}:"] if label else []
        for verdict in VERDICTS:
            for _, row in self.table[self.table["verdict"] == verdict].iterrows():
                share = "" if pd.isna(row["probability_optimal"]) else f" ({row['probability_optimal']:.0%} of draws)"
                dominators = f", dominated by {row['dominated_by']}" if row["dominated_by"] else ""
                lines.append(f"  {verdict}: {row[name]}{share}{dominators}")
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
    """Find the models that no other one dominates, by the means over their repeats.

    Args:
        rows: one row per model and repeat; a mean is over the repeats that have a value.
        objectives: one or more.
        name: column with the names of the models.
        missing: what to do with a model that has no value of an objective.
        reference_point: corner of the box of the hypervolume, by objective; by default a tenth of the range beyond the
            worst of all models.
        draws: number of draws of the bootstrap over repeats.
        seed: seed of the bootstrap.

    Raises:
        InputError: a column is absent or has no number at all, a value is infinite, a model has no value and `missing`
            is `refuse`, or a logarithmic objective has values of 0 or below.
    """
    columns = [objective.column for objective in objectives]
    values = objective_values(rows, name, columns)
    groups = values.groupby(rows[name].astype(str), sort=False)
    means = groups.mean()
    left_out = _left_out(rows, name, means, columns, missing)
    means = means[~means.index.isin(list(left_out))]
    check_logarithmic(means, objectives)
    signs = np.array([objective.sign for objective in objectives])
    costs = means.to_numpy() * signs
    measured_box = _box(costs, objectives, reference_point)
    share, contributions = hypervolume(costs, measured_box)
    values_by_model = {str(model): model_values for model, model_values in groups}
    repeats = [
        [sign * values_by_model[model][column].dropna().to_numpy() for sign, column in zip(signs, columns, strict=True)]
        for model in means.index
    ]
    probability = probability_optimal(repeats, draws, seed)
    table = pd.concat([_statistics(groups, rows, objective) for objective in objectives], axis=1).loc[means.index]
    table["repeats"] = [max(map(len, costs_by_objective)) for costs_by_objective in repeats]
    table = _with_verdicts(table, costs, probability)
    table["hypervolume_contribution"] = contributions
    reference = dict(zip(columns, (measured_box.reference * signs).tolist(), strict=True))
    return Front(table.rename_axis(name).reset_index(), share, reference, left_out)


def _left_out(rows: pd.DataFrame, name: str, means: pd.DataFrame, columns: list[str], missing: str) -> dict[str, str]:
    reasons = {
        str(model): f"no {' and '.join(column for column in columns if np.isnan(row[column]))}"
        for model, row in means[means.isna().any(axis=1)].iterrows()
    }
    if reasons and missing == "refuse":
        positions = {model: int((rows[name].astype(str) == model).to_numpy().argmax()) for model in reasons}
        models = SEPARATOR.join(
            f"{model} ({reason} in {place(rows, positions[model])})" for model, reason in list(reasons.items())[:5]
        )
        more = f" and {len(reasons) - 5} more" if len(reasons) > 5 else ""
        raise InputError(
            f"{origin_of(rows)}: objectives: found {models}{more}, expected a value of each, or to leave them out"
        )
    if len(reasons) == len(means):
        raise InputError(f"objectives: found no model with a value of each of {', '.join(columns)}")
    return reasons


def _box(costs: Values, objectives: Sequence[Objective], reference_point: Mapping[str, float] | None) -> Box:
    """Choose the box of the hypervolume, with the user's reference point where there is one."""
    default = box(costs, np.array([objective.logarithmic for objective in objectives]))
    if not reference_point:
        return default
    columns = [objective.column for objective in objectives]
    if set(reference_point) != set(columns):
        raise InputError(
            f"reference point: found {', '.join(reference_point)}, expected a value of each of {', '.join(columns)}"
        )
    reference = np.array([objective.sign * reference_point[objective.column] for objective in objectives])
    for objective in objectives:
        value = reference_point[objective.column]
        if not np.isfinite(value) or (objective.logarithmic and value <= 0):
            wanted = "above 0" if objective.logarithmic else "that is finite"
            raise InputError(f"reference point: found {objective.column} {value}, expected a number {wanted}")
    if not (costs < reference).all(axis=1).any():
        point = ", ".join(f"{column} {value:g}" for column, value in reference_point.items())
        raise InputError(f"reference point: found {point}, expected one that some model is better than in everything")
    return Box(default.best, reference, default.logarithmic)


def _statistics(groups: pd.api.typing.DataFrameGroupBy, rows: pd.DataFrame, objective: Objective) -> pd.DataFrame:
    column = objective.column
    bounds = intervals.POSITIVE if objective.logarithmic else bounds_of(column, rows)
    return pd.DataFrame({f"{column}{ending}": values for ending, values in statistics(groups[column], bounds).items()})


def _with_verdicts(table: pd.DataFrame, costs: Values, probability: Values) -> pd.DataFrame:
    is_dominating = dominates(costs)
    on_front = optimal(costs)
    in_doubt = ~on_front & (probability >= DOUBTFUL_SHARE)
    names = table.index.to_numpy(dtype=object)
    return table.assign(
        optimal=on_front,
        weakly_optimal=~dominates(costs, strictly=True).any(axis=0),
        probability_optimal=probability,
        verdict=np.select([on_front, in_doubt], [OPTIMAL, WITHIN_NOISE], DOMINATED),
        dominators=is_dominating.sum(axis=0),
        dominated_by=[SEPARATOR.join(names[is_dominator & on_front]) for is_dominator in is_dominating.T],
        equal_to=_names_of_equals(names, costs),
    )


def _names_of_equals(names: NDArray[np.object_], costs: Values) -> list[str]:
    """Join for every model the names of the others that have the same costs."""
    _, groups = np.unique(costs, axis=0, return_inverse=True)
    members: dict[int, list[int]] = {}
    for model, group in enumerate(groups.ravel().tolist()):
        members.setdefault(group, []).append(model)
    return [
        SEPARATOR.join(names[other] for other in members[group] if other != model)
        for model, group in enumerate(groups.ravel().tolist())
    ]
