"""Which systems serve as references: the published choices, and quantiles of energy."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from isojoule.errors import InputError

Numbers = NDArray[np.intp]

# of 34 models (Douwes and Serizel, section 3.1): the largest even number below the fraction
PUBLISHED_COUNTS = {"10 %": 2, "15 %": 4, "20 %": 6, "50 %": 16, "100 %": 32}


def published_count(percent: int, models: int) -> int:
    """How many references `percent` of `models` are: the largest even number below it, and at least 2.

    Below, not at: 100 % of 34 are 32 in the paper.
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


DETERMINISTIC: dict[str, Callable[[NDArray[np.float64], int], Numbers]] = {"min-max": min_max, "quantiles": quantiles}


def _check(energy_kwh: NDArray[np.float64], count: int) -> None:
    if not 1 <= count <= len(energy_kwh):
        raise InputError(f"references: found {count} of {len(energy_kwh)} systems, expected 1 to {len(energy_kwh)}")
