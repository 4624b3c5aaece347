"""Bring a board to its steady state before the first window: a cold one draws less, and clocks higher."""

import time
from collections.abc import Callable
from dataclasses import dataclass

# powers of neighbouring stretches of work that differ by less are steady
TOLERANCE_SHARE = 0.02
STRETCH_S = 3.0
PATIENCE_S = 40.0


@dataclass(frozen=True)
class Steadied:
    """How a board was brought to its steady state.

    Attributes:
        duration_s: how long it worked.
        is_steady: whether its power stood still before the patience was over.
        power_w: mean power of the last stretch of work.
    """

    duration_s: float
    is_steady: bool
    power_w: float | None


def until_steady(
    work: Callable[[], None],
    energy_j: Callable[[], float | None],
    *,
    stretch_s: float = STRETCH_S,
    patience_s: float = PATIENCE_S,
    clock: Callable[[], float] = time.perf_counter,
) -> Steadied:
    """Work until two stretches have the same mean power.

    Args:
        work: does a little work, and waits for its end.
        energy_j: reads the energy of all devices; none where it cannot be read now.
        stretch_s: length of a stretch.
        patience_s: how long to work at most.
        clock: gives the time in seconds.
    """
    began_s = clock()
    last_w: float | None = None
    while clock() - began_s < patience_s:
        power_w = _mean_power_w(work, energy_j, stretch_s, clock)
        if power_w is not None and last_w is not None and abs(power_w / last_w - 1) <= TOLERANCE_SHARE:
            return Steadied(clock() - began_s, True, power_w)
        last_w = power_w or last_w
    return Steadied(clock() - began_s, False, last_w)


def _mean_power_w(
    work: Callable[[], None], energy_j: Callable[[], float | None], stretch_s: float, clock: Callable[[], float]
) -> float | None:
    before_j, before_s = energy_j(), clock()
    while clock() - before_s < stretch_s:
        work()
    after_j, after_s = energy_j(), clock()
    return None if before_j is None or after_j is None else (after_j - before_j) / (after_s - before_s)
