"""Which models beat which others, for any number of objectives.

All objectives are costs, of which less is better; the caller changes the sign of what is maximized.

Axes of the arrays: m models, o objectives.
"""

import moocore
import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def dominates(costs: Values, *, strictly: bool = False) -> NDArray[np.bool_]:
    """Tell for every pair of models whether the first one dominates the second one.

    Model i dominates model j if c[i, o] <= c[j, o] for all objectives o, and c[i, o] < c[j, o] for one of them. It
    dominates strictly if c[i, o] < c[j, o] for all of them. Models with the same costs do not dominate each other.

    Args:
        costs: (m, o), without NaN.
        strictly: whether to ask for strict dominance.

    Returns:
        (m, m); row i and column j tell whether model i dominates model j.
    """
    count = len(costs)
    as_good_in_all, better_in_one = np.ones((count, count), dtype=bool), np.full((count, count), strictly)
    for cost in costs.T:
        is_less = cost[:, None] < cost
        as_good_in_all &= is_less if strictly else cost[:, None] <= cost
        better_in_one |= is_less
    return np.asarray(as_good_in_all & better_in_one)


def optimal(costs: Values) -> NDArray[np.bool_]:
    """Tell which models no other model dominates; of models with the same costs, all are optimal or none.

    Args:
        costs: (..., m, o), without NaN; leading axes hold sets of models, each of which is judged alone.

    Returns:
        (..., m).
    """
    sets = np.ascontiguousarray(costs, dtype=np.float64).reshape(-1, *costs.shape[-2:])
    is_optimal = np.empty(sets.shape[:2], dtype=np.bool_)
    for number, costs_of_set in enumerate(sets):
        is_optimal[number] = moocore.is_nondominated(costs_of_set, keep_weakly=True)
    return is_optimal.reshape(costs.shape[:-1])
