"""The bench on which a board is tried: what reads it, what makes it work, and the clock."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
POLL_S = 0.001


@dataclass(frozen=True)
class Bench:
    """A board, its load and a clock.

    Attributes:
        counter_j: reads the energy counter; none where there is none, or where it cannot be read now.
        power_w: reads the power, likewise.
        start: begins the work, and returns at once.
        stop: ends the work, and returns when the board has nothing to do.
        clock: gives the time in seconds.
        sleep: waits for so many seconds.
    """

    counter_j: Callable[[], float | None]
    power_w: Callable[[], float | None]
    start: Callable[[], None]
    stop: Callable[[], None]
    clock: Callable[[], float] = time.perf_counter
    sleep: Callable[[float], object] = time.sleep

    def wait(self, wait_s: float) -> None:
        """Wait, reading nothing."""
        self.sleep(wait_s)


class Series(NamedTuple):
    """What one reading showed whenever somebody looked.

    Attributes:
        times_s: when somebody looked, ascending, (n,).
        values: what the reading showed, (n,).
    """

    times_s: Values
    values: Values

    def updates(self) -> "Series":
        """Return the moments at which the reading was seen to change, and its new values.

        A moment is taken as halfway between the look that saw the change and the one before. A change that came while
        nobody looked for long is left out.
        """
        if len(self.values) < 2:
            return Series(self.times_s[:0], self.values[:0])
        gaps_s = np.diff(self.times_s)
        usual_s = np.median(gaps_s)
        is_seen = (np.diff(self.values) != 0) & (gaps_s <= max(5 * usual_s, 2 * POLL_S))
        moments_s = (self.times_s[1:] + self.times_s[:-1]) / 2
        return Series(moments_s[is_seen], self.values[1:][is_seen])

    def between(self, start_s: float, end_s: float) -> "Series":
        """Return what was seen between two times."""
        is_inside = (self.times_s >= start_s) & (self.times_s <= end_s)
        return Series(self.times_s[is_inside], self.values[is_inside])


class Watched(NamedTuple):
    """What counter and power showed over a time."""

    counter_j: Series
    power_w: Series


def watch(bench: Bench, duration_s: float) -> Watched:
    """Look at both readings as often as possible for a time."""
    rows: list[tuple[float, float, float]] = []
    ends_s = bench.clock() + duration_s
    now_s = bench.clock()
    while now_s < ends_s:
        counter_j, power_w = bench.counter_j(), bench.power_w()
        now_s = bench.clock()
        rows.append((now_s, np.nan if counter_j is None else counter_j, np.nan if power_w is None else power_w))
        bench.sleep(POLL_S)
    return _watched(rows)


def joined(parts: list[Watched]) -> Watched:
    """Put what was seen one after the other together."""
    return Watched(
        *(
            Series(
                np.concatenate([part[number].times_s for part in parts]),
                np.concatenate([part[number].values for part in parts]),
            )
            for number in range(2)
        )
    )


def _watched(rows: list[tuple[float, float, float]]) -> Watched:
    table = np.array(rows, dtype=np.float64).reshape(-1, 3)
    series = []
    for column in (1, 2):
        is_read = np.isfinite(table[:, column])
        series.append(Series(table[is_read, 0], table[is_read, column]))
    return Watched(*series)
