"""The edges of a window on a power: it is shown late, by the time since its update, or that it is averaged over.

What is shown begins late by as much as it ends late. So the integral goes on beyond the work until nothing of it is
still to be shown, and what the board draws without work is taken away again. Ended with the work, it reads low by half
of that time: Yang et al., "Part-time power measurements", SC24 (arXiv 2312.02741).
"""

from typing import NamedTuple

from isojoule.energy.edges import RAMP_S
from isojoule.energy.sampler import Trace

# a window waits so much longer than a power is shown late, so that a sample is surely behind it
BEYOND_S = 0.05
# NVML tells whole milliwatts
STEP_W = 0.001


class Shown(NamedTuple):
    """How late a power is shown.

    Attributes:
        over_s: what is shown is the mean of the last so many seconds, or is at most so old.
        vague: the part of that time by which an edge of the work may be off.
    """

    over_s: float
    vague: float

    @property
    def beyond_s(self) -> float:
        """How long to wait after the work until nothing of it is shown any more."""
        return self.over_s + BEYOND_S


def averaged(over_s: float) -> Shown:
    """Return how late a mean is shown; the time that it is over is not known better than to a tenth of it."""
    return Shown(over_s, 0.1)


def held(update_period_s: float) -> Shown:
    """Return how late a power is shown that stays until its next update, which may be right away or a period later."""
    return Shown(update_period_s, 0.5)


def energy_of_work(
    trace: Trace, device: int, started_s: float, ended_s: float, shown: Shown
) -> tuple[float, float] | None:
    """Return the energy of the work by a power that is shown late, in joules, and how far off it can be.

    With P_o, P_c the power before the work and after it, shown over L, and T the time behind the work until the first
    sample in which nothing of it is shown any more:

        integral of the power from `started_s` to `ended_s` + T, less P_o L / 2 + P_c (T - L / 2)

    Args:
        trace: samples of the power.
        device: the number of the device in it.
        started_s: when the work began, by `time.perf_counter`.
        ended_s: when it had ended.
        shown: how late the power is shown.

    Returns:
        none where the power was not sampled until nothing of the work was shown any more.
    """
    before, after = trace.last_power(device, started_s), trace.first_power(device, ended_s + shown.over_s)
    if before is None or after is None:
        return None
    (_, before_w), (ends_s, after_w) = before, after
    integral = trace.integrated_j(device, started_s, ends_s)
    assert integral is not None
    energy_j, bound_j = integral
    energy_j -= before_w * shown.over_s / 2 + after_w * (ends_s - ended_s - shown.over_s / 2)
    work_w = energy_j / (ended_s - started_s) if ended_s > started_s else 0.0
    vague_s = shown.vague * shown.over_s
    bound_j += vague_s * abs(work_w - before_w) + (vague_s + RAMP_S) * abs(work_w - after_w)
    bound_j += STEP_W / 2 * (ends_s - started_s)
    return energy_j, bound_j
