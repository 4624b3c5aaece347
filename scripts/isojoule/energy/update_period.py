"""How often the driver updates a counter or a power: it is watched, and a stall of the watcher is not taken for one."""

import itertools
import math
import time
from collections.abc import Callable, Hashable, Sequence
from statistics import median
from typing import Any, Generic, NamedTuple, TypeVar

from isojoule.energy.nvml_queries import UnansweredError

# so many updates are watched, for so long at most; published boards update their counters every 20 to 100 ms
WATCHED_UPDATES = 20
WATCHED_S = 2.5
POLL_S = 0.001
# an interval in which nobody looked for so long, and for so many times longer than usual, is not seen
STALL_S = 0.01
STALL_LOOKS = 3
# the share of the intervals that are at most the period
QUANTILE = 0.9
# an idle power often keeps its value at an update, so that only the shorter intervals tell of one update
IDLE_QUANTILE = 0.25
# boards update their power every 10 to 100 ms (Yang et al., SC24)
LONGEST_IDLE_PERIOD_S = 0.2


Seen = TypeVar("Seen", bound=Hashable)


class Look(NamedTuple, Generic[Seen]):
    """What was seen at one moment."""

    time_s: float
    value: Seen


def update_period_s(
    value: Callable[[], Hashable],
    *,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], object] = time.sleep,
) -> float | None:
    """Watch a counter, and return the time between two of its updates; none where it stands still or is not offered.

    Nine of ten intervals are at most as long. Where a single update was seen, it is the time that it was watched for.

    Args:
        value: reads it.
        clock: gives the time in seconds.
        sleep: waits for so many seconds.

    Raises:
        UnansweredError: the driver never answered.
    """
    return period_s(_watched(value, lambda seen: seen, clock, sleep), QUANTILE)


def power_period_s(
    power: Callable[[], tuple[float, int] | None],
    *,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], object] = time.sleep,
) -> float | None:
    """Watch the power of a board that may be idle, and return the time between two of its updates; none as above.

    Where the driver's time of the power tells of updates, it does although the power stands still. Else the shorter
    intervals between two values are taken, and no period longer than boards are known to have.

    Args:
        power: reads the power, and the driver's time of it.
        clock: gives the time in seconds.
        sleep: waits for so many seconds.

    Raises:
        UnansweredError: the driver never answered.
    """
    looks = _watched(power, lambda seen: seen[0], clock, sleep)
    stamps = [Look(look.time_s, look.value[1]) for look in looks]
    # a time that is new at almost every look is that of the question
    if 1 < len({stamp.value for stamp in stamps}) <= len(stamps) / 2:
        return period_s(stamps, QUANTILE)
    seen_s = period_s([Look(look.time_s, look.value[0]) for look in looks], IDLE_QUANTILE)
    return None if seen_s is None else min(seen_s, LONGEST_IDLE_PERIOD_S)


def period_s(looks: Sequence[Look[Any]], quantile: float) -> float | None:
    """Return the time between two updates of what was looked at; none where it stood still.

    Intervals in which the watcher stood still are left out, unless it did in all of them: they may hide updates, and
    are too long rather than too short.

    Args:
        looks: in the order of time.
        quantile: share of the intervals that are at most as long.
    """
    gaps_s = [right.time_s - left.time_s for left, right in itertools.pairwise(looks)]
    # an update lies between the look that shows it and the one before
    updates = [number for number, (left, right) in enumerate(itertools.pairwise(looks)) if right.value != left.value]
    if not updates:
        return None
    if len(updates) == 1:
        return looks[-1].time_s - looks[0].time_s
    stall_s = max(STALL_S, STALL_LOOKS * median(gaps_s))
    moments_s = {number: (looks[number].time_s + looks[number + 1].time_s) / 2 for number in updates}
    intervals = [
        (moments_s[right] - moments_s[left], max(gaps_s[left : right + 1]) <= stall_s)
        for left, right in itertools.pairwise(updates)
    ]
    lengths_s = [length_s for length_s, is_seen in intervals if is_seen] or [length_s for length_s, _ in intervals]
    return sorted(lengths_s)[math.ceil(quantile * len(lengths_s)) - 1]


def _watched(
    value: Callable[[], Seen | None],
    moving: Callable[[Seen], Hashable],
    clock: Callable[[], float],
    sleep: Callable[[float], object],
) -> list[Look[Seen]]:
    """Look at a value until what moves in it has moved often; nothing is seen of what the driver does not offer."""
    looks: list[Look[Seen]] = []
    unanswered: UnansweredError | None = None
    seen, began_s = 0, clock()
    while clock() - began_s < WATCHED_S and seen <= WATCHED_UPDATES:
        asked_s = clock()
        try:
            new = value()
        except UnansweredError as error:
            unanswered = error
        else:
            if new is None:
                return []
            seen += bool(looks) and moving(new) != moving(looks[-1].value)
            looks.append(Look((asked_s + clock()) / 2, new))
        sleep(POLL_S)
    if unanswered is not None and not looks:
        raise unanswered
    return looks
