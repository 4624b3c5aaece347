"""The meter: everything ready before the window, every instrument read at its two ends, one account after it.

Protocol: Zeus' and Carbontracker's habits, and Yang et al., "Part-time power measurements", SC24 (arXiv 2312.02741).
"""

import os
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from isojoule.energy.codecarbon import VERSION, Tracker
from isojoule.energy.nvml import Board
from isojoule.energy.rapl import POWERCAP, Rapl
from isojoule.energy.sampler import Sampler
from isojoule.errors import InputError
from isojoule.records.measurement import Energy, Gpu, Reading
from isojoule.records.measurement import Window as WindowRecord
from isojoule.units import JOULES_PER_KWH

# over which NVML averages the power of boards that do not give it instantaneously
AVERAGED_S = 1.0
# of the instrument, below which the energy of a repetition says little
PERIODS_OF_A_REPETITION = 10
# NVML counts whole millijoules
COUNTER_STEP_J = 0.001


class Meter:
    """Reads the energy of GPUs, or of the CPU where none is named, over one window after the other.

    `with meter as window:` opens a window: the devices are waited for, then every instrument is read; at its end again.
    The energy is that of the GPUs' energy counters, where they have one; else their power, sampled and integrated. On
    the CPU it is RAPL's, else CodeCarbon's model, which is an estimate. CodeCarbon, the published method, runs over the
    same window. The readings are compared.

    Args:
        country_iso_code: ISO 3166 alpha-3 code; decides CodeCarbon's emissions per kWh.
        gpus: the GPUs of the job, as `isojoule.gpus.visible` or `identify` gives them; none where the CPU computes.
        cpu_max_power_w: thermal design power of the CPU, for CodeCarbon's model where the CPU has no counter.
        synchronize: waits until the devices have done all that was asked of them; by default all that torch sees.
        min_window_s: length below which `Window.again` asks for another repetition;
        resolution_percent: and the instrument's period in per cent of the window above which it does.
        idle_s: how long the idle power is measured at the first `ready`; 0 for not at all.
        sample_period_s: between two samples of utilisation, clocks, temperature and other processes.
        power_period_s: between two samples of power.
        own_processes: processes of this job on each GPU; with several, one has the meter, and `synchronize` must wait
            for all of them (a barrier).
        allow_shared: go on where another process is on a GPU, whose energy will be in the reading.
        powercap: where the kernel shows RAPL.

    Raises:
        InputError: from `ready` or the `with`: CodeCarbon knows no such country, another process is on a GPU, or a GPU
            does not answer; from the end of the `with`: a counter was reset, or the energy read is 0.
    """

    def __init__(
        self,
        country_iso_code: str,
        gpus: Sequence[Gpu] = (),
        *,
        cpu_max_power_w: float | None = None,
        synchronize: Callable[[], None] | None = None,
        min_window_s: float = 10.0,
        resolution_percent: float = 1.0,
        idle_s: float = 5.0,
        sample_period_s: float = 1.0,
        power_period_s: float = 0.1,
        own_processes: int = 1,
        allow_shared: bool = False,
        powercap: Path = POWERCAP,
    ) -> None:
        if not resolution_percent > 0:
            raise InputError(f"resolution_percent: found {resolution_percent}, expected more than 0")
        self.gpus = list(gpus)
        self.idle_power_w: float | None = None
        self.tracker = Tracker(country_iso_code, [gpu.nvml_index for gpu in gpus], cpu_max_power_w)
        self.boards = [Board(gpu.uuid, own_processes) for gpu in gpus]
        self.rapl = Rapl(powercap)
        self.synchronize = synchronize or (_synchronize_all if gpus else lambda: None)
        self.sample_period_s, self.power_period_s = sample_period_s, power_period_s
        self.period_s = self._instrument_period_s()
        self.min_window_s = max(min_window_s, 100 / resolution_percent * self.period_s)
        self._idle_s = idle_s
        self._allow_shared = allow_shared
        self._window: Window | None = None

    def ready(self) -> None:
        """Wait until a window can be opened without delay; the first time, measure the idle power.

        Call it before the warm-up, with the CUDA context alive.
        """
        self.tracker.ready()
        if self.idle_power_w is None and self._idle_s > 0 and (self.boards or self.rapl.readable):
            self.synchronize()
            watched = self.sampler()
            before_j, started_s = self.counters_j(), time.perf_counter()
            with watched:
                time.sleep(self._idle_s)
            ended_s, after_j = time.perf_counter(), self.counters_j()
            energy_j = self.energies_j(before_j, after_j, watched, started_s, ended_s)[0]
            self.idle_power_w = energy_j / (ended_s - started_s)

    def __enter__(self) -> "Window":
        if self._window is not None:
            raise InputError("found a window of this meter open already, expected one after the other")
        self.ready()
        self._refuse_company()
        self._window = Window(self)
        try:
            self._window.open()
        except BaseException:
            self._window.abandon()
            self._window = None
            raise
        return self._window

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        window, self._window = self._window, None
        if window is not None and kind is None:
            window.close()
        elif window is not None:
            window.abandon()

    def sampler(self) -> Sampler:
        """A sampler of everything that this meter reads."""
        others = [self.rapl] if self.rapl.readable else []
        return Sampler(self.boards, others, period_s=self.sample_period_s, power_period_s=self.power_period_s)

    def counters_j(self) -> list[float | None]:
        """Each GPU's energy counter, none where it has none; the CPU's packages in place of GPUs where there are none.

        Raises:
            InputError: a GPU does not answer.
        """
        if self.boards:
            return [
                board.counter_j() if gpu.counter_period_s else None
                for board, gpu in zip(self.boards, self.gpus, strict=True)
            ]
        return [self.rapl.counter_j() if self.rapl.readable else None]

    def energies_j(
        self,
        before_j: Sequence[float | None],
        after_j: Sequence[float | None],
        sampler: Sampler,
        started_s: float,
        ended_s: float,
    ) -> tuple[float, float | None]:
        """Energy between two readings of all counters, in joules, summed, and the bound on its error.

        A counter may be a period behind at both ends, so that the energy of a period at most is missing or too much.
        """
        energies: list[float] = []
        bounds: list[float | None] = []
        for number, (before, after) in enumerate(zip(before_j, after_j, strict=True)):
            if before is None or after is None:
                if sampler.failure is not None:
                    raise sampler.failure
                found = sampler.trace.integrated_j(
                    number, sampler.since_start_s(started_s), sampler.since_start_s(ended_s)
                )
                if found is None:
                    raise self._unreadable(number)
                energies.append(found[0])
                bounds.append(self.with_lag(number, found[1]))
                continue
            if after < before:
                raise InputError(
                    f"{self._name(number)}: its energy counter fell from {before:.3f} to {after:.3f} J inside the "
                    "window, expected it to rise: it was reset; nothing was measured"
                )
            energies.append(after - before)
            limit_w = self.gpus[number].power_limit_w if self.gpus else None
            bounds.append(None if limit_w is None else self._counter_period_s(number) * limit_w + COUNTER_STEP_J)
        return sum(energies), None if None in bounds else sum(bound for bound in bounds if bound is not None)

    def with_lag(self, number: int, bound_j: float) -> float | None:
        """A power averaged over a second brings half of it from before the window, and leaves as much behind."""
        gpu = self.gpus[number]
        if gpu.power == "instantaneous":
            return bound_j
        return None if gpu.power_limit_w is None else bound_j + AVERAGED_S / 2 * gpu.power_limit_w

    def _instrument_period_s(self) -> float:
        if self.gpus:
            return max(self._counter_period_s(number) for number in range(len(self.gpus)))
        return self.rapl.period_s or 1 / os.sysconf("SC_CLK_TCK")

    def _counter_period_s(self, number: int) -> float:
        if not self.gpus:
            return self.rapl.period_s or 0.0
        gpu = self.gpus[number]
        sampled_s = self.power_period_s if gpu.power == "instantaneous" else AVERAGED_S
        return gpu.counter_period_s or max(sampled_s, gpu.power_period_s or 0)

    def _refuse_company(self) -> None:
        if self._allow_shared:
            return
        for board, gpu in zip(self.boards, self.gpus, strict=True):
            if gpu.mig:
                raise InputError(
                    f"{board.name}: found it split into instances (MIG), expected a whole board: what the others use "
                    "would be in the reading"
                )
            if foreign := board.foreign_processes():
                others = "1 other process" if foreign == 1 else f"{foreign} other processes"
                raise InputError(
                    f"{board.name}: found {others} computing on it, expected none: their energy would be in the "
                    "reading; energy.allow_shared: true measures all the same, and flags the record"
                )

    def _name(self, number: int) -> str:
        return f"{self.gpus[number].name} ({self.gpus[number].uuid})" if self.gpus else "RAPL"

    def _unreadable(self, number: int) -> InputError:
        return InputError(
            f"{self._name(number)}: found no energy counter and fewer than two readings of its power, expected one or "
            "the other; nothing was measured"
        )


class _Mark(NamedTuple):
    """Where a repetition ends and the next begins."""

    at_s: float
    counters_j: list[float | None]
    modelled_kwh: float


class Window:
    """One window of a meter.

    Attributes:
        energy: what was read, per repetition; from the end of the `with` on.
        sampler: watches the devices inside it, and has the trace.
    """

    energy: Energy

    def __init__(self, meter: Meter) -> None:
        self.sampler = meter.sampler()
        self._meter = meter
        self._repetitions = 0
        self._marks: list[_Mark] = []

    def open(self) -> None:
        """Wait for the devices, then read."""
        self._meter.synchronize()
        self.sampler.__enter__()
        self._meter.tracker.begin()
        self._rapl_before_j = self._meter.rapl.read_j()
        self._before_j = self._meter.counters_j()
        self._started_s = time.perf_counter()

    def again(self, at_least: int = 1) -> bool:
        """Whether the work is to be done (once more): yes at first, then until the window is long enough.

        Waits for the devices, so that the time is known. The energy is divided by the number of yeses.

        Args:
            at_least: repetitions, however long they take; with several, the energy of each is read.
        """
        if self._repetitions:
            self._meter.synchronize()
        if at_least > 1:
            meter = self._meter
            modelled_kwh = 0.0 if meter.gpus or meter.rapl.readable else meter.tracker.so_far_kwh()
            self._marks.append(_Mark(time.perf_counter(), meter.counters_j(), modelled_kwh))
        is_long = time.perf_counter() - self._started_s >= self._meter.min_window_s
        if self._repetitions >= at_least and is_long:
            return False
        self._repetitions += 1
        return True

    def so_far_kwh(self) -> float:
        """Energy of the computing component since the window was opened, for a progress line."""
        pairs = zip(self._before_j, self._meter.counters_j(), strict=True)
        counted = [after - before for before, after in pairs if before is not None and after is not None]
        if counted:
            return sum(counted) / JOULES_PER_KWH
        if not self._meter.gpus:
            return self._meter.tracker.so_far_kwh()
        now_s = time.perf_counter()
        return (
            self._meter.energies_j(self._before_j, self._before_j, self.sampler, self._started_s, now_s)[0]
            / JOULES_PER_KWH
        )

    def abandon(self) -> None:
        """Close the window without an account, after an error."""
        self.sampler.stop()
        self._meter.tracker.abandon()

    def close(self) -> None:
        """Wait for the devices, read, compare.

        Raises:
            InputError: a GPU no longer answers, a counter was reset, or the energy is 0.
        """
        try:
            self._meter.synchronize()
            self._ended_s = time.perf_counter()
            after_j = self._meter.counters_j()
            rapl_j = {name: after - self._rapl_before_j[name] for name, after in self._meter.rapl.read_j().items()}
            self.sampler.stop()
            codecarbon = self._meter.tracker.end()
        except BaseException:
            self.abandon()
            raise
        self._repetitions = max(self._repetitions, 1)
        duration_s = self._ended_s - self._started_s
        shares = codecarbon.divided(self._repetitions)
        cpu = self._rapl(rapl_j, "package") or self._modelled(
            shares.cpu_energy_kwh, "model of CPU load and thermal design power"
        )
        gpu = self._gpu(after_j) if self._meter.gpus else None
        deciding = gpu or cpu
        integrated = self._integrated() if gpu else None
        # an average lags behind the window: it says nothing against the counter
        prompt = all(board.power == "instantaneous" for board in self._meter.gpus)
        others = [integrated.energy_kwh] if integrated and prompt else []
        if deciding.kind == "measured":
            others.append(shares.gpu_energy_kwh if gpu else shares.cpu_energy_kwh)
        # where power is integrated, a sample that came late counts
        gaps_s = [
            self.sampler.trace.longest_gap_s(number)
            for number, board in enumerate(self._meter.gpus)
            if board.counter_period_s is None
        ]
        period_s = max([self._meter.period_s, *gaps_s])
        self.energy = Energy(
            duration_s=duration_s / self._repetitions,
            component="gpu" if gpu else "cpu",
            gpu=gpu,
            cpu=cpu,
            ram=self._rapl(rapl_j, "dram") or self._modelled(shares.ram_energy_kwh, "constant power per module"),
            integrated_power=integrated,
            codecarbon=shares,
            window=WindowRecord(
                duration_s=duration_s,
                repetitions=self._repetitions,
                repetition_energies_kwh=self._of_repetitions_kwh(),
                instrument_period_s=period_s,
                resolution_percent=100 * period_s / duration_s,
                disagreement_percent=max((100 * abs(o / deciding.energy_kwh - 1) for o in others), default=None),
                idle_power_w=self._meter.idle_power_w,
            ),
        )

    def _of_repetitions_kwh(self) -> list[float] | None:
        """Of each repetition; none where nobody asked, or where one is too short for the instrument."""
        meter = self._meter
        shortest_s = min((after.at_s - before.at_s for before, after in pairwise(self._marks)), default=0)
        if shortest_s < PERIODS_OF_A_REPETITION * meter.period_s:
            return None
        if not (meter.gpus or meter.rapl.readable):
            return [after.modelled_kwh - before.modelled_kwh for before, after in pairwise(self._marks)] or None
        try:
            found_j = [
                meter.energies_j(before.counters_j, after.counters_j, self.sampler, before.at_s, after.at_s)[0]
                for before, after in pairwise(self._marks)
            ]
        except InputError:
            return None
        return [energy_j / JOULES_PER_KWH for energy_j in found_j] or None

    def _gpu(self, after_j: Sequence[float | None]) -> Reading:
        gpus = self._meter.gpus
        energy_j, bound_j = self._meter.energies_j(
            self._before_j, after_j, self.sampler, self._started_s, self._ended_s
        )
        sources = [
            "NVML energy counter" if gpu.counter_period_s else f"NVML {gpu.power} power, integrated" for gpu in gpus
        ]
        return self._reading(energy_j, bound_j, ", ".join(dict.fromkeys(sources)), [gpu.name for gpu in gpus])

    def _integrated(self) -> Reading | None:
        """The power of all GPUs, integrated, beside their counters; none where it decides already."""
        gpus, sampler = self._meter.gpus, self.sampler
        times = sampler.since_start_s(self._started_s), sampler.since_start_s(self._ended_s)
        found = [sampler.trace.integrated_j(number, *times) for number in range(len(gpus))]
        known = [pair for pair in found if pair is not None]
        if not all(gpu.counter_period_s for gpu in gpus) or len(known) < len(gpus) or sampler.failure is not None:
            return None
        kinds = " and ".join(sorted({gpu.power for gpu in gpus if gpu.power}))
        energy_j = sum(energy for energy, _ in known)
        bounds = [self._meter.with_lag(number, bound) for number, (_, bound) in enumerate(known)]
        bound_j = None if None in bounds else sum(bound for bound in bounds if bound is not None)
        return self._reading(energy_j, bound_j, f"NVML {kinds} power, integrated")

    def _rapl(self, energies_j: dict[str, float], domain: str) -> Reading | None:
        if domain not in energies_j:
            return None
        deciding = domain == "package" and not self._meter.gpus
        return self._reading(energies_j[domain], None, f"RAPL {domain}", ["RAPL"] if deciding else [])

    def _modelled(self, energy_kwh: float, model: str) -> Reading:
        return Reading(energy_kwh=energy_kwh, source=f"CodeCarbon {VERSION}, {model}", kind="estimated")

    def _reading(self, energy_j: float, bound_j: float | None, source: str, never_zero: Sequence[str] = ()) -> Reading:
        if never_zero and energy_j <= 0:
            raise InputError(
                f"{' and '.join(never_zero)}: read {energy_j:g} J over {self._ended_s - self._started_s:.2f} s, "
                "expected more than 0; its energy cannot be read here, or the window is too short for it"
            )
        return Reading(
            energy_kwh=energy_j / JOULES_PER_KWH / self._repetitions,
            source=source,
            kind="measured",
            uncertainty_kwh=None if bound_j is None else bound_j / JOULES_PER_KWH / self._repetitions,
        )


def _synchronize_all() -> None:
    import torch

    for number in range(torch.cuda.device_count()):
        torch.cuda.synchronize(number)
