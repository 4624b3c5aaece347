"""Boards whose truth is known, in a time of their own that nobody waits for: what a counter and a power show of it."""

import math
from bisect import bisect_left, bisect_right

import numpy as np

from isojoule.energy.certificate.bench import Bench
from isojoule.energy.certificate.findings import sentences
from isojoule.energy.certificate.procedure import tried
from isojoule.records import provenance
from isojoule.records.certificate import Certificate

IDLE_W, WORK_W = 60.0, 300.0


class Clock:
    """A time that passes only where somebody sleeps; looking takes a little of it as well."""

    def __init__(self, look_s=0.0002, jitter_s=0.0, seed=0):
        self.now_s = 0.0
        self._look_s, self._jitter_s = look_s, jitter_s
        self._generator = np.random.default_rng(seed)

    def __call__(self):
        self.now_s += self._look_s
        return self.now_s

    def sleep(self, wait_s):
        self.now_s += wait_s + (self._generator.exponential(self._jitter_s) if self._jitter_s else 0.0)


class SimulatedBoard:
    """A board that draws one power after the other, and how its instruments show that.

    Args:
        clock: gives the time.
        idle_w: power before the first `draw`.
        period_s: time between two updates of the counter and of the power.
        phase_s: when the first update is.
        counter_lag_s: the counter integrates a power that is the mean of the last so many seconds.
        counter_delay_s: the counter shows what it would have shown so many seconds ago.
        power_lag_s: the power is the mean of the last so many seconds; 0 for the power of the moment.
        looks_s: the sensor looks at the last so many seconds of every period alone; 0 for all of it.
        gain: what the counter shows, in parts of what is drawn.
        noise: standard deviation of the power that is shown, in parts of it.
    """

    def __init__(
        self,
        clock,
        idle_w=60.0,
        period_s=0.1,
        phase_s=0.03,
        counter_lag_s=0.0,
        counter_delay_s=0.0,
        power_lag_s=0.0,
        looks_s=0.0,
        gain=1.0,
        noise=0.0,
        has_counter=True,
        seed=0,
    ):
        self._clock = clock
        self._times_s, self._powers_w, self._energies_j = [-1000.0], [idle_w], [0.0]
        self.period_s, self._phase_s = period_s, phase_s
        self._counter_lag_s, self._power_lag_s = counter_lag_s, power_lag_s
        self._counter_delay_s = counter_delay_s
        self._looks_s = looks_s
        self._gain, self._noise, self._has_counter = gain, noise, has_counter
        self._seed, self._sums_j = seed, [0.0]
        self._counter, self._power = (None, None), (None, None)

    def draw(self, power_w):
        """Draw this power from now on."""
        self._energies_j.append(self.true_j(self._clock.now_s))
        self._times_s.append(self._clock.now_s)
        self._powers_w.append(power_w)

    def true_j(self, time_s):
        """Return the energy that was really drawn up to a time."""
        number = bisect_right(self._times_s, time_s) - 1
        return self._energies_j[number] + self._powers_w[number] * (time_s - self._times_s[number])

    def counter_j(self):
        """Return what the energy counter shows now."""
        if not self._has_counter:
            return None
        updated_s = self._updated_s()
        if self._counter[0] != updated_s:
            self._counter = updated_s, self._gain * self._counted_j(updated_s - self._counter_delay_s)
        return self._counter[1]

    def power_w(self):
        """Return what the power shows now."""
        updated_s = self._updated_s()
        if self._power[0] != updated_s:
            self._power = updated_s, self._shown_w(updated_s)
        return self._power[1]

    def _counted_j(self, updated_s):
        if self._looks_s:
            return self._looked_j(updated_s)
        if not self._counter_lag_s:
            return self.true_j(updated_s)
        # between two changes of the power the energy is a straight line
        from_s = updated_s - self._counter_lag_s
        changes_s = self._times_s[bisect_right(self._times_s, from_s) : bisect_left(self._times_s, updated_s)]
        times_s = [from_s, *changes_s, updated_s]
        return float(np.trapezoid([self.true_j(time_s) for time_s in times_s], times_s)) / self._counter_lag_s

    def _shown_w(self, updated_s):
        over_s = self._looks_s or self._power_lag_s or 1e-4
        shown_w = (self.true_j(updated_s) - self.true_j(updated_s - over_s)) / over_s
        noise = np.random.default_rng((self._seed, round(1e6 * (updated_s + 1000)))).normal(0, self._noise)
        # the driver tells whole milliwatts
        return round(1000 * shown_w * (1 + noise)) / 1000

    def _looked_j(self, updated_s):
        """The sum of what the sensor saw of each period, times the period."""
        number = round((updated_s - self._phase_s) / self.period_s)
        while len(self._sums_j) <= number:
            end_s = len(self._sums_j) * self.period_s + self._phase_s
            seen_j = self.true_j(end_s) - self.true_j(end_s - self._looks_s)
            self._sums_j.append(self._sums_j[-1] + seen_j * self.period_s / self._looks_s)
        return self._sums_j[number]

    def _updated_s(self):
        return math.floor((self._clock.now_s - self._phase_s) / self.period_s) * self.period_s + self._phase_s


def found(form="full", **truth):
    """Try a board that draws 300 W at work and 60 W at rest, watched every few milliseconds and now and then late."""
    clock = Clock(jitter_s=0.0005)
    clock.now_s = 5.0
    board = SimulatedBoard(clock, idle_w=IDLE_W, **{"noise": 0.01, **truth})
    bench = Bench(
        board.counter_j,
        board.power_w,
        start=lambda: board.draw(WORK_W),
        stop=lambda: board.draw(IDLE_W),
        clock=clock,
        sleep=clock.sleep,
    )
    return tried(bench, form)


def certified(result, **changes):
    """A certificate of what was found on a board."""
    fields = {name: getattr(result, name) for name in vars(result)}
    return Certificate(
        kind="measured", source="NVML energy counter", form="full", made_at="2026-11-26T00:00:00+00:00", took_s=100,
        **fields, findings=sentences(result), hardware=provenance.hardware(), software={}, **changes,
    )  # fmt: skip
