"""The idle power: what a GPU draws with a live context and without work, once its power has settled."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from isojoule.energy.sampler import Trace

# how long the power must have stood still, and how long that is waited for at most
SETTLED_S, PATIENCE_S = 2.0, 15.0
LOOK_S = 0.1
TOLERANCE_SHARE, TOLERANCE_W = 0.03, 2.0
# an idle power is measured again when it is older, or when so many windows have used it
VALID_S, VALID_WINDOWS = 600.0, 16


@dataclass(frozen=True)
class Idle:
    """An idle power, and how it was taken.

    Attributes:
        power_w: mean power of all devices that compute.
        uncertainty_w: how far off it can be.
        measured_s: when it was taken, by `time.perf_counter`.
        number: 1 for the first of the meter, and so on.
        settled: whether the power had settled before.
        sm_clock_mhz: mean clock of the GPUs; none where they do not tell.
        p_state: the slowest performance state of the GPUs, likewise.
        temperature_c: the highest temperature, likewise.
    """

    power_w: float
    uncertainty_w: float
    measured_s: float
    number: int
    settled: bool
    sm_clock_mhz: float | None = None
    p_state: int | None = None
    temperature_c: float | None = None

    def is_valid(self, now_s: float, windows: int) -> bool:
        """Say whether it may still be used, at a time of `time.perf_counter`, after so many windows."""
        return now_s - self.measured_s <= VALID_S and windows < VALID_WINDOWS


def wait_until_settled(
    state: Callable[[], tuple[float, float] | None],
    settled_s: float = SETTLED_S,
    patience_s: float = PATIENCE_S,
    *,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], object] = time.sleep,
) -> bool:
    """Wait until power and clocks have stood still for a while; say whether they did before the patience was over.

    Args:
        state: reads the power and the clocks of all devices; none where they cannot be read now.
        settled_s: how long they must have stood still.
        patience_s: how long to wait at most.
        clock: gives the time in seconds.
        sleep: waits for so many seconds.
    """
    began_s = clock()
    points: list[tuple[float, float, float]] = []
    while (now_s := clock()) - began_s < patience_s:
        if (values := state()) is not None:
            points.append((now_s, *values))
        points = [point for point in points if now_s - point[0] <= settled_s]
        has_waited = now_s - began_s >= settled_s and len(points) > 1
        if has_waited and _stands_still([point[1] for point in points]) and len({point[2] for point in points}) == 1:
            return True
        sleep(min(LOOK_S, settled_s / 4))
    return False


def why_not_idle(trace: Trace) -> str | None:
    """Return in words why a power was not that of idle GPUs; none where they did nothing, and the driver says so."""
    if trace.seen_max("foreign_processes"):
        return "another process computed on the GPU"
    if trace.seen_max("unlisted_memory_bytes"):
        return "a process that the driver does not list held memory of the GPU"
    # one sample may still show the last moment of a kernel that came before
    busy = [value > 0 for value in trace.values("utilization_percent")]
    if trace.gpus and not trace.all_tell("utilization_percent"):
        return "the driver does not tell whether the GPU computed"
    return "something computed on the GPU" if sum(busy) > max(1, len(busy) // 4) else None


def taken(trace: Trace, power_w: float, resolution_w: float, *, number: int, settled: bool, measured_s: float) -> Idle:
    """Return the idle power of a time in which a sampler watched the devices.

    Args:
        trace: what it saw.
        power_w: mean power of the time, by the instruments that decide.
        resolution_w: how far off that is because of when these are updated.
        number: how many idle powers the meter took, with this one.
        settled: whether the power had settled before.
        measured_s: when, by `time.perf_counter`.
    """
    halves = trace.halves_w()
    drift_w = 0.0 if halves is None else abs(halves[1] - halves[0]) / 2
    clocks_mhz, states = trace.values("sm_clock_mhz"), trace.values("p_state")
    temperatures_c = trace.values("temperature_c")
    return Idle(
        power_w=power_w,
        uncertainty_w=resolution_w + drift_w,
        measured_s=measured_s,
        number=number,
        settled=settled,
        sm_clock_mhz=fmean(clocks_mhz) if clocks_mhz else None,
        p_state=int(max(states)) if states else None,
        temperature_c=max(temperatures_c, default=None),
    )


def _stands_still(powers_w: Sequence[float]) -> bool:
    middle = len(powers_w) // 2
    first_w, second_w = fmean(powers_w[:middle]), fmean(powers_w[middle:])
    tolerance_w = max(TOLERANCE_SHARE * second_w, TOLERANCE_W)
    # noise may be wider than a trend that matters
    return abs(second_w - first_w) <= tolerance_w / 2 and max(powers_w) - min(powers_w) <= 3 * tolerance_w
