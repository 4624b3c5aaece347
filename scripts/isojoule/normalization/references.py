"""Which systems serve as references: the published choices, and ours.

Axes of the arrays: m systems, f features, r references that are kept, p coefficients of a linear model.
"""

from collections.abc import Callable
from math import isclose

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from isojoule.errors import InputError
from isojoule.normalization.base import ENERGY, Values, complete
from isojoule.normalization.corrected import features
from isojoule.normalization.relative import SYSTEM_COLUMNS
from isojoule.readable import counted

RowNumbers = NDArray[np.intp]

PUBLISHED_PERCENTS = (10, 15, 20, 50, 100)
# choices that depend on nothing but the systems
DETERMINISTIC = ("min-max", "quantiles", "k-medoids", "i-optimal")
# number of references that we suggest: more of them change the estimates little
SUGGESTED_COUNT = 8
# weight of the normal prior on the coefficients in `i_optimal`
PRIOR_PRECISION = 0.1
# costs that differ by less, relative to each other, are equal but for rounding
TOLERANCE = 1e-9


def published_count(percent: int, models: int) -> int:
    """Return how many references `percent` of `models` are: the largest even number below it, and at least 2.

    The number is below the percentage even where that is a whole number: 10, 15, 20, 50 and 100 % of 34 models are 2,
    4, 6, 16 and 32 in the paper (section 3.1).
    """
    below = -(-percent * models // 100) - 1
    return max(2, below - below % 2)


def choose(sampling: str, systems: pd.DataFrame, count: int) -> RowNumbers:
    """Choose `count` references among the systems.

    Args:
        sampling: name of the choice, one of `DETERMINISTIC`.
        systems: systems as in a pair, (m,).
        count: number of references, (r,).

    Returns:
        row numbers in ascending order, (r,).

    Raises:
        InputError: there are fewer systems than references.
    """
    # systems of equal energy are ordered by their names, so that the order of rows decides nothing
    order = np.lexsort((systems.index.astype(str), systems[ENERGY].to_numpy(dtype=np.float64)))
    systems = systems.iloc[order]
    energy_kwh = systems[ENERGY].to_numpy(dtype=np.float64)
    if sampling == "k-medoids":
        rows = k_medoids(_standardized(systems, (ENERGY, "flops", "params")), count)
    elif sampling == "i-optimal":
        rows = i_optimal(_standardized(systems, SYSTEM_COLUMNS), energy_kwh, count)
    else:
        rows = {"min-max": min_max, "quantiles": quantiles}[sampling](energy_kwh, count)
    return np.sort(order[rows])


def choose_recommended(systems: pd.DataFrame, count: int) -> RowNumbers:
    """Choose `count` references among the systems by the choice that suits our default, as `choose` does."""
    return choose(recommended(count), systems, count)


def recommended(count: int) -> str:
    """Return the choice that suits our default: `i-optimal` for few references, `k-medoids` from eight up."""
    return "i-optimal" if count < 8 else "k-medoids"


def at_random(energy_kwh: Values, count: int, generator: np.random.Generator) -> RowNumbers:
    """Draw `count` systems without replacement (section 3.1 of the paper) and return their row numbers, (r,)."""
    _check(energy_kwh, count)
    return np.sort(generator.choice(len(energy_kwh), count, replace=False))


def min_max(energy_kwh: Values, count: int) -> RowNumbers:
    """Take half of the references from the lowest energies and half from the highest (section 3.1 of the paper).

    Args:
        energy_kwh: energies on the source in kWh, (m,).
        count: number of references; the highest energies have one more where it is odd.

    Returns:
        row numbers, (r,).
    """
    _check(energy_kwh, count)
    order = np.argsort(energy_kwh, kind="stable")
    return np.sort(np.concatenate([order[: count // 2], order[len(order) - (count - count // 2) :]]))


def quantiles(energy_kwh: Values, count: int) -> RowNumbers:
    """Take references that are evenly spaced in the order of energy, both ends included.

    Args:
        energy_kwh: energies on the source in kWh, (m,).
        count: number of references.

    Returns:
        row numbers, (r,).
    """
    _check(energy_kwh, count)
    order = np.argsort(energy_kwh, kind="stable")
    return np.sort(order[np.round(np.linspace(0, len(order) - 1, count)).astype(np.intp)])


def k_medoids(features: Values, count: int) -> RowNumbers:
    """Take the systems that the others are nearest to: they minimize sum_m min_r |x_m - x_r|.

    They are built up greedily, then exchanged one by one until nothing gets nearer: PAM, Kaufman and Rousseeuw,
    "Finding groups in data", 1990, chapter 2.

    Args:
        features: features of comparable scale, (m, f).
        count: number of references.

    Returns:
        row numbers, (r,).
    """
    _check(features, count)
    distances = np.sqrt(((features[:, None] - features[None]) ** 2).sum(axis=2))

    def distance_to_nearest(kept: list[int]) -> Values:
        to_kept = distances[:, kept].min(axis=1, keepdims=True, initial=np.inf)
        return np.asarray(np.minimum(to_kept, distances).sum(axis=0))

    return _exchange([], count, distance_to_nearest)


def i_optimal(features: Values, energy_kwh: Values, count: int) -> RowNumbers:
    """Take the lowest and the highest energy, and those that make predictions for all systems the least uncertain.

    The ends carry the two-point line. With d_m = (1, features of system m), the others minimize the mean variance of a
    linear model with a normal prior, which is proportional to

        sum_m d_m' M^-1 d_m = trace(M^-1 sum_m d_m d_m'),    M = sum_r d_r d_r' + 0.1 I.

    This is I-optimality: Atkinson, Donev and Tobias, "Optimum experimental designs", 2007, section 10.6.

    Args:
        features: standardized features that the method in use sees, (m, f).
        energy_kwh: energies on the source in kWh, (m,).
        count: number of references; up to three they are quantiles of energy.

    Returns:
        row numbers, (r,).
    """
    _check(energy_kwh, count)
    if count < 4:
        return quantiles(energy_kwh, count)
    design = np.column_stack([np.ones(len(features)), features])
    outer_products = design[:, :, None] * design[:, None, :]
    sum_over_systems = design.T @ design

    def total_variance(kept: list[int]) -> Values:
        prior = PRIOR_PRECISION * np.eye(design.shape[1])
        # M for each system that may be added, (m, p, p)
        information = outer_products[kept].sum(axis=0) + prior + outer_products
        return np.asarray(np.einsum("mij,ji->m", np.linalg.inv(information), sum_over_systems))

    order = np.argsort(energy_kwh, kind="stable")
    return _exchange([int(order[0]), int(order[-1])], count, total_variance)


def _exchange(fixed: list[int], count: int, costs_with: Callable[[list[int]], Values]) -> RowNumbers:
    """Add the best system until there are `count`, then exchange systems one by one while that helps.

    Args:
        fixed: row numbers that are kept in any case.
        count: number of references in all.
        costs_with: returns the cost of the kept row numbers together with each further one, (m,).

    Returns:
        row numbers, (r,).
    """
    kept = list(fixed)
    while len(kept) < count:
        kept.append(_best_addition(kept, costs_with)[0])
    return exchanged(kept, len(fixed), costs_with)


def exchanged(kept: list[int], fixed: int, costs_with: Callable[[list[int]], Values]) -> RowNumbers:
    """Exchange systems one by one while that helps.

    Args:
        kept: row numbers to begin with.
        fixed: how many of them, the first ones, stay in any case.
        costs_with: returns the cost of some row numbers together with each further one, (m,).

    Returns:
        row numbers in ascending order, (r,).
    """
    kept, least_cost, has_improved = list(kept), float(costs_with(kept[:-1])[kept[-1]]), True
    while has_improved:
        has_improved = False
        for place in range(fixed, len(kept)):
            replacement, cost = _best_addition(kept[:place] + kept[place + 1 :], costs_with)
            if cost < least_cost and not isclose(cost, least_cost, rel_tol=TOLERANCE):
                kept[place], least_cost, has_improved = replacement, cost, True
    return np.sort(np.array(kept))


def _best_addition(kept: list[int], costs_with: Callable[[list[int]], Values]) -> tuple[int, float]:
    """Return the system that costs the least together with those that are kept, and that cost."""
    costs = costs_with(kept)
    costs[kept] = np.inf
    # the first of equals is taken: if rounding decided between them, the order of rows would
    best = int(np.flatnonzero(costs <= costs.min() + TOLERANCE * abs(costs.min()))[0])
    return best, float(costs[best])


def _standardized(systems: pd.DataFrame, columns: tuple[str, ...]) -> Values:
    """Return standardized features of the systems, (m, f), by those of the columns that all systems have."""
    usable = [name for name in columns if name == ENERGY or complete(systems, (name,))]
    values = systems[usable].to_numpy(dtype=np.float64)
    return features(values, values[:0])


def _check(systems: Values, count: int) -> None:
    if not 1 <= count <= len(systems):
        raise InputError(
            f"references: found {count} of {counted(len(systems), 'system')}, expected 1 to {len(systems)}"
        )
