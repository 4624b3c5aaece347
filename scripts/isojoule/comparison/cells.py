"""Which cells of two studies have other energies, beyond what their repeats differ by."""

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit
from scipy.stats import false_discovery_control

from isojoule.errors import InputError
from isojoule.tables.energy import of_the_best_kind

CELL = ["gpu", "architecture", "phase"]
CONFIDENCE = 0.95
# among the cells that are said to differ, the share that do not is expected to be no larger
FALSE_DISCOVERIES = 0.05
DIFFERS, ALIKE, ONE_REPEAT = "differs", "no difference found", "too few repeats"
OTHER_KIND, OTHER_WORK = "other kind of energy", "other work"
ONLY_IN_A, ONLY_IN_B = "only in A", "only in B"
# what a phase is of: energies of other work are no difference between studies
WORK = ("epochs", "steps", "samples", "batch_size", "audio_s")


def compared_cells(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """Hold the energy of every cell in B against that in A.

    The energies of repeats are compared by their logarithms, so that a ratio and its interval are positive: Welch's t
    test for two means of unequal variance. Of many cells some would differ by chance; the chance of each is therefore
    adjusted after Benjamini and Hochberg, "Controlling the false discovery rate", 1995.

    Args:
        a: a table of measurements.
        b: another one; its platforms have the names of those in A.

    Returns:
        one row per cell that ended well in A or B: `gpu`, `architecture`, `phase`, `repeats_a`, `repeats_b`,
        `energy_kind_a`, `energy_kind_b`, `energy_a_kwh`, `energy_b_kwh` (geometric means), `energy_ratio` (B over A),
        `ratio_low` and `ratio_high` (its 95 % interval), `duration_ratio`, `power_ratio`, `p_adjusted`, `finding`.

    Raises:
        InputError: no cell is in both.
    """
    of_a, of_b = _cells(a), _cells(b)
    both = of_a.join(of_b, how="outer", suffixes=("_a", "_b")).reset_index()
    is_in_a, is_in_b = both["repeats_a"].notna(), both["repeats_b"].notna()
    if not (is_in_a & is_in_b).any():
        gpus = [", ".join(map(str, of_one.index.unique("gpu"))) or "none" for of_one in (of_a, of_b)]
        raise InputError(
            f"compare: found no cell in both tables, A has the platforms {gpus[0]} and B has {gpus[1]}; expected "
            "the same names of gpu, architecture and phase"
        )
    is_comparable = (both["energy_kind_a"] == both["energy_kind_b"]).fillna(False).astype(bool)
    is_same_work = pd.Series(True, both.index)
    for name in WORK:
        known = both[f"{name}_a"].notna() & both[f"{name}_b"].notna()
        is_same_work &= ~known | np.isclose(both[f"{name}_a"].fillna(0), both[f"{name}_b"].fillna(0), rtol=1e-9)
    is_compared = is_in_a & is_in_b & is_comparable & is_same_work
    intervals = _welch(both).where(is_compared)
    has_p = intervals["p"].notna()
    adjusted = pd.Series(np.nan, both.index)
    if has_p.any():
        adjusted[has_p] = false_discovery_control(intervals.loc[has_p, "p"])
    finding = np.select(
        [~is_in_b, ~is_in_a, ~is_comparable, ~is_same_work, ~has_p, adjusted < FALSE_DISCOVERIES],
        [ONLY_IN_A, ONLY_IN_B, OTHER_KIND, OTHER_WORK, ONE_REPEAT, DIFFERS],
        ALIKE,
    )
    ratios = {
        f"{name.rpartition('_')[0]}_ratio": (both[f"{name}_b"] / both[f"{name}_a"]).where(is_compared)
        for name in ("energy_kwh", "duration_s", "power_w")
    }
    table = both.assign(
        energy_a_kwh=both["energy_kwh_a"],
        energy_b_kwh=both["energy_kwh_b"],
        **ratios,
        ratio_low=intervals["ratio_low"],
        ratio_high=intervals["ratio_high"],
        p_adjusted=adjusted,
        finding=finding,
    )
    return table[
        [
            *CELL,
            *("repeats_a", "repeats_b", "energy_kind_a", "energy_kind_b", "energy_a_kwh", "energy_b_kwh"),
            *("energy_ratio", "ratio_low", "ratio_high", "duration_ratio", "power_ratio", "p_adjusted", "finding"),
        ]
    ].astype({"repeats_a": "Int64", "repeats_b": "Int64"})


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    """The cells with an energy: geometric means over repeats, and the variance of the logarithms of the energies."""
    ok = of_the_best_kind(frame[(frame["outcome"] == "ok") & (frame["energy_kwh"] > 0)])
    cells = ok.groupby(CELL, sort=False)

    def geometric_mean(name: str) -> pd.Series:
        values = ok[name].astype("float64")
        return np.exp(np.log(values.where(values > 0)).groupby([ok[key] for key in CELL], sort=False).mean())

    means = {name: geometric_mean(name) for name in ("energy_kwh", "duration_s", "power_w")}
    work = {name: cells[name].mean().astype("float64") for name in WORK}
    log_variance = np.log(ok["energy_kwh"].astype("float64")).groupby([ok[key] for key in CELL], sort=False).var()
    return pd.DataFrame(
        {"repeats": cells.size(), "energy_kind": cells["energy_kind"].first(), "log_variance": log_variance}
        | means
        | work
    )


def _welch(both: pd.DataFrame) -> pd.DataFrame:
    """Return the ends of the 95 % interval of every ratio, and the chance of such a ratio where there is no difference.

    Args:
        both: cells of A beside those of B.

    Returns:
        `ratio_low`, `ratio_high`, `p`; nothing where one of the two has a single repeat, which does not tell how far
        repeats differ.
    """
    squared_errors = [both[f"log_variance_{name}"] / both[f"repeats_{name}"] for name in "ab"]
    squared_error = sum(squared_errors)
    # Welch and Satterthwaite's degrees of freedom
    degrees = squared_error**2 / sum(
        part**2 / (both[f"repeats_{name}"] - 1) for name, part in zip("ab", squared_errors, strict=True)
    )
    # repeats that are all alike tell the difference exactly, with any degrees of freedom
    degrees = degrees.where((squared_error > 0) | squared_error.isna(), 1.0)
    difference = np.log(both["energy_kwh_b"] / both["energy_kwh_a"])
    error = np.sqrt(squared_error)
    # no difference is none also where repeats do not differ at all
    t = (difference.abs() / error).where(difference != 0, 0.0).where(error.notna())
    half = stdtrit(degrees, (1 + CONFIDENCE) / 2) * error
    return pd.DataFrame(
        {"ratio_low": np.exp(difference - half), "ratio_high": np.exp(difference + half), "p": 2 * stdtr(degrees, -t)}
    )
