"""The table of energy: one row per architecture, platform and phase, with its statistics over repeats."""

from collections import Counter

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from isojoule.flags.of_record import ordered
from isojoule.tables.columns import KINDS
from isojoule.tables.qualities import qualities_of

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
        standard deviation of the sample (n - 1), the ends of the 95 % interval of the mean (Student's t, so that they
        are wide for few repeats), and of the energy the coefficient of variation; for a single repeat only the mean.
        Where some repeats of a cell were measured and others estimated, the statistics are of the measured ones.
        `outcomes` counts what every repeat came to, `flags` has those of any repeat.
    """
    cells = frame.groupby(CELL, sort=False, dropna=False)
    ok = _of_the_best_kind(frame[frame["outcome"] == "ok"])
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
        columns |= {f"{quantity}{key}_{unit}": values for key, values in statistics(ok_cells[name]).items()}
    for name in qualities_of(ok):
        columns |= {f"{name}{key}": values for key, values in statistics(ok_cells[name]).items()}
    table = table.join(pd.DataFrame(columns))
    table["energy_cv_percent"] = 100 * table["energy_std_kwh"] / table["energy_mean_kwh"]
    return table.reset_index()


def _of_the_best_kind(ok: pd.DataFrame) -> pd.DataFrame:
    """The repeats of each cell whose energy is of the most trustworthy kind that the cell has."""
    rank = ok["energy_kind"].map({kind: number for number, kind in enumerate(KINDS)}).astype("float64")
    best = rank.groupby([ok[name] for name in CELL], sort=False, dropna=False).transform("min")
    return ok[(rank == best) | best.isna()]


def statistics(groups: pd.api.typing.SeriesGroupBy) -> dict[str, pd.Series]:
    """Statistics of the values in every group.

    Returns:
        the mean, the standard deviation of the sample (n - 1) and the ends of the mean's 95 % interval (Student's t),
        by the ending of a column that holds them: `_mean`, `_std`, `_ci95_low`, `_ci95_high`.
    """
    mean, deviation, count = groups.mean(), groups.std(), groups.count()
    # a single repeat has no deviation, so that the one degree of freedom given to it here decides nothing
    quantile = stdtrit(np.maximum(count.to_numpy() - 1, 1), 0.975)
    half = quantile * deviation / np.sqrt(count)
    return {"_mean": mean, "_std": deviation, "_ci95_low": mean - half, "_ci95_high": mean + half}
