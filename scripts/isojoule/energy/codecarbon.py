"""CodeCarbon, offline, over the same window: it is the published method, and never decides nor ends a measurement."""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import psutil

from isojoule.energy.codecarbon_shield import shielded
from isojoule.errors import InputError
from isojoule.records.measurement import CodeCarbon
from isojoule.study.emission_factor import kg_per_kwh

VERSION = version("codecarbon")
# it needs a second or two to get ready; what takes longer hangs, and must not hold up a job
PATIENCE_S = 60.0
# what is replaced while a tracker is built is the same for all trackers of the process
_BUILDING = threading.Lock()


class Tracker:
    """CodeCarbon's readings of one window after the other; what it cannot read is said in them.

    CodeCarbon needs over a second to find out what it can read here. It does so in a thread of its own from the moment
    the tracker is made, and `ready` waits for it, so that this time never falls into a window.

    Args:
        gpu_indices: NVML's numbers of the GPUs to read.
        country_iso_code: ISO 3166 alpha-3 code of the country that decides the emissions per kWh; without one,
            CodeCarbon would take the world's average, and the emissions are not stated.
        cpu_max_power_w: thermal design power of the CPU, for its model where the CPU has no counter.
        why_no_gpu: why it cannot read the GPUs that compute; none where it can, or where the CPU computes.
    """

    def __init__(
        self,
        gpu_indices: Sequence[int] = (),
        country_iso_code: str | None = None,
        cpu_max_power_w: float | None = None,
        why_no_gpu: str | None = None,
    ) -> None:
        self._country_iso_code = country_iso_code
        self._why_no_gpu = why_no_gpu
        self._gpu_indices = [] if why_no_gpu else sorted(gpu_indices)
        self._cpu_max_power_w = cpu_max_power_w
        self._refusal: InputError | None = None
        self._failure: str | None = None
        self._tracker: Any = None
        self._can_recover = self._is_open = False
        self._patience_s = PATIENCE_S
        self._preparation = threading.Thread(target=self._prepare, name="codecarbon", daemon=True)
        self._preparation.start()

    def ready(self) -> None:
        """Wait until a window can be opened without delay; where the last one broke the tracker, build another.

        Raises:
            InputError: CodeCarbon knows no such country.
        """
        self._preparation.join(self._patience_s)
        if self._preparation.is_alive():
            self._failure = f"it was not ready after {PATIENCE_S:g} s"
            self._patience_s = 0
        if self._refusal is not None:
            raise self._refusal
        if self._can_recover and self._tracker is None:
            self._can_recover = False
            self._prepare()

    def begin(self) -> None:
        """Open a window."""
        if self._tracker is None:
            return
        with self._forgiving():
            self._tracker.start_task()
            if not self._tracker._active_task:
                raise RuntimeError("it did not begin")
            self._is_open = True

    def end(self) -> CodeCarbon:
        """Close the window, and return CodeCarbon's figures for it, or why there are none."""
        figures = None
        if self._is_open:
            self._is_open = False
            with self._forgiving():
                figures = self._figures(self._tracker.stop_task())
        if figures is None:
            reason = self._failure or "it was not ready"
            return CodeCarbon(version=VERSION, country_iso_code=self._country_iso_code, failure=reason)
        return figures

    def abandon(self) -> None:
        """Close the window without figures, where one is open."""
        if self._is_open:
            self.end()

    def _prepare(self) -> None:
        with self._forgiving(), _BUILDING, shielded():
            try:
                if self._country_iso_code is not None:
                    kg_per_kwh(self._country_iso_code)
            except InputError as error:
                self._refusal = error
                return
            tracker = self._built()
            tracker.start_task()
            self._keep_to_what_was_asked(tracker)
            tracker.stop_task()
            self._tracker, self._failure, self._can_recover = tracker, None, True

    def _built(self) -> Any:
        from codecarbon import OfflineEmissionsTracker
        from codecarbon.core.cpu import is_rapl_available

        logging.getLogger("codecarbon").setLevel(logging.CRITICAL)
        tracker = OfflineEmissionsTracker.__new__(OfflineEmissionsTracker)
        initialize = OfflineEmissionsTracker.__init__
        # its constructor says of no error, and leaves half a tracker; the function below it does
        getattr(initialize, "__wrapped__", initialize)(
            tracker,
            country_iso_code=self._country_iso_code,
            output_methods=[],
            log_level="critical",
            allow_multiple_runs=True,
            # by index, since CodeCarbon 3.3.2 strips the G of a UUID and then does not find it
            gpu_ids=self._gpu_indices,
            force_cpu_power=None if is_rapl_available() else self._cpu_max_power_w,
        )
        return tracker

    def _keep_to_what_was_asked(self, tracker: Any) -> None:
        """Leave out GPUs that nobody asked for, and take the machine's memory as it is.

        CodeCarbon remembers what it found for earlier trackers of a process, and then takes no GPU for all GPUs.
        """
        from codecarbon.external.hardware import GPU
        from codecarbon.external.ram import RAM

        gpus = [hardware for hardware in tracker._hardware if isinstance(hardware, GPU)]
        if not self._gpu_indices:
            tracker._hardware = [hardware for hardware in tracker._hardware if hardware not in gpus]
        elif (indices := sorted(index for gpu in gpus for index in gpu.gpu_ids or ())) != self._gpu_indices:
            raise RuntimeError(f"it found the GPUs {indices or 'none'}, expected {self._gpu_indices}")
        for hardware in tracker._hardware:
            if isinstance(hardware, RAM):
                hardware.memory_size = psutil.virtual_memory().total / 2**30

    def _figures(self, figures: Any) -> CodeCarbon:
        """Return the figures of a window; 0 kWh of what computes is what CodeCarbon gives where it cannot read."""
        blind = [
            component
            for component, energy_kwh in (("GPU", figures.gpu_energy), ("CPU", figures.cpu_energy))
            if not energy_kwh > 0 and (component == "CPU" or self._gpu_indices)
        ]
        reasons = [f"it read 0 kWh of the {' and the '.join(blind)}"] if blind else []
        if self._why_no_gpu is not None:
            blind.append("GPU")
            reasons.append(self._why_no_gpu)
        return CodeCarbon(
            version=VERSION,
            country_iso_code=self._country_iso_code,
            failure="; ".join(reasons) or None,
            cpu_energy_kwh=None if "CPU" in blind else figures.cpu_energy,
            gpu_energy_kwh=None if "GPU" in blind else figures.gpu_energy,
            ram_energy_kwh=figures.ram_energy,
            total_energy_kwh=None if blind else figures.energy_consumed,
            emissions_kg_co2e=None if blind or self._country_iso_code is None else figures.emissions,
        )

    @contextmanager
    def _forgiving(self) -> Iterator[None]:
        """Keep why CodeCarbon failed, and use this tracker no more; nothing that it raises ends a measurement."""
        try:
            yield
        except (Exception, SystemExit) as error:
            lines = str(error).strip().splitlines() or ["no reason given"]
            self._failure = f"{type(error).__name__}: {lines[0]}"
            self._tracker = None
