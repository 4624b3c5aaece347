"""GPUs through NVML: which one this is, and what it does while a window is open."""

import threading
from contextlib import suppress
from types import TracebackType
from typing import Any

import pynvml

from isojoule.errors import InputError
from isojoule.records.measurement import Gpu, GpuStatistics


def identify(uuid: str) -> Gpu:
    """The GPU with this UUID, as the driver describes it.

    Raises:
        InputError: NVML cannot be reached or does not know the UUID.
    """
    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByUUID(uuid)
        return Gpu(
            name=_text(pynvml.nvmlDeviceGetName(handle)),
            uuid=uuid,
            nvml_index=pynvml.nvmlDeviceGetIndex(handle),
            driver=_text(pynvml.nvmlSystemGetDriverVersion()),
            power_limit_w=_power_limit_w(handle),
            memory_bytes=pynvml.nvmlDeviceGetMemoryInfo(handle).total,
            energy_counter=_has_energy_counter(handle),
            mig=_is_split(handle),
        )
    except pynvml.NVMLError as error:
        raise InputError(f"GPU {uuid}: NVML cannot read it: {error}") from error


class Sampler:
    """Sample a GPU in a thread of its own between `with` and its end; see `statistics`."""

    def __init__(self, uuid: str, period_s: float = 1.0) -> None:
        self._handle = pynvml.nvmlDeviceGetHandleByUUID(uuid)
        self._period_s = period_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gpu-sampler", daemon=True)
        self._samples: list[dict[str, float]] = []

    def __enter__(self) -> "Sampler":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._period_s):
            self._samples.append(self._sample())

    def _sample(self) -> dict[str, float]:
        # a field that this GPU does not have is left out, the others are kept
        sample: dict[str, float] = self._foreign()
        with suppress(pynvml.NVMLError):
            rates = pynvml.nvmlDeviceGetUtilizationRates(self._handle)
            sample["utilization_percent"], sample["memory_utilization_percent"] = rates.gpu, rates.memory
        with suppress(pynvml.NVMLError):
            sample["power_w"] = pynvml.nvmlDeviceGetPowerUsage(self._handle) / 1000
        with suppress(pynvml.NVMLError):
            sample["temperature_c"] = pynvml.nvmlDeviceGetTemperature(self._handle, pynvml.NVML_TEMPERATURE_GPU)
        return sample

    def statistics(self, peak_memory_bytes: int | None) -> GpuStatistics:
        """Means over the samples taken so far; none where no sample has the field.

        Who else is on the GPU is looked up once more, since a short window may have had no sample.
        """
        temperatures = self._values("temperature_c")
        return GpuStatistics(
            samples=len(self._samples),
            period_s=self._period_s,
            utilization_percent=_mean(self._values("utilization_percent")),
            memory_utilization_percent=_mean(self._values("memory_utilization_percent")),
            power_w=_mean(self._values("power_w")),
            max_temperature_c=max(temperatures, default=None),
            peak_memory_bytes=peak_memory_bytes,
            foreign_processes=max([*self._values("foreign_processes"), *self._foreign().values()], default=None),
        )

    def _foreign(self) -> dict[str, float]:
        with suppress(pynvml.NVMLError):
            # ours is one of them, under whatever number a container gives it
            return {"foreign_processes": max(len(pynvml.nvmlDeviceGetComputeRunningProcesses(self._handle)) - 1, 0)}
        return {}

    def _values(self, field: str) -> list[float]:
        return [sample[field] for sample in self._samples if field in sample]


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _power_limit_w(handle: Any) -> float | None:
    try:
        return float(pynvml.nvmlDeviceGetEnforcedPowerLimit(handle)) / 1000
    except pynvml.NVMLError:
        return None


def _is_split(handle: Any) -> bool:
    try:
        return bool(pynvml.nvmlDeviceGetMigMode(handle)[0])
    except pynvml.NVMLError:
        return False


def _has_energy_counter(handle: Any) -> bool:
    try:
        return int(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) >= 0
    except pynvml.NVMLError:
        return False
