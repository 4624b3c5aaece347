"""The table of energy: one row per architecture, platform and phase, with its statistics over repeats."""

from collections import Counter

import pandas as pd

from isojoule import intervals
from isojoule.flags.of_record import ordered
from isojoule.tables.columns import COLUMNS, KINDS
from isojoule.tables.qualities import qualities_of
from isojoule.tables.values import ANY_SIGN

CELL = ["architecture", "family", "gpu", "phase"]

# columns of the table of measurements whose statistics the table has, beside those of the qualities
QUANTITIES = (
    "energy_kwh",
    "net_energy_kwh",
    "duration_s",
    "power_w",
    "gpu_utilization_percent",
    "gpu_memory_utilization_percent",
)


def energy_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Statistics of the repeats that ended well.

    Args:
        frame: a table of measurements.

    Returns:
        one row per architecture, gpu and phase, in the order of first appearance. Of each quantity the mean, the
        standard deviation of the sample (n - 1), the ends of the 95 % interval of the mean (`isojoule.intervals`:
        within the bounds of the quantity, and wide for few repeats), and of the energy the coefficient of variation;
        for a single repeat only the mean.
        Where some repeats of a cell were measured and others estimated, the statistics are of the measured ones.
        `outcomes` counts what every repeat came to, `flags` has those of any repeat.
    """
    cells = frame.groupby(CELL, sort=False, dropna=False)
    ok = of_the_best_kind(frame[frame["outcome"] == "ok"])
    ok_cells = ok.groupby(CELL, sort=False, dropna=False)
    first = cells[["params", "flops"]].first()
    table = first.assign(
        repeats=ok_cells["energy_kwh"].count().reindex(first.index).fillna(0).astype(int),
        outcomes=cells["outcome"].agg(
            lambda outcomes: ", ".join(f"{count} {name}" for name, count in Counter(outcomes.tolist()).most_common())
        ),
        energy_kind=ok_cells["energy_kind"].agg(lambda kinds: ", ".join(dict.fromkeys(kinds.dropna()))),
        flags=cells["flags"].agg(lambda flags: " ".join(ordered(" ".join(flags.dropna()).split())) or None),
    )
    columns: dict[str, pd.Series] = {}
    for name in QUANTITIES:
        quantity, _, unit = name.rpartition("_")
        columns |= {
            f"{quantity}{key}_{unit}": values for key, values in statistics(ok_cells[name], bounds_of(name, ok)).items()
        }
    for name in qualities_of(ok):
        columns |= {f"{name}{key}": values for key, values in statistics(ok_cells[name], bounds_of(name, ok)).items()}
    table = table.join(pd.DataFrame(columns))
    table["energy_cv_percent"] = 100 * table["energy_std_kwh"] / table["energy_mean_kwh"]
    return table.reset_index()


def of_the_best_kind(ok: pd.DataFrame) -> pd.DataFrame:
    """The repeats of each cell whose energy is of the most trustworthy kind that the cell has."""
    rank = ok["energy_kind"].map({kind: number for number, kind in enumerate(KINDS)}).astype("float64")
    best = rank.groupby([ok[name] for name in CELL], sort=False, dropna=False).transform("min")
    return ok[(rank == best) | best.isna()]


def bounds_of(name: str, frame: pd.DataFrame) -> tuple[float, float]:
    """The lowest and the highest value that a column of a table can have; of an unknown column nothing is known."""
    column = COLUMNS.get(name)
    if column is None or name in ANY_SIGN:
        return intervals.UNBOUNDED
    if column.quality:
        is_share = column.bounds == intervals.PERCENT and not (frame[name] > 1).any()
        return (0.0, 1.0) if is_share else column.bounds
    return intervals.PERCENT if column.unit == "%" else intervals.POSITIVE


def statistics(groups: pd.api.typing.SeriesGroupBy, bounds: tuple[float, float]) -> dict[str, pd.Series]:
    """Statistics of the values in every group.

    Args:
        groups: values by group.
        bounds: the lowest and the highest value that there can be.

    Returns:
        the mean, the standard deviation of the sample (n - 1) and the ends of the mean's 95 % interval within the
        bounds, by the ending of a column that holds them: `_mean`, `_std`, `_ci95_low`, `_ci95_high`.
    """
    mean, deviation, count = groups.mean(), groups.std(), groups.count()
    low, high = intervals.of_mean(
        mean.to_numpy(dtype="float64", na_value=float("nan")),
        deviation.to_numpy(dtype="float64", na_value=float("nan")),
        count,
        bounds,
    )
    ends = {
        name: pd.Series(end, mean.index, dtype=mean.dtype) for name, end in (("_ci95_low", low), ("_ci95_high", high))
    }
    return {"_mean": mean, "_std": deviation, **ends}
