"""The meter: everything is ready before a window opens, and one window follows the other.

The protocol follows Zeus and Carbontracker, and Yang et al., "Part-time power measurements", SC24 (arXiv 2312.02741).
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from isojoule.energy.account import energy_between
from isojoule.energy.codecarbon import Tracker
from isojoule.energy.cpu_time import work_cpu_s
from isojoule.energy.idle import SETTLED_S, Idle, taken, wait_until_settled, why_not_idle
from isojoule.energy.instruments import Instruments
from isojoule.energy.nvml_queries import UnansweredError
from isojoule.energy.rapl import POWERCAP
from isojoule.energy.steady import Steadied, until_steady
from isojoule.energy.window import Window
from isojoule.errors import InputError
from isojoule.records.certificate import Certificate
from isojoule.records.measurement import Gpu

# a board that needs longer windows for one per cent is measured so long all the same, and its bound says the rest
LONGEST_ASKED_S = 60.0


class Meter:
    """Reads the energy of GPUs, or of the CPU where no GPU is given, over one window after the other.

    `with meter as window:` opens a window: the meter waits for the devices and reads every instrument, and does both
    again at the end of the `with`. The energy of GPUs is that of their counters, where they have one, and else their
    power, sampled and integrated. The energy of the CPU is RAPL's, and else that of the CPU time that the job uses,
    which is an estimate. CodeCarbon, the published method, runs over the same window, and the readings are compared.

    Args:
        gpus: the GPUs of the job, as `isojoule.energy.nvml.visible` or `identify` gives them; none where the CPU
            computes.
        country_iso_code: the country whose electricity CodeCarbon's emissions are for, ISO 3166 alpha-3; without it
            the emissions are not stated.
        cpu_max_power_w: thermal design power of the machine's CPUs, for the estimate where they have no counter.
        synchronize: waits until the devices have done all that was asked of them; by default all that torch sees.
        min_window_s: length in seconds below which `Window.again` asks for another repetition.
        resolution_percent: `Window.again` also asks for another repetition as long as the instrument's period is more
            than this part of the window.
        idle_s: how long the idle power is measured, at the first `ready` and again now and then, once it has settled;
            0 for not at all.
        sample_period_s: time between two samples of utilisation, clocks, temperature and other processes.
        power_period_s: time between two samples of power.
        certificates: of the GPUs, in their order, from which periods, bounds and the shortest window come; empty where
            nobody tried them.
        own_processes: how many processes of this job compute on each GPU; with several, one of them has the meter, and
            `synchronize` must wait for all of them (a barrier).
        allow_shared: whether to go on where another process is on a GPU, whose energy will be in the reading.
        owns: tells whether a process, by its number, is of this job; by default this one and its children are.
        cpu_s: tells the CPU time that the work has used, for the estimate of a CPU; by default that of this process and
            its children.
        powercap: folder where the kernel shows RAPL.

    Raises:
        InputError: from `ready` or the `with`: CodeCarbon does not know the country, another process is on a GPU, or a
            GPU does not answer; from the end of the `with`: a counter was reset, or the energy read is 0.
    """

    def __init__(
        self,
        *,
        gpus: Sequence[Gpu] = (),
        country_iso_code: str | None = None,
        cpu_max_power_w: float | None = None,
        synchronize: Callable[[], None] | None = None,
        min_window_s: float = 10.0,
        resolution_percent: float = 1.0,
        idle_s: float = 5.0,
        sample_period_s: float = 1.0,
        power_period_s: float = 0.1,
        certificates: Sequence[Certificate] = (),
        own_processes: int = 1,
        allow_shared: bool = False,
        owns: Callable[[int], bool] | None = None,
        cpu_s: Callable[[], float] = work_cpu_s,
        powercap: Path = POWERCAP,
    ) -> None:
        if not resolution_percent > 0:
            raise InputError(f"resolution_percent: found {resolution_percent}, expected more than 0")
        # CodeCarbon's first, since it gets ready in a thread of its own while the others do
        indices = [gpu.nvml_index for gpu in gpus if gpu.nvml_index is not None]
        tracker = Tracker(indices, country_iso_code, cpu_max_power_w, _why_no_gpu_of_codecarbon(gpus))
        self._instruments = Instruments(
            gpus,
            tracker,
            own_processes=own_processes,
            sample_period_s=sample_period_s,
            power_period_s=power_period_s,
            certificates=certificates,
            cpu_max_power_w=cpu_max_power_w,
            owns=owns,
            cpu_s=cpu_s,
            powercap=powercap,
        )
        of_boards_s = [min(certificate.shortest_window_s or 0.0, LONGEST_ASKED_S) for certificate in certificates]
        self.min_window_s = max(min_window_s, 100 / resolution_percent * self._instruments.period_s, *of_boards_s)
        self._synchronize = synchronize or (_synchronize_all if gpus else lambda: None)
        self._idle_s = idle_s
        self._idle: Idle | None = None
        self._no_idle: str | None = None
        self._idle_count = self._windows_of_idle = 0
        self._steadied: Steadied | None = None
        self._allow_shared = allow_shared
        self._window: Window | None = None

    def ready(self) -> None:
        """Wait until a window can be opened without delay; the first time, and now and then, measure the idle power.

        Call it before the warm-up, with the CUDA context alive.
        """
        self._instruments.tracker.ready()
        if self._idle_s <= 0 or not self._instruments.can_measure:
            return
        if self._idle is None or not self._idle.is_valid(time.perf_counter(), self._windows_of_idle):
            self._measure_idle_power()

    def warm_up(self, work: Callable[[], None]) -> None:
        """Do the work until the board draws a steady power, before the first window of the meter; later, do it once.

        Args:
            work: does a little of what the windows will measure.
        """
        self._instruments.tracker.ready()

        def done() -> None:
            work()
            self._synchronize()

        done()
        if self._steadied is None and self._instruments.reads_gpus:
            with self._instruments.sampler() as sampler:
                self._steadied = until_steady(done, lambda: self._instruments.energy_so_far_j(sampler.trace))

    def __enter__(self) -> Window:
        if self._window is not None:
            raise InputError("found a window of this meter open already, expected one after the other")
        self.ready()
        if not self._allow_shared:
            self._instruments.check_alone()
        self._windows_of_idle += 1
        self._window = Window(
            self._instruments, self._synchronize, self.min_window_s, self._idle, self._no_idle, self._steadied
        )
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

    def _measure_idle_power(self) -> None:
        """Wait until the power has settled, then take it; the board must do nothing meanwhile."""
        self._synchronize()
        instruments = self._instruments
        settled = not instruments.reads_gpus or wait_until_settled(instruments.state, min(SETTLED_S, self._idle_s))
        sampler = instruments.sampler()
        before = instruments.read(before_work=True)
        with sampler:
            time.sleep(self._idle_s)
        after = instruments.read()
        self._windows_of_idle = 0
        self._no_idle = why_not_idle(sampler.trace)
        if self._no_idle is not None:
            self._idle = None
            return
        try:
            energy = energy_between(instruments.deciding, before, after, sampler.trace)
        except UnansweredError as error:
            self._idle, self._no_idle = None, str(error)
            return
        self._idle_count += 1
        duration_s = after.time_s - before.time_s
        power_w = energy.energy_j / duration_s
        self._idle = taken(
            sampler.trace,
            power_w,
            # each end is off by a period at most, of this power
            2 * instruments.period_s * power_w / duration_s,
            number=self._idle_count,
            settled=settled,
            measured_s=after.time_s,
        )


def _why_no_gpu_of_codecarbon(gpus: Sequence[Gpu]) -> str | None:
    """Return why CodeCarbon's figure of the GPUs would be another one than theirs; none where it is theirs."""
    if any(gpu.nvml_index is None for gpu in gpus):
        return "NVML does not tell the number of a GPU, by which it is asked for"
    if any(gpu.counter_scope == "module" and gpu.scope == "gpu" for gpu in gpus):
        return "its figure of a GPU is that of the module with its CPU and memory"
    return None


def _synchronize_all() -> None:
    import torch

    for number in range(torch.cuda.device_count()):
        torch.cuda.synchronize(number)
