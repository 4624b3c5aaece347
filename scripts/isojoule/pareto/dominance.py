"""Who beats whom, for any number of objectives, all of them costs: what is maximized comes with its sign changed."""

import moocore
import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def dominates(costs: Values, *, strictly: bool = False) -> NDArray[np.bool_]:
    """Whether a model dominates another one: it is at least as good in every objective, and better in one.

    Models with the same values do not dominate each other. Strict dominance asks for better in every objective.

    Args:
        costs: (models, objectives), less is better, no NaN.
        strictly: ask for that.

    Returns:
        (models, models): row i and column j tell whether i dominates j.
    """
    count = len(costs)
    as_good, better = np.ones((count, count), dtype=bool), np.full((count, count), strictly)
    for cost in costs.T:
        less = cost[:, None] < cost
        as_good &= less if strictly else cost[:, None] <= cost
        better |= less
    return np.asarray(as_good & better)


def optimal(costs: Values) -> NDArray[np.bool_]:
    """Which models no other one dominates, of one set or of many at once; models with the same values share their fate.

    Args:
        costs: (..., models, objectives), less is better, no NaN.

    Returns:
        (..., models).
    """
    sets = np.ascontiguousarray(costs, dtype=np.float64).reshape(-1, *costs.shape[-2:])
    found = np.empty(sets.shape[:2], dtype=np.bool_)
    for number, one in enumerate(sets):
        found[number] = moocore.is_nondominated(one, keep_weakly=True)
    return found.reshape(costs.shape[:-1])
