"""Which systems serve as references: the published choices, and ours."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from isojoule.errors import InputError
from isojoule.normalization.base import ENERGY, complete
from isojoule.normalization.corrected import features
from isojoule.normalization.relative import RICH

Numbers = NDArray[np.intp]

PUBLISHED_PERCENTS = (10, 15, 20, 50, 100)


def published_count(percent: int, models: int) -> int:
    """How many references `percent` of `models` are: the largest even number below it, and at least 2.

    Below, not at: 10, 15, 20, 50 and 100 % of 34 are 2, 4, 6, 16 and 32 in the paper (section 3.1).
    """
    below = -(-percent * models // 100) - 1
    return max(2, below - below % 2)


def at_random(energy_kwh: NDArray[np.float64], count: int, generator: np.random.Generator) -> Numbers:
    """Row numbers of `count` systems drawn without replacement."""
    _check(energy_kwh, count)
    return np.sort(generator.choice(len(energy_kwh), count, replace=False))


def min_max(energy_kwh: NDArray[np.float64], count: int) -> Numbers:
    """Row numbers of the lowest half and the highest half by energy on the source; an odd one is the highest's."""
    _check(energy_kwh, count)
    order = np.argsort(energy_kwh, kind="stable")
    return np.sort(np.concatenate([order[: count // 2], order[len(order) - (count - count // 2) :]]))


def quantiles(energy_kwh: NDArray[np.float64], count: int) -> Numbers:
    """Row numbers of systems evenly spaced in the order of energy on the source, both ends included."""
    _check(energy_kwh, count)
    order = np.argsort(energy_kwh, kind="stable")
    return np.sort(order[np.round(np.linspace(0, len(order) - 1, count)).astype(np.intp)])


def k_medoids(features: NDArray[np.float64], count: int) -> Numbers:
    """Row numbers of the systems that the others are nearest to, on average.

    Built greedily, then exchanged one by one until nothing gets nearer: PAM, Kaufman and Rousseeuw, "Finding groups in
    data", 1990, chapter 2.

    Args:
        features: (n, features), of comparable scale.
        count: how many.
    """
    _check(features, count)
    distance = np.sqrt(((features[:, None] - features[None]) ** 2).sum(axis=2))

    def cost(kept: list[int]) -> NDArray[np.float64]:
        nearest = distance[:, kept].min(axis=1, keepdims=True, initial=np.inf)
        return np.asarray(np.minimum(nearest, distance).sum(axis=0))

    return _exchanged([], count, cost)


def i_optimal(features: NDArray[np.float64], energy_kwh: NDArray[np.float64], count: int) -> Numbers:
    """Row numbers of the lowest, the highest, and those that make predictions for all systems the least uncertain.

    The ends carry the two-point line; the others minimize the mean variance of a linear model in the features with
    a normal prior: I-optimality, Atkinson, Donev and Tobias, "Optimum experimental designs", 2007, section 10.6.

    Args:
        features: of the method in use, standardized, (n, features).
        energy_kwh: on the source, (n,).
        count: how many; up to three they are quantiles of energy.
    """
    _check(energy_kwh, count)
    if count < 4:
        return quantiles(energy_kwh, count)
    design = np.column_stack([np.ones(len(features)), features])
    of_all, outer = design.T @ design, design[:, :, None] * design[:, None, :]

    def variance(kept: list[int]) -> NDArray[np.float64]:
        information = outer[kept].sum(axis=0) + 0.1 * np.eye(design.shape[1]) + outer
        return np.asarray(np.einsum("nij,ji->n", np.linalg.inv(information), of_all))

    order = np.argsort(energy_kwh, kind="stable")
    return _exchanged([int(order[0]), int(order[-1])], count, variance)


def _exchanged(fixed: list[int], count: int, cost: Callable[[list[int]], NDArray[np.float64]]) -> Numbers:
    """Add the best one until there are `count`, then exchange while that helps.

    Args:
        fixed: kept in any case.
        count: how many in all.
        cost: of keeping some and each further one, (n,).
    """

    def best(kept: list[int]) -> tuple[int, float]:
        costs = cost(kept)
        costs[kept] = np.inf
        # rounding must not decide between equals, or the order of rows would
        chosen = int(np.flatnonzero(costs <= costs.min() * (1 + 1e-9))[0])
        return chosen, float(costs[chosen])

    kept, reached = list(fixed), np.inf
    while len(kept) < count:
        chosen, reached = best(kept)
        kept.append(chosen)
    improved = True
    while improved:
        improved = False
        for place in range(len(fixed), count):
            chosen, achieved = best(kept[:place] + kept[place + 1 :])
            if achieved < reached * (1 - 1e-9):
                kept[place], reached, improved = chosen, achieved, True
    return np.sort(np.array(kept))


def chosen(sampling: str, systems: pd.DataFrame, count: int) -> Numbers:
    """Row numbers of `count` references among `systems` (columns as in a pair), by the name of the choice.

    Raises:
        InputError: more references than systems.
    """
    # equals are told apart by their names, so that the order of rows decides nothing
    order = np.lexsort((systems.index.astype(str), systems[ENERGY].to_numpy(dtype=np.float64)))
    systems = systems.iloc[order]
    energy_kwh = systems[ENERGY].to_numpy(dtype=np.float64)
    if sampling == "k-medoids":
        found = k_medoids(described(systems, (ENERGY, "flops", "params")), count)
    elif sampling == "i-optimal":
        found = i_optimal(described(systems, RICH), energy_kwh, count)
    else:
        found = {"min-max": min_max, "quantiles": quantiles}[sampling](energy_kwh, count)
    return np.sort(order[found])


def described(systems: pd.DataFrame, columns: tuple[str, ...]) -> NDArray[np.float64]:
    """Standardized features of the systems by those of the columns that are complete, (n, features)."""
    usable = [name for name in columns if name == ENERGY or complete(systems, (name,))]
    values = systems[usable].to_numpy(dtype=np.float64)
    return features(values, values[:0])


def recommended(count: int) -> str:
    """The choice that suits our default: the ends and the most informative few, from eight up the most typical."""
    return "i-optimal" if count < 8 else "k-medoids"


DETERMINISTIC = ("min-max", "quantiles", "k-medoids", "i-optimal")


def _check(systems: NDArray[np.float64], count: int) -> None:
    if not 1 <= count <= len(systems):
        raise InputError(f"references: found {count} of {len(systems)} systems, expected 1 to {len(systems)}")
