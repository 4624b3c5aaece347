"""The edges of a window on a counter: between two updates a counter is stale, and on some boards it lags behind.

A counter is read at its updates alone, and only when the power that it shows has settled: before the work it then has
nothing of the warm-up still to come, and after the work nothing of the work. What the board draws between the update
and the work, or between the work and the update, is taken away again. Without this, windows read low: Yang et al.,
"Part-time power measurements", SC24 (arXiv 2312.02741).

A counter that is only delayed shows a steady power of the work for a while after it, as if it had settled. So no edge
is taken before the lag of the counter is over.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

POLL_S = 0.001
# a power by a counter is its rise over so long at least, and over two updates at least
BLOCK_S = 0.1
# powers of neighbouring blocks that differ by less are settled
TOLERANCE_SHARE, TOLERANCE_W = 0.03, 3.0
# the longest time to wait for a counter at one edge once its lag is over
PATIENCE_S = 2.5
# a counter whose lag nobody has measured may show work so long after it
LONGEST_LATE_S = 1.0
# the power of a board does not fall from work to idle in less time than this is long
RAMP_S = 0.02
# NVML counts whole millijoules
STEP_J = 0.001


class Tick(NamedTuple):
    """An update of a counter.

    Attributes:
        time_s: when it was seen.
        value_j: what the counter shows since.
        within_s: the update was at most so long before it was seen.
    """

    time_s: float
    value_j: float
    within_s: float


@dataclass(frozen=True)
class Edge:
    """What a counter shows at an edge of a window.

    Attributes:
        tick: the update that energy is counted from, or to.
        power_w: the power without the work, in the block of updates that ends with the tick.
        change_w: how far it is from that of the block before; large where it had not settled.
        earlier: the edge that would do if the counter had no lag; none where the lag is known.
    """

    tick: Tick
    power_w: float
    change_w: float
    earlier: "Edge | None" = None

    def energy_after_j(self, ended_s: float) -> float:
        """Return what the counter shows without the power since the end of the work."""
        return self.tick.value_j - self.power_w * (self.tick.time_s - ended_s)


class _Watched:
    """The updates of a counter since its watch began, and what they tell of its edge.

    Args:
        late_s: how long it may show what came before the watch; none where that is not known.
    """

    def __init__(self, counter_j: Callable[[], float | None], late_s: float | None, began_s: float) -> None:
        self._counter_j = counter_j
        self._value_j = counter_j()
        self._is_lag_known = late_s is not None
        self._shows_now_s = began_s + (LONGEST_LATE_S if late_s is None else late_s)
        self._ticks: list[Tick] = []
        self._late_ticks: list[Tick] = []
        self._earlier: Edge | None = None

    def look(self, looked_s: float, within_s: float) -> None:
        """See whether the counter was updated, at a time, since the look before."""
        value_j = self._counter_j()
        if value_j is None or value_j == self._value_j:
            return
        self._value_j = value_j
        tick = Tick(looked_s, value_j, within_s)
        self._ticks.append(tick)
        if looked_s >= self._shows_now_s:
            self._late_ticks.append(tick)
        if self._earlier is None and not self._is_lag_known:
            edge = _edge(self._ticks)
            self._earlier = edge if edge is not None and _is_settled(edge) else None

    def edge(self) -> Edge | None:
        """Return the edge at the last update; none where the lag is not over, or too few updates came since."""
        edge = _edge(self._late_ticks)
        return None if edge is None else replace(edge, earlier=self._earlier)


def settled_edges(
    counters_j: Sequence[Callable[[], float | None]],
    lates_s: Sequence[float | None],
    *,
    patience_s: float = PATIENCE_S,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], object] = time.sleep,
) -> list[Edge | None]:
    """Watch counters until all have settled, and return their edges; none for one that was not seen to be updated.

    Args:
        counters_j: each reads a counter in joules, or none where it cannot be read now.
        lates_s: how long after work each counter may still show something of it; none where that is not known.
        patience_s: how long to wait at most once that time is over.
        clock: gives the time in seconds.
        sleep: waits for so many seconds.
    """
    looked_s = clock()
    ends_s = (
        looked_s + patience_s + max((LONGEST_LATE_S if late_s is None else late_s for late_s in lates_s), default=0)
    )
    watched = [_Watched(*of_counter, looked_s) for of_counter in zip(counters_j, lates_s, strict=True)]
    while looked_s < ends_s:
        sleep(POLL_S)
        before_s, looked_s = looked_s, clock()
        for counter in watched:
            counter.look(looked_s, looked_s - before_s)
        edges = [counter.edge() for counter in watched]
        # the last counter to be updated has just been: the others are at most a period old
        if edges and all(edge is not None and _is_settled(edge) for edge in edges):
            return edges
    return [counter.edge() for counter in watched]


def energy_of_work(opening: Edge, started_s: float, ended_s: float, closing: Edge) -> tuple[float, float]:
    """Return the energy of the work between two edges, in joules, and how far off it can be.

    With E_o, E_c the counter at the opening and the closing tick, at times t_o and t_c, and P_o, P_c the power there:

        E_c - E_o - P_o (started - t_o) - P_c (t_c - ended)

    Where the lag of the counter is not known, the bound also has what an earlier closing edge would change: that may be
    work which the counter showed late, or what the board drew without work before it came to rest.

    Args:
        opening: the edge before the work.
        started_s: when the work began.
        ended_s: when it had ended.
        closing: the edge after the work.
    """
    before_s, after_s = started_s - opening.tick.time_s, closing.tick.time_s - ended_s
    energy_j = closing.energy_after_j(ended_s) - opening.tick.value_j - opening.power_w * before_s
    work_w = energy_j / (ended_s - started_s) if ended_s > started_s else 0.0
    bound_j = (
        opening.tick.within_s * opening.power_w
        + closing.tick.within_s * closing.power_w
        + opening.change_w * before_s
        + closing.change_w * after_s
        + RAMP_S * abs(work_w - closing.power_w)
        + 2 * STEP_J
    )
    if (earlier := closing.earlier) is not None:
        bound_j += abs(closing.energy_after_j(ended_s) - earlier.energy_after_j(ended_s))
    return energy_j, bound_j


def _edge(ticks: Sequence[Tick]) -> Edge | None:
    """Return the edge at the last tick; none where there are no two blocks of updates before it."""
    middle = _block_start(ticks, len(ticks) - 1)
    first = None if middle is None else _block_start(ticks, middle)
    if middle is None or first is None:
        return None
    last, power_w = ticks[-1], _power_w(ticks[middle], ticks[-1])
    return Edge(last, power_w, abs(power_w - _power_w(ticks[first], ticks[middle])))


def _block_start(ticks: Sequence[Tick], end: int) -> int | None:
    """Return which tick begins the shortest block that ends with tick `end`; none where there is none."""
    return next(
        (number for number in range(end - 2, -1, -1) if ticks[end].time_s - ticks[number].time_s >= BLOCK_S), None
    )


def _power_w(left: Tick, right: Tick) -> float:
    return (right.value_j - left.value_j) / (right.time_s - left.time_s)


def _is_settled(edge: Edge) -> bool:
    return edge.change_w <= max(TOLERANCE_SHARE * edge.power_w, TOLERANCE_W)
