"""The energy meter: CodeCarbon, offline, between one `begin` and one `end`."""

import logging
import threading
import time
from collections.abc import Callable
from importlib.metadata import version

from isojoule.errors import InputError
from isojoule.records.measurement import CodeCarbon, Energy, Gpu, Reading
from isojoule.startup import spare_cpuinfo

CODECARBON = version("codecarbon")


class Meter:
    """Reads the energy of the GPU, the CPU and the memory of this machine over one window.

    CodeCarbon needs over a second to find out what it can read here; that runs in a thread of its own from the
    moment the meter is made, and `begin` waits for it, so that it never falls into a window.

    Args:
        country_iso_code: ISO 3166 alpha-3 code; decides the emissions per kWh.
        gpu: the GPU that computes, or none where the CPU does.
        cpu_max_power_w: thermal design power of the CPU, for CodeCarbon's model where the CPU has no meter.
        synchronize: waits until the device has done all that was asked of it.

    Raises:
        InputError: CodeCarbon knows no such country, or a GPU whose energy cannot be read (from `begin` or `end`).
    """

    def __init__(
        self,
        country_iso_code: str,
        gpu: Gpu | None = None,
        cpu_max_power_w: float | None = None,
        synchronize: Callable[[], None] = lambda: None,
    ) -> None:
        self._country_iso_code = country_iso_code
        self._gpu = gpu
        self._cpu_max_power_w = cpu_max_power_w
        self._synchronize = synchronize
        self._failure: BaseException | None = None
        self._preparation = threading.Thread(target=self._prepare, name="meter", daemon=True)
        self._preparation.start()

    def _prepare(self) -> None:
        try:
            from codecarbon import OfflineEmissionsTracker
            from codecarbon.core.cpu import is_rapl_available
            from codecarbon.input import DataSource

            spare_cpuinfo()
            logging.getLogger("codecarbon").setLevel(logging.ERROR)
            if self._country_iso_code not in DataSource().get_global_energy_mix_data():
                raise InputError(
                    f"energy.country_iso_code: found {self._country_iso_code}, expected a country that CodeCarbon knows"
                )
            self._rapl = is_rapl_available()
            # the index, since CodeCarbon 3.3.2 strips the G of a GPU's UUID and then does not find it;
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
                gpu_ids=[self._gpu.nvml_index] if self._gpu else [],
                force_cpu_power=None if self._rapl else self._cpu_max_power_w,
                force_ram_power=None,
                force_mode_cpu_load=False,
                force_carbon_intensity_g_co2e_kwh=None,
                pue=1,
                wue=0,
            )
            self._tracker.start_task("preparation")
            self._tracker.stop_task("preparation")
        except BaseException as error:
            self._failure = error

    def begin(self) -> None:
        """Open the window: wait for the device, then read."""
        self.ready()
        self._synchronize()
        self._before_kwh = self._total_kwh()
        self._tracker.start_task("window")
        self._started_s = time.perf_counter()

    def so_far_kwh(self) -> float:
        """Energy of the computing component since `begin`, for a progress line."""
        self._tracker._measure_power_and_energy()
        return self._total_kwh() - self._before_kwh

    def end(self) -> Energy:
        """Close the window: wait for the device, then read.

        Returns:
            energies in kWh by component, each with its source and whether it was measured or estimated.
        """
        self._synchronize()
        duration_s = time.perf_counter() - self._started_s
        figures = self._tracker.stop_task("window")
        if self._gpu and figures.gpu_energy <= 0:
            raise InputError(
                f"{self._gpu.name}: CodeCarbon read {figures.gpu_energy} kWh over {duration_s:.2f} s, "
                "expected more than 0; "
                "this GPU's energy cannot be read here, or the window is too short for it"
            )
        codecarbon = CodeCarbon(
            version=CODECARBON,
            country_iso_code=self._country_iso_code,
            cpu_energy_kwh=figures.cpu_energy,
            gpu_energy_kwh=figures.gpu_energy,
            ram_energy_kwh=figures.ram_energy,
            total_energy_kwh=figures.energy_consumed,
            emissions_kg_co2e=figures.emissions,
        )
        label = f"CodeCarbon {CODECARBON}"
        return Energy(
            duration_s=duration_s,
            component="gpu" if self._gpu else "cpu",
            gpu=self._gpu_reading(label, figures.gpu_energy),
            cpu=Reading(
                energy_kwh=figures.cpu_energy,
                source=f"{label}, RAPL" if self._rapl else f"{label}, model of CPU load and thermal design power",
                kind="measured" if self._rapl else "estimated",
            ),
            ram=Reading(energy_kwh=figures.ram_energy, source=f"{label}, constant power per module", kind="estimated"),
            codecarbon=codecarbon,
        )

    def ready(self) -> None:
        """Wait until the window can be opened without delay."""
        self._preparation.join()
        if self._failure is not None:
            raise self._failure

    def _total_kwh(self) -> float:
        total = self._tracker._total_gpu_energy if self._gpu else self._tracker._total_cpu_energy
        return float(total.kWh)

    def _gpu_reading(self, label: str, energy_kwh: float) -> Reading | None:
        if self._gpu is None:
            return None
        instrument = "NVML energy counter" if self._gpu.energy_counter else "NVML power sampled at 1 s"
        return Reading(energy_kwh=energy_kwh, source=f"{label}, {instrument}", kind="measured")
