"""How often the driver updates a counter or a power: it is watched, and a stall of the watcher is not taken for one."""

import math
import time
from collections.abc import Callable, Hashable

# so many updates are watched, for so long at most; published boards update their counters every 20 to 100 ms
WATCHED_UPDATES = 20
WATCHED_S = 2.5
POLL_S = 0.001
# an interval in which nobody looked for so long is not seen
STALL_S = 0.01
# the share of the intervals that are at most the period
QUANTILE = 0.9


def update_period_s(
    value: Callable[[], Hashable],
    *,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], object] = time.sleep,
) -> float | None:
    """Watch a value, and return the time between two of its updates; none where fewer than two updates are seen.

    Nine of ten intervals are at most as long. Intervals in which the watcher itself stood still are left out.

    Args:
        value: reads it.
        clock: gives the time in seconds.
        sleep: waits for so many seconds.
    """
    last, looked_s = value(), clock()
    if last is None:
        return None
    ends_s = looked_s + WATCHED_S
    intervals_s: list[float] = []
    updated_s: float | None = None
    while len(intervals_s) < WATCHED_UPDATES and looked_s < ends_s:
        sleep(POLL_S)
        new, now_s = value(), clock()
        # when it was updated is not known where nobody looked
        stalled = now_s - looked_s > STALL_S
        updated_s = None if stalled else updated_s
        moment_s, looked_s = (looked_s + now_s) / 2, now_s
        if new is None:
            return None
        if new == last:
            continue
        if updated_s is not None:
            intervals_s.append(moment_s - updated_s)
        last, updated_s = new, None if stalled else moment_s
    if not intervals_s:
        return None
    return sorted(intervals_s)[math.ceil(QUANTILE * len(intervals_s)) - 1]
