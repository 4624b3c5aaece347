"""A window of time over the work: it reads all instruments when it opens and when it closes, and in between."""

import time
from collections.abc import Callable, Hashable

from isojoule.energy.account import Observation, account, energy_between
from isojoule.energy.cpu_time import clock_step, told_in_ticks_s
from isojoule.energy.host import HostLoad
from isojoule.energy.idle import Idle
from isojoule.energy.instruments import Instruments, Readings
from isojoule.energy.sampler import Trace
from isojoule.energy.steady import Steadied
from isojoule.energy.undisturbed import Stretches
from isojoule.records.measurement import Energy
from isojoule.units import JOULES_PER_KWH


class Window:
    """One window of a meter.

    Args:
        instruments: what is read.
        synchronize: waits until the devices have done all that was asked of them.
        min_window_s: length below which `again` asks for another repetition.
        idle: the idle power of the component that computes; none where it is not known.
        no_idle: why it is not known, where it was asked for.
        steadied: how the board was warmed up before the first window; none where it was not.

    Attributes:
        energy: what was read, for the work done once; it is there from the end of the `with` on.
    """

    energy: Energy

    def __init__(
        self,
        instruments: Instruments,
        synchronize: Callable[[], None],
        min_window_s: float,
        idle: Idle | None = None,
        no_idle: str | None = None,
        steadied: Steadied | None = None,
    ) -> None:
        self._instruments = instruments
        self._synchronize = synchronize
        self._min_window_s = min_window_s
        self._idle, self._no_idle, self._steadied = idle, no_idle, steadied
        self._sampler = instruments.sampler()
        self._repetitions = 0
        self._marks: list[Readings] = []

    @property
    def trace(self) -> Trace:
        """The samples of the devices inside the window."""
        return self._sampler.trace

    def open(self) -> None:
        """Wait for the devices, and until their instruments have nothing of earlier work to tell, then read."""
        self._synchronize()
        time.sleep(self._instruments.shown_late_s)
        self._opening = self._instruments.edges()
        self._sampler.start()
        self._instruments.tracker.begin()
        self._host = HostLoad()
        if not self._instruments.can_measure:
            # a clock with long steps is waited for, before the work
            clock_step_s, self._in_ticks_s = clock_step(), told_in_ticks_s()
        self._before = self._instruments.read(before_work=True)
        self._stretches: Stretches | None = None
        if not self._instruments.can_measure:
            before = self._before
            self._stretches = Stretches(self._instruments.cpu_s, before.time_s, before.cpu_s, clock_step_s)

    def again(self, at_least: int = 1) -> bool:
        """Say whether the work is to be done (once more): at first it is, then until the window is long enough.

        The answer waits for the devices, so that the time is known. The energy is divided by the number of yeses.

        Args:
            at_least: repetitions, however long they take; with several, the energy of each is read.

        Raises:
            InputError: a device will not answer again, so that the window would be in vain.
        """
        if self._repetitions:
            self._synchronize()
            if self._stretches is not None:
                self._stretches.repeated(time.perf_counter())
            if (reason := self.trace.hopeless(self._instruments.by_power)) is not None:
                raise reason
        if at_least > 1:
            self._marks.append(self._instruments.read())
        is_long = time.perf_counter() - self._before.time_s >= self._min_window_s
        if self._repetitions >= at_least and is_long:
            return False
        self._repetitions += 1
        return True

    def part_done(self, kind: Hashable) -> None:
        """Note that a part of a repetition is done, for an estimate by CPU time; an instrument needs none of it.

        Args:
            kind: of the part; parts of the same kind are the same work.
        """
        if self._stretches is not None:
            self._stretches.part_done(kind, time.perf_counter())

    def so_far_kwh(self) -> float:
        """Return the energy of the component that computes since the window opened, for a progress line."""
        now = self._instruments.read()
        if not self._instruments.can_measure:
            core_w = self._instruments.cpu.core_power_w or 0.0
            return (now.cpu_s - self._before.cpu_s) * core_w / JOULES_PER_KWH
        return energy_between(self._instruments.deciding, self._before, now, self.trace).energy_j / JOULES_PER_KWH

    def close(self) -> None:
        """Wait for the devices, read, and make the account.

        Raises:
            InputError: a GPU no longer answers, a counter was reset, or the energy is 0 or impossible.
        """
        try:
            self._synchronize()
            after = self._instruments.read()
            self._sampler.work_ended(after.time_s)
            codecarbon = self._instruments.tracker.end()
            host_load_percent = self._host.others_percent()
            closing = self._instruments.edges()
            time.sleep(max(after.time_s + self._instruments.shown_late_s - time.perf_counter(), 0))
            self._sampler.stop()
        except BaseException:
            self.abandon()
            raise
        observation = Observation(
            instruments=self._instruments.deciding,
            before=self._before,
            after=after,
            trace=self.trace,
            codecarbon=codecarbon,
            cpu=self._instruments.cpu,
            repetitions=max(self._repetitions, 1),
            least_cpu_s=self._least_cpu_s(),
            marks=self._marks,
            opening=self._opening,
            closing=closing,
            idle=self._idle,
            no_idle=self._no_idle,
            steadied=self._steadied,
            host_load_percent=host_load_percent,
            why_no_rapl=self._instruments.why_no_rapl,
        )
        self.energy = account(observation)

    def _least_cpu_s(self) -> float | None:
        """Return the least CPU time of a repetition; none where ticks that are longer than a stretch are in it."""
        if self._stretches is None or told_in_ticks_s() != self._in_ticks_s:
            return None
        return self._stretches.least_s

    def abandon(self) -> None:
        """Close the window without an account, after an error."""
        self._sampler.stop()
        self._instruments.tracker.abandon()
