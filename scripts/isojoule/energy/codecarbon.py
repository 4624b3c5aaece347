"""CodeCarbon, offline, over the same window: it is the published method, and has a model of CPUs without a counter."""

import logging
import threading
from collections.abc import Sequence
from importlib.metadata import version

from isojoule.errors import InputError
from isojoule.records.measurement import CodeCarbon
from isojoule.records.provenance import cpu_model

VERSION = version("codecarbon")


class Tracker:
    """CodeCarbon's readings of one window after the other.

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
        self._failure: BaseException | None = None
        self._is_open = False
        self._preparation = threading.Thread(target=self._prepare, name="codecarbon", daemon=True)
        self._preparation.start()

    def _prepare(self) -> None:
        try:
            from codecarbon import OfflineEmissionsTracker
            from codecarbon.core.cpu import is_rapl_available
            from codecarbon.input import DataSource

            _spare_cpuinfo()
            logging.getLogger("codecarbon").setLevel(logging.ERROR)
            if self._country_iso_code not in (None, *DataSource().get_global_energy_mix_data()):
                raise InputError(
                    f"energy.country_iso_code: found {self._country_iso_code}, expected a country that "
                    "CodeCarbon knows, by its three letters, such as FRA"
                )
            # GPUs are given by their index, since CodeCarbon 3.3.2 strips the G of a UUID and then does not find it;
            # every setting that ~/.codecarbon.config could change, and that would change a figure, is given
            self._tracker = OfflineEmissionsTracker(
                country_iso_code=self._country_iso_code,
                region=None,
                cloud_provider=None,
                cloud_region=None,
                output_methods=[],
                log_level="error",
                allow_multiple_runs=True,
                tracking_mode="machine",
                gpu_ids=self._gpu_indices,
                force_cpu_power=None if is_rapl_available() else self._cpu_max_power_w,
                force_ram_power=None,
                force_mode_cpu_load=False,
                rapl_include_dram=False,
                rapl_prefer_psys=False,
                force_carbon_intensity_g_co2e_kwh=None,
                pue=1,
                wue=0,
            )
            self._tracker.start_task()
            self._tracker.stop_task()
        except BaseException as error:
            self._failure = error

    def ready(self) -> None:
        """Wait until a window can be opened without delay.

        Raises:
            InputError: CodeCarbon knows no such country.
        """
        self._preparation.join()
        if self._failure is not None:
            raise self._failure

    def begin(self) -> None:
        """Open a window."""
        self._before_kwh = float(self._tracker._total_cpu_energy.kWh)
        self._tracker.start_task()
        self._is_open = True

    def so_far_kwh(self) -> float:
        """Measure, and return the energy of the CPU since `begin`."""
        self._tracker._measure_power_and_energy()
        return float(self._tracker._total_cpu_energy.kWh) - self._before_kwh

    def end(self) -> CodeCarbon:
        """Close the window, and return CodeCarbon's figures for it."""
        figures = self._tracker.stop_task()
        self._is_open = False
        return CodeCarbon(
            version=VERSION,
            country_iso_code=self._country_iso_code,
            cpu_energy_kwh=figures.cpu_energy,
            gpu_energy_kwh=figures.gpu_energy,
            ram_energy_kwh=figures.ram_energy,
            total_energy_kwh=figures.energy_consumed,
            emissions_kg_co2e=figures.emissions if self._country_iso_code else None,
        )

    def abandon(self) -> None:
        """Close the window without figures, where one is open."""
        if self._is_open:
            self.end()


def _spare_cpuinfo() -> None:
    """Tell CodeCarbon the CPU's name from /proc/cpuinfo: py-cpuinfo runs an interpreter for a second to find it."""
    import cpuinfo

    name = cpu_model()
    if name:
        cpuinfo.get_cpu_info = lambda: {"brand_raw": name}
