"""CodeCarbon, offline, over the same window: it is the published method."""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version

from isojoule.errors import InputError
from isojoule.records.measurement import CodeCarbon
from isojoule.records.provenance import cpu_model

VERSION = version("codecarbon")


class Tracker:
    """CodeCarbon's readings of one window after the other; what it cannot read is said in them, and never fatal.

    CodeCarbon needs over a second to find out what it can read here. It does so in a thread of its own from the moment
    the tracker is made, and `ready` waits for it, so that this time never falls into a window.

    Args:
        gpu_indices: NVML's numbers of the GPUs to read.
        country_iso_code: ISO 3166 alpha-3 code of the country that decides the emissions per kWh; without one,
            CodeCarbon would take the world's average, and the emissions are not stated.
        cpu_max_power_w: thermal design power of the CPU, for the model where the CPU has no counter.
    """

    def __init__(
        self,
        gpu_indices: Sequence[int] = (),
        country_iso_code: str | None = None,
        cpu_max_power_w: float | None = None,
    ) -> None:
        self._country_iso_code = country_iso_code
        self._gpu_indices = list(gpu_indices)
        self._cpu_max_power_w = cpu_max_power_w
        self._refusal: InputError | None = None
        self._failure: str | None = None
        self._is_open = False
        self._preparation = threading.Thread(target=self._prepare, name="codecarbon", daemon=True)
        self._preparation.start()

    def _prepare(self) -> None:
        with self._forgiving():
            from codecarbon import OfflineEmissionsTracker
            from codecarbon.core.cpu import is_rapl_available
            from codecarbon.input import DataSource

            _shield()
            logging.getLogger("codecarbon").setLevel(logging.CRITICAL)
            if self._country_iso_code not in (None, *DataSource().get_global_energy_mix_data()):
                self._refusal = InputError(
                    f"energy.country_iso_code: found {self._country_iso_code}, expected a country that "
                    "CodeCarbon knows, by its three letters, such as FRA"
                )
                return
            # GPUs are given by their index, since CodeCarbon 3.3.2 strips the G of a UUID and then does not find it
            self._tracker = OfflineEmissionsTracker(
                country_iso_code=self._country_iso_code,
                output_methods=[],
                log_level="critical",
                allow_multiple_runs=True,
                gpu_ids=self._gpu_indices,
                force_cpu_power=None if is_rapl_available() else self._cpu_max_power_w,
            )
            self._tracker.start_task()
            self._tracker.stop_task()

    def ready(self) -> None:
        """Wait until a window can be opened without delay.

        Raises:
            InputError: CodeCarbon knows no such country.
        """
        self._preparation.join()
        if self._refusal is not None:
            raise self._refusal

    def begin(self) -> None:
        """Open a window."""
        if self._failure is None:
            with self._forgiving():
                self._tracker.start_task()
                self._is_open = True

    def end(self) -> CodeCarbon:
        """Close the window, and return CodeCarbon's figures for it, or why there are none."""
        figures = None
        if self._is_open:
            self._is_open = False
            with self._forgiving():
                figures = self._tracker.stop_task()
        if figures is None:
            reason = self._failure or "it has no figures for the window"
            return CodeCarbon(version=VERSION, country_iso_code=self._country_iso_code, failure=reason)
        # no GPU that computes takes nothing: CodeCarbon reads 0 where it cannot read
        is_blind = bool(self._gpu_indices) and not figures.gpu_energy
        return CodeCarbon(
            version=VERSION,
            country_iso_code=self._country_iso_code,
            failure="it read 0 kWh of the GPU, which it cannot read" if is_blind else None,
            cpu_energy_kwh=figures.cpu_energy,
            gpu_energy_kwh=None if is_blind else figures.gpu_energy,
            ram_energy_kwh=figures.ram_energy,
            total_energy_kwh=None if is_blind else figures.energy_consumed,
            emissions_kg_co2e=figures.emissions if self._country_iso_code and not is_blind else None,
        )

    def abandon(self) -> None:
        """Close the window without figures, where one is open."""
        if self._is_open:
            self.end()

    @contextmanager
    def _forgiving(self) -> Iterator[None]:
        """Keep why CodeCarbon failed; nothing of what it raises ends a measurement."""
        try:
            yield
        except (Exception, SystemExit) as error:
            lines = str(error).strip().splitlines() or ["no reason given"]
            self._failure = f"{type(error).__name__}: {lines[0]}"


def _shield() -> None:
    """Keep everything away from CodeCarbon that would change a figure, open a connection or end the program.

    It reads settings from ~/.codecarbon.config, from the current folder and from variables CODECARBON_*: a token there
    makes it ask a service, and take another country. It asks `scontrol`, which a container in a job does not have, and
    takes the memory that a job asked for as the machine's.
    """
    import cpuinfo
    from codecarbon import emissions_tracker
    from codecarbon.core import util
    from codecarbon.external import ram

    setattr(emissions_tracker, "get_hierarchical_config", dict)  # noqa: B010 - the module does not export it
    for module in (util, ram):
        setattr(module, "SLURM_JOB_ID", None)  # noqa: B010 - the same
    # py-cpuinfo runs an interpreter for a second to find the name of the CPU
    name = cpu_model()
    if name:
        cpuinfo.get_cpu_info = lambda: {"brand_raw": name}
