"""GPUs through NVML: which GPUs there are, what their energy can be read from, and what they do at this moment."""

import itertools
import re
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal

import pynvml

from isojoule.errors import InputError
from isojoule.records.measurement import Gpu

# so many updates of a counter are watched, for so long at most; published boards update theirs every 20 to 100 ms
WATCHED_UPDATES = 5
WATCHED_S = 2.0
POLL_S = 0.001

THROTTLE_REASONS = {
    "power-cap": 0x4,
    "hw-slowdown": 0x8,
    "sync-boost": 0x10,
    "sw-thermal": 0x20,
    "hw-thermal": 0x40,
    "hw-power-brake": 0x80,
}


def visible() -> list[Gpu]:
    """Return the GPUs that torch sees in this process, in torch's order.

    Raises:
        InputError: as `identify`.
    """
    import torch

    if not torch.cuda.is_available():
        return []
    count = torch.cuda.device_count()
    return [identify(f"GPU-{torch.cuda.get_device_properties(number).uuid}") for number in range(count)]


def identify(uuid: str) -> Gpu:
    """Return the GPU with this UUID as the driver describes it, with what its energy can be read from.

    To see how often its counter is updated takes half a second or so.

    Raises:
        InputError: NVML cannot be reached, does not know the UUID, or can read neither energy nor power of the GPU.
    """
    board = Board(uuid)
    counter_period_s = update_period_s(board.counter_j)
    power = board.power_kind()
    if counter_period_s is None and power is None:
        raise InputError(
            f"{board.name} ({uuid}): found neither an energy counter that counts nor a power above 0 W, expected one "
            "of them; the energy of this GPU cannot be measured"
        )
    power_period_s = update_period_s(board.power_w) if counter_period_s is None else None
    return board.described(counter_period_s, power, power_period_s)


class Board:
    """One GPU behind NVML.

    A reading is none where the board does not offer it.

    Args:
        uuid: the GPU's UUID, as the driver and torch give it.
        own_processes: how many processes of this job compute on the GPU.

    Raises:
        InputError: NVML cannot be reached or does not know the UUID; from a reading: the GPU no longer answers.
    """

    def __init__(self, uuid: str, own_processes: int = 1) -> None:
        self._uuid, self._own_processes = uuid, own_processes
        try:
            pynvml.nvmlInit()
            self._handle = pynvml.nvmlDeviceGetHandleByUUID(uuid)
            self.name = _text(pynvml.nvmlDeviceGetName(self._handle))
        except pynvml.NVMLError as error:
            raise InputError(f"GPU {uuid}: NVML cannot read it: {error}") from error

    def described(
        self,
        counter_period_s: float | None,
        power: Literal["instantaneous", "averaged"] | None,
        power_period_s: float | None = None,
    ) -> Gpu:
        """Return the GPU as a record describes it."""
        limit_mw = self._read(lambda: pynvml.nvmlDeviceGetEnforcedPowerLimit(self._handle))
        try:
            return Gpu(
                name=self.name,
                uuid=self._uuid,
                nvml_index=pynvml.nvmlDeviceGetIndex(self._handle),
                driver=_text(pynvml.nvmlSystemGetDriverVersion()),
                power_limit_w=limit_mw / 1000 if limit_mw is not None else None,
                memory_bytes=pynvml.nvmlDeviceGetMemoryInfo(self._handle).total,
                counter_period_s=counter_period_s,
                power=power,
                power_period_s=power_period_s,
                mig=bool((self._read(lambda: pynvml.nvmlDeviceGetMigMode(self._handle)) or [False])[0]),
            )
        except pynvml.NVMLError as error:
            raise InputError(f"GPU {self._uuid}: NVML cannot read it: {error}") from error

    def counter_j(self) -> float | None:
        """Return the energy since the driver was loaded; Volta and later GPUs count it."""
        millijoules = self._read(lambda: pynvml.nvmlDeviceGetTotalEnergyConsumption(self._handle))
        return None if millijoules is None else millijoules / 1000

    def power_w(self) -> float | None:
        """Return the power at this moment, or its average over the last second where the board gives no other."""
        milliwatts = self._instantaneous_mw()
        if milliwatts is None:
            milliwatts = self._read(lambda: pynvml.nvmlDeviceGetPowerUsage(self._handle))
        return None if milliwatts is None else milliwatts / 1000

    def power_kind(self) -> Literal["instantaneous", "averaged"] | None:
        """Say which power `power_w` returns; none where it is not above 0 W.

        The driver averages over 1 s from Ampere on, but not on its GA100 (Yang et al., SC24).
        """
        if not self.power_w():
            return None
        if self._instantaneous_mw() is not None:
            return "instantaneous"
        generation = self._read(lambda: pynvml.nvmlDeviceGetArchitecture(self._handle))
        recent = generation is None or generation >= pynvml.NVML_DEVICE_ARCH_AMPERE
        return "averaged" if recent and not re.search(r"\b(A100|A800|A30)\b", self.name) else "instantaneous"

    def sample(self) -> dict[str, float | str]:
        """Return what the GPU does at this moment, without the fields that this GPU does not have."""
        sample: dict[str, float | str] = {}
        with suppress(pynvml.NVMLError):
            rates = pynvml.nvmlDeviceGetUtilizationRates(self._handle)
            sample["utilization_percent"], sample["memory_utilization_percent"] = rates.gpu, rates.memory
        with suppress(pynvml.NVMLError):
            sample["sm_clock_mhz"] = pynvml.nvmlDeviceGetClockInfo(self._handle, pynvml.NVML_CLOCK_SM)
        with suppress(pynvml.NVMLError):
            sample["memory_clock_mhz"] = pynvml.nvmlDeviceGetClockInfo(self._handle, pynvml.NVML_CLOCK_MEM)
        with suppress(pynvml.NVMLError):
            sample["temperature_c"] = pynvml.nvmlDeviceGetTemperature(self._handle, pynvml.NVML_TEMPERATURE_GPU)
        with suppress(pynvml.NVMLError):
            bits = pynvml.nvmlDeviceGetCurrentClocksThrottleReasons(self._handle)
            sample["throttle_reasons"] = " ".join(name for name, bit in THROTTLE_REASONS.items() if bits & bit)
        foreign_processes = self.foreign_processes()
        if foreign_processes is not None:
            sample["foreign_processes"] = foreign_processes
        return sample

    def foreign_processes(self) -> int | None:
        """Count the processes of others that compute on the GPU; none where the driver does not even show ours."""
        with suppress(pynvml.NVMLError):
            # ours are among those that are shown, under whatever process ids a container gives them
            shown = len(pynvml.nvmlDeviceGetComputeRunningProcesses(self._handle))
            return max(shown - self._own_processes, 0) if shown else None
        return None

    def _instantaneous_mw(self) -> int | None:
        with suppress(pynvml.NVMLError):
            (field,) = pynvml.nvmlDeviceGetFieldValues(self._handle, [pynvml.NVML_FI_DEV_POWER_INSTANT])
            if field.nvmlReturn == pynvml.NVML_SUCCESS:
                return int(field.value.uiVal)
        return None

    def _read(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except (pynvml.NVMLError_NotSupported, pynvml.NVMLError_FunctionNotFound):
            return None
        except pynvml.NVMLError as error:
            raise InputError(f"{self.name} ({self._uuid}): no longer answers: {error}; nothing was measured") from error


def update_period_s(counter: Callable[[], float | None]) -> float | None:
    """Watch a counter, and return the longest time between two of its updates; none where it stands still.

    Args:
        counter: reads the counter.
    """
    value = counter()
    updates_s: list[float] = []
    ends_s = time.perf_counter() + WATCHED_S
    while value is not None and len(updates_s) <= WATCHED_UPDATES and time.perf_counter() < ends_s:
        time.sleep(POLL_S)
        if (new_value := counter()) != value:
            value = new_value
            updates_s.append(time.perf_counter())
    return max((after_s - before_s for before_s, after_s in itertools.pairwise(updates_s)), default=None)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
