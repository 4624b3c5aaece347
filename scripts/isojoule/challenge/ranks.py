"""Ranks of scores that are not known exactly: draws of all scores give each rank its interval."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Values = NDArray[np.float64]
COVERAGE = 0.9
# who is ahead in so many of the draws is told apart
TOLD_APART = 0.95


@dataclass(frozen=True)
class Ranks:
    """The ranks of n systems by one score, 1 for the best; NaN for a system without a score.

    Attributes:
        rank: by the scores themselves, (n,).
        low: the low end of the interval, (n,).
        high: the high end, (n,).
        ahead_of_next: share of the draws in which a system is ahead of the next one by rank, (n,); NaN for the last.
    """

    rank: Values
    low: Values
    high: Values
    ahead_of_next: Values

    @property
    def tied_with_next(self) -> NDArray[np.bool_]:
        """Whether a system cannot be told from the next one by rank, (n,)."""
        return np.asarray(self.ahead_of_next < TOLD_APART)


def ranks(scores: Values, drawn: Values) -> Ranks:
    """Rank systems by a score of which more is better.

    Args:
        scores: (n,), NaN where there is none.
        drawn: the scores as they may be as well, (draws, n).
    """
    is_known = ~np.isnan(scores)
    rank, low, high, ahead = (np.full(len(scores), np.nan) for _ in range(4))
    if not is_known.any():
        return Ranks(rank, low, high, ahead)
    rank[is_known] = _ranked(scores[is_known][None])[0]
    of_draws = _ranked(drawn[:, is_known])
    tail = (1 - COVERAGE) / 2
    low[is_known] = np.minimum(np.floor(np.quantile(of_draws, tail, axis=0)), rank[is_known])
    high[is_known] = np.maximum(np.ceil(np.quantile(of_draws, 1 - tail, axis=0)), rank[is_known])
    order = [number for number in np.argsort(-scores, kind="stable") if is_known[number]]
    for first, second in pairwise(order):
        wins = drawn[:, first] > drawn[:, second]
        draws = drawn[:, first] == drawn[:, second]
        ahead[first] = wins.mean() + draws.mean() / 2
    return Ranks(rank, low, high, ahead)


def _ranked(scores: Values) -> Values:
    """Return the ranks in every row of scores, (draws, n); equal scores share the best of their ranks."""
    return np.asarray(rankdata(-scores, method="min", axis=1), dtype=np.float64)
