"""The table of energy: one row per architecture, platform and phase, with its statistics over repeats."""

from collections import Counter

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from isojoule.records.flags import ordered
from isojoule.tables.measurements import KINDS, qualities_of

CELL = ["architecture", "family", "gpu", "phase"]

# columns of the table of measurements, as name and unit
QUANTITIES = {
    "energy_kwh": ("energy", "_kwh"),
    "net_energy_kwh": ("net_energy", "_kwh"),
    "duration_s": ("duration", "_s"),
    "power_w": ("power", "_w"),
    "gpu_utilization_percent": ("gpu_utilization", "_percent"),
    "gpu_memory_utilization_percent": ("gpu_memory_utilization", "_percent"),
}


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
    rows = frame.groupby(CELL, sort=False, dropna=False)
    ok = _of_the_best_kind(frame[frame["outcome"] == "ok"]).groupby(CELL, sort=False, dropna=False)
    first = rows[["params", "flops"]].first()
    table = first.assign(
        repeats=ok["energy_kwh"].count().reindex(first.index).fillna(0).astype(int),
        outcomes=rows["outcome"].agg(
            lambda column: ", ".join(f"{n} {found}" for found, n in Counter(column.tolist()).most_common())
        ),
        energy_kind=ok["energy_kind"].agg(lambda column: ", ".join(dict.fromkeys(column.dropna()))),
        flags=rows["flags"].agg(lambda column: " ".join(ordered(" ".join(column.dropna()).split())) or None),
    )
    columns: dict[str, pd.Series] = {}
    qualities = {name: (name, "") for name in qualities_of(ok.obj)}
    for column, (name, unit) in (QUANTITIES | qualities).items():
        columns |= {f"{name}{key}{unit}": values for key, values in statistics(ok[column]).items()}
    table = table.join(pd.DataFrame(columns))
    table["energy_cv_percent"] = 100 * table["energy_std_kwh"] / table["energy_mean_kwh"]
    return table.reset_index()


def _of_the_best_kind(ok: pd.DataFrame) -> pd.DataFrame:
    rank = ok["energy_kind"].map({kind: number for number, kind in enumerate(KINDS)}).astype("float64")
    best = rank.groupby([ok[name] for name in CELL], sort=False, dropna=False).transform("min")
    return ok[(rank == best) | best.isna()]


def statistics(groups: pd.api.typing.SeriesGroupBy) -> dict[str, pd.Series]:
    """Mean, sample standard deviation and the ends of the mean's 95 % interval of every group, by what names end in."""
    mean, deviation, count = groups.mean(), groups.std(), groups.count()
    # of one repeat there is no deviation, so that the one degree of freedom given to it here decides nothing
    quantile = stdtrit(np.maximum(count.to_numpy() - 1, 1), 0.975)
    half = quantile * deviation / np.sqrt(count)
    return {"_mean": mean, "_std": deviation, "_ci95_low": mean - half, "_ci95_high": mean + half}
