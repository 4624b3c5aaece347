"""How far chance moves a comparison of two methods: the splits that both were tried on are drawn again.

Axes of the arrays: d draws of as many splits, with replacement; s splits; v errors of a method.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from isojoule.normalization.base import Values

DRAWS, COVERAGE = 1000, 0.9


def ratio_intervals(rows: pd.DataFrame, default: str, least: float, seed: int = 0) -> pd.DataFrame:
    """Compute the interval of the ratio of our default's median error to each method's, in one cell.

    Both medians are those of the same draw of splits, so that splits that are hard for all methods cancel: the paired
    bootstrap of Efron and Tibshirani, "An introduction to the bootstrap", 1993, sections 8.4 and 13.3.

    Args:
        rows: one row per fit: `method`, `sampling`, `split` and `mdape_percent`; the default has a single sampling.
        default: name of our default.
        least: smaller medians count as this one, in percent.
        seed: of the draws.

    Returns:
        `default_ratio_low` and `default_ratio_high`, the ends of the 90 % interval, by method and sampling; NaN where
        the default is not in the cell.
    """
    rows = rows.dropna(subset="mdape_percent")
    _, split_numbers = np.unique(rows["split"].astype(str), return_inverse=True)
    count = split_numbers.max(initial=-1) + 1
    draws = np.random.default_rng(seed).integers(0, max(count, 1), (DRAWS, count))
    # how often each split is in each draw, (d, s)
    times: NDArray[np.intp] = (
        np.stack([(draws == number).sum(axis=1) for number in range(count)], axis=1) if count else draws
    )
    medians = {
        key: np.maximum(_medians(of_key["mdape_percent"].to_numpy(), times[:, of_key["number"]]), least)
        for key, of_key in rows.assign(number=split_numbers).groupby(["method", "sampling"], sort=False)
    }
    ours = next((values for (method, _), values in medians.items() if method == default), np.full(DRAWS, np.nan))
    ends = {key: _ends(ours / of_key) for key, of_key in medians.items()}
    index = pd.MultiIndex.from_tuples(list(ends), names=["method", "sampling"])
    return pd.DataFrame(list(ends.values()), index=index, columns=["default_ratio_low", "default_ratio_high"])


def _medians(errors: Values, times: NDArray[np.intp]) -> Values:
    """Return the median in each draw, (d,), of errors, (v,), that are in it so many times, (d, v); NaN without any."""
    order = np.argsort(errors, kind="stable")
    ranks = times[:, order].cumsum(axis=1)
    total = ranks[:, -1:]
    lower, upper = ((ranks >= rank).argmax(axis=1) for rank in ((total + 1) // 2, total // 2 + 1))
    medians = (errors[order][lower] + errors[order][upper]) / 2
    return np.where(total[:, 0] > 0, medians, np.nan)


def _ends(ratios: Values) -> tuple[float, float]:
    known = ratios[np.isfinite(ratios)]
    if not len(known):
        return np.nan, np.nan
    low, high = np.quantile(known, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return float(low), float(high)
