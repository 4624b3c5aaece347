"""Bring a board to its steady state before the first window: a cold one draws less, and clocks higher."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import linear_regression

# powers of neighbouring stretches of work that differ by less are steady: a window of ten seconds gains about as much
TOLERANCE_SHARE = 0.007
STRETCH_S = 8.0
PATIENCE_S = 40.0
# stretches have so many readings of the energy
READINGS = 50


@dataclass(frozen=True)
class Steadied:
    """How a board was brought to its steady state.

    Attributes:
        duration_s: how long it worked.
        is_steady: whether its power stood still before the patience was over.
        power_w: mean power of the last stretch of work; none where no stretch could be read.
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
    """Work until the last two stretches have the same power.

    The power of a stretch is the slope of the energy over it: two readings of a counter alone are up to a period old.

    Args:
        work: does a little work, and waits for its end.
        energy_j: reads the energy of all devices; none where it cannot be read now.
        stretch_s: length of a stretch at least.
        patience_s: how long to work at most, before the last bit of work.
        clock: gives the time in seconds.
    """
    began_s = worked_until_s = clock()
    points: list[tuple[float, float]] = []
    powers_w: list[float] = []
    while worked_until_s - began_s < patience_s:
        while clock() - worked_until_s < stretch_s / READINGS:
            work()
        value_j, worked_until_s = energy_j(), clock()
        if value_j is None:
            continue
        points.append((worked_until_s, value_j))
        powers_w = _last_powers_w(points, stretch_s) or powers_w
        if len(powers_w) == 2 and abs(powers_w[1] - powers_w[0]) <= TOLERANCE_SHARE * powers_w[0]:
            return Steadied(worked_until_s - began_s, True, powers_w[1])
    return Steadied(worked_until_s - began_s, False, powers_w[-1] if powers_w else None)


def _last_powers_w(points: Sequence[tuple[float, float]], stretch_s: float) -> list[float]:
    """Return the power of the last stretch, and before it that of the one before; fewer where it is too early."""
    ends = [len(points) - 1]
    while len(ends) < 3:
        begins = (number for number in range(ends[0], -1, -1) if points[ends[0]][0] - points[number][0] >= stretch_s)
        if (begin := next(begins, None)) is None:
            break
        ends.insert(0, begin)
    stretches = [zip(*points[begin : end + 1], strict=True) for begin, end in pairwise(ends)]
    return [linear_regression(*stretch).slope for stretch in stretches]
