"""The meter: everything is ready before a window opens, and one window follows the other.

The protocol follows Zeus and Carbontracker, and Yang et al., "Part-time power measurements", SC24 (arXiv 2312.02741).
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from isojoule.energy.account import energy_between
from isojoule.energy.codecarbon import Tracker
from isojoule.energy.instruments import Instruments
from isojoule.energy.rapl import POWERCAP
from isojoule.energy.window import Window
from isojoule.errors import InputError
from isojoule.records.measurement import Gpu


class Meter:
    """Reads the energy of GPUs, or of the CPU where no GPU is given, over one window after the other.

    `with meter as window:` opens a window: the meter waits for the devices and reads every instrument, and does both
    again at the end of the `with`. The energy of GPUs is that of their counters, where they have one, and else their
    power, sampled and integrated. The energy of the CPU is RAPL's, and else that of CodeCarbon's model, which is an
    estimate. CodeCarbon, the published method, runs over the same window, and the readings are compared.

    Args:
        gpus: the GPUs of the job, as `isojoule.energy.nvml.visible` or `identify` gives them; none where the CPU
            computes.
        country_iso_code: the country whose electricity CodeCarbon's emissions are for, ISO 3166 alpha-3; without it
            the emissions are not stated.
        cpu_max_power_w: thermal design power of the CPU, for CodeCarbon's model where the CPU has no counter.
        synchronize: waits until the devices have done all that was asked of them; by default all that torch sees.
        min_window_s: length in seconds below which `Window.again` asks for another repetition.
        resolution_percent: `Window.again` also asks for another repetition as long as the instrument's period is more
            than this part of the window.
        idle_s: how long the idle power is measured at the first `ready`; 0 for not at all.
        sample_period_s: time between two samples of utilisation, clocks, temperature and other processes.
        power_period_s: time between two samples of power.
        own_processes: how many processes of this job compute on each GPU; with several, one of them has the meter, and
            `synchronize` must wait for all of them (a barrier).
        allow_shared: whether to go on where another process is on a GPU, whose energy will be in the reading.
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
        own_processes: int = 1,
        allow_shared: bool = False,
        powercap: Path = POWERCAP,
    ) -> None:
        if not resolution_percent > 0:
            raise InputError(f"resolution_percent: found {resolution_percent}, expected more than 0")
        # CodeCarbon's first, since it gets ready in a thread of its own while the others do
        tracker = Tracker([gpu.nvml_index for gpu in gpus], country_iso_code, cpu_max_power_w)
        self._instruments = Instruments(
            gpus,
            tracker,
            own_processes=own_processes,
            sample_period_s=sample_period_s,
            power_period_s=power_period_s,
            powercap=powercap,
        )
        self.min_window_s = max(min_window_s, 100 / resolution_percent * self._instruments.period_s)
        self._synchronize = synchronize or (_synchronize_all if gpus else lambda: None)
        self._idle_s = idle_s
        self._idle_power_w: float | None = None
        self._allow_shared = allow_shared
        self._window: Window | None = None

    def ready(self) -> None:
        """Wait until a window can be opened without delay; the first time, measure the idle power.

        Call it before the warm-up, with the CUDA context alive.
        """
        self._instruments.tracker.ready()
        if self._idle_power_w is None and self._idle_s > 0 and self._instruments.can_measure:
            self._idle_power_w = self._measured_idle_power_w()

    def __enter__(self) -> Window:
        if self._window is not None:
            raise InputError("found a window of this meter open already, expected one after the other")
        self.ready()
        if not self._allow_shared:
            self._instruments.check_alone()
        self._window = Window(self._instruments, self._synchronize, self.min_window_s, self._idle_power_w)
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

    def _measured_idle_power_w(self) -> float:
        self._synchronize()
        sampler = self._instruments.sampler()
        before = self._instruments.read(before_work=True)
        with sampler:
            time.sleep(self._idle_s)
        after = self._instruments.read()
        energy_j = energy_between(self._instruments.deciding, before, after, sampler.trace).energy_j
        return energy_j / (after.time_s - before.time_s)


def _synchronize_all() -> None:
    import torch

    for number in range(torch.cuda.device_count()):
        torch.cuda.synchronize(number)
