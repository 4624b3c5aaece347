"""GPUs through NVML: which GPUs there are, what their energy can be read from, and what they do at this moment."""

import os
import re
from collections.abc import Callable
from typing import Any, Literal

import psutil
import pynvml

from isojoule.energy.nvml_queries import asked, optional, text
from isojoule.energy.update_period import update_period_s
from isojoule.errors import InputError
from isojoule.records.measurement import Gpu

THROTTLE_REASONS = {
    "power-cap": 0x4,
    "hw-slowdown": 0x8,
    "sync-boost": 0x10,
    "sw-thermal": 0x20,
    "hw-thermal": 0x40,
    "hw-power-brake": 0x80,
}
# boards whose counter may be that of a module: of the GPU, the CPU and the memory beside it
MODULES = re.compile(r"\bG[HB][23]00\b")
# a power that the driver averages is updated at least once in the time that it averages over
LONGEST_POWER_PERIOD_S = 1.0
# memory that the driver and the contexts of listed processes may take without being listed
UNLISTED_ALLOWANCE_BYTES = 3 * 2**29

PowerKind = Literal["instantaneous", "averaged"]


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

    To see how often its counter is updated takes half a second to two.

    Raises:
        InputError: NVML cannot be reached, does not know the UUID, or can read neither energy nor power of the GPU.
    """
    board = Board(uuid)
    scope = board.scope()
    # the energy of a whole module is not the GPU's, whose power can be integrated instead
    uses_counter = scope == "gpu" and not board.is_part_of_module()
    counter_period_s = update_period_s(board.counter_j) if uses_counter or scope == "module" else None
    power = board.power_kind
    if counter_period_s is None and power is None:
        raise InputError(
            f"{board.name} ({uuid}): found neither an energy counter that counts nor a power above 0 W, expected one "
            "of them; the energy of this GPU cannot be measured"
        )
    power_period_s = None
    if counter_period_s is None:
        seen_s = update_period_s(board.power_update)
        power_period_s = None if seen_s is None else min(seen_s, LONGEST_POWER_PERIOD_S)
    return board.described(counter_period_s, power_period_s, scope)


class Board:
    """One GPU behind NVML.

    A reading is none where the board does not offer it.

    Args:
        uuid: the GPU's UUID, as the driver and torch give it.
        own_processes: how many processes of this job compute on the GPU, this one among them.
        owns: tells whether a process, by its number, is of this job; by default this process and its children are.

    Attributes:
        name: the GPU's name.
        power_kind: whether `power_w` is the power of this moment or of the last second; none where it is not above 0 W.

    Raises:
        InputError: NVML cannot be reached or does not know the UUID; from a reading: the GPU no longer answers, or not
            now (`GoneError`, `UnansweredError`).
    """

    def __init__(self, uuid: str, own_processes: int = 1, owns: Callable[[int], bool] | None = None) -> None:
        self._uuid, self._own_processes, self._owns = uuid, own_processes, owns or _is_ours
        try:
            pynvml.nvmlInit()
            self._handle = pynvml.nvmlDeviceGetHandleByUUID(uuid)
        except pynvml.NVMLError as error:
            raise InputError(f"GPU {uuid}: NVML cannot read it: {error}") from error
        self.name = text(lambda: pynvml.nvmlDeviceGetName(self._handle), f"GPU {uuid}") or "unknown GPU"
        self._device = f"{self.name} ({uuid})"
        self._has_instantaneous_power = asked(self._instantaneous_mw, self._device) is not None
        self.power_kind = self._kind_of_power()

    def described(
        self,
        counter_period_s: float | None,
        power_period_s: float | None = None,
        scope: Literal["gpu", "module"] = "gpu",
    ) -> Gpu:
        """Return the GPU as a record describes it.

        Args:
            counter_period_s: time between two updates of the counter; none where it decides nothing.
            power_period_s: time between two updates of the power, where that decides.
            scope: what the deciding reading is of.
        """
        ask = self._optional
        index = ask(lambda: pynvml.nvmlDeviceGetIndex(self._handle))
        memory = ask(lambda: pynvml.nvmlDeviceGetMemoryInfo(self._handle))
        ecc = ask(lambda: pynvml.nvmlDeviceGetEccMode(self._handle))
        persistence = ask(lambda: pynvml.nvmlDeviceGetPersistenceMode(self._handle))
        version = ask(pynvml.nvmlSystemGetCudaDriverVersion)
        return Gpu(
            name=self.name,
            uuid=self._uuid,
            nvml_index=index,
            driver=text(pynvml.nvmlSystemGetDriverVersion, self._device) or "unknown",
            power_limit_w=self.power_limit_w(),
            memory_bytes=None if memory is None else memory.total,
            counter_period_s=counter_period_s,
            power=self.power_kind,
            power_period_s=power_period_s,
            mig=bool((ask(lambda: pynvml.nvmlDeviceGetMigMode(self._handle)) or [False])[0]),
            scope=scope,
            default_power_limit_w=_kilo(ask(lambda: pynvml.nvmlDeviceGetPowerManagementDefaultLimit(self._handle))),
            ecc=None if ecc is None else bool(ecc[0]),
            persistence=None if persistence is None else bool(persistence),
            application_sm_clock_mhz=ask(
                lambda: pynvml.nvmlDeviceGetApplicationsClock(self._handle, pynvml.NVML_CLOCK_SM)
            ),
            max_sm_clock_mhz=ask(lambda: pynvml.nvmlDeviceGetMaxClockInfo(self._handle, pynvml.NVML_CLOCK_SM)),
            max_memory_clock_mhz=ask(lambda: pynvml.nvmlDeviceGetMaxClockInfo(self._handle, pynvml.NVML_CLOCK_MEM)),
            vbios=text(lambda: pynvml.nvmlDeviceGetVbiosVersion(self._handle), self._device),
            pcie_generation=ask(lambda: pynvml.nvmlDeviceGetCurrPcieLinkGeneration(self._handle)),
            pcie_lanes=ask(lambda: pynvml.nvmlDeviceGetCurrPcieLinkWidth(self._handle)),
            cuda_driver=None if version is None else f"{version // 1000}.{version % 1000 // 10}",
        )

    def power_limit_w(self) -> float | None:
        """Return the power that the driver holds the board to."""
        return _kilo(self._optional(lambda: pynvml.nvmlDeviceGetEnforcedPowerLimit(self._handle)))

    def counter_j(self) -> float | None:
        """Return the energy since the driver was loaded; Volta and later GPUs count it."""
        return _kilo(asked(lambda: pynvml.nvmlDeviceGetTotalEnergyConsumption(self._handle), self._device))

    def power_w(self) -> float | None:
        """Return the power of `power_kind`; none also where it reads 0 W, which no GPU draws."""
        read = self._instantaneous_mw if self._has_instantaneous_power else self._usage_mw
        return _kilo(asked(read, self._device)) or None

    def power_update(self) -> tuple[float | None, int] | None:
        """Return the power with the driver's time of it, so that an update is seen although the power stands still."""
        power_w = self.power_w()
        if power_w is None:
            return None
        return power_w, self._stamp_us() if self._has_instantaneous_power else 0

    def scope(self) -> Literal["gpu", "module"]:
        """Say what the counter and the power are of: on a module, the power of the GPU alone may not be offered."""
        if not self.is_part_of_module():
            return "gpu"
        return "gpu" if self._has_instantaneous_power else "module"

    def is_part_of_module(self) -> bool:
        """Say whether the GPU shares a module with a CPU, so that its counter may be the module's (Grace Hopper)."""
        is_offered = self._optional(lambda: self._field_mw(pynvml.NVML_POWER_SCOPE_MODULE)) is not None
        return is_offered or bool(MODULES.search(self.name))

    def sample(self) -> dict[str, float | str]:
        """Return what the GPU does at this moment, without the fields that this GPU does not have.

        Raises:
            GoneError: the GPU no longer answers.
        """
        sample: dict[str, float | str] = {}
        rates = self._optional(lambda: pynvml.nvmlDeviceGetUtilizationRates(self._handle))
        if rates is not None:
            sample["utilization_percent"], sample["memory_utilization_percent"] = rates.gpu, rates.memory
        values = {
            "sm_clock_mhz": self._optional(lambda: pynvml.nvmlDeviceGetClockInfo(self._handle, pynvml.NVML_CLOCK_SM)),
            "memory_clock_mhz": self._optional(
                lambda: pynvml.nvmlDeviceGetClockInfo(self._handle, pynvml.NVML_CLOCK_MEM)
            ),
            "temperature_c": self._optional(
                lambda: pynvml.nvmlDeviceGetTemperature(self._handle, pynvml.NVML_TEMPERATURE_GPU)
            ),
            "p_state": self._optional(lambda: pynvml.nvmlDeviceGetPerformanceState(self._handle)),
            "foreign_processes": self.foreign_processes(),
            "unlisted_memory_bytes": self.unlisted_memory_bytes(),
        }
        sample |= {name: value for name, value in values.items() if value is not None}
        bits = self._throttle_bits()
        if bits is not None:
            sample["throttle_reasons"] = " ".join(name for name, bit in THROTTLE_REASONS.items() if bits & bit)
        return sample

    def foreign_processes(self) -> int | None:
        """Count the processes of others that compute on the GPU; none where the driver does not show even ours.

        A driver may show the processes of the caller's PID namespace alone, or number them as the host does, so that
        a list without this process says nothing.
        """
        pids = self._pids()
        if pids is None or not any(self._owns(pid) for pid in pids):
            return None
        foreign = sum(not self._owns(pid) for pid in pids)
        return max(foreign - (self._own_processes - 1), 0)

    def unlisted_memory_bytes(self) -> int | None:
        """Return the memory that is in use beyond what listed processes and the driver take; none if not known.

        It tells of processes that a container does not show.
        """
        listed = self._optional(lambda: pynvml.nvmlDeviceGetComputeRunningProcesses(self._handle))
        memory = self._memory()
        if listed is None or memory is None:
            return None
        sizes = [process.usedGpuMemory for process in listed]
        if any(size is None for size in sizes):
            return None
        return max(int(memory.used) - sum(map(int, sizes)) - UNLISTED_ALLOWANCE_BYTES, 0)

    def used_memory_bytes(self) -> int | None:
        """Return the memory that is in use on the board, by whomever; none where the driver does not tell."""
        memory = self._memory()
        return None if memory is None else int(memory.used)

    def _memory(self) -> Any:
        """The second version of this query does not count as used what the driver keeps to itself."""
        newer = self._optional(lambda: pynvml.nvmlDeviceGetMemoryInfo(self._handle, pynvml.nvmlMemory_v2))
        return newer or self._optional(lambda: pynvml.nvmlDeviceGetMemoryInfo(self._handle))

    def _pids(self) -> list[int] | None:
        computing = self._optional(lambda: pynvml.nvmlDeviceGetComputeRunningProcesses(self._handle))
        if computing is None:
            return None
        served = self._optional(lambda: pynvml.nvmlDeviceGetMPSComputeRunningProcesses(self._handle)) or []
        return list({process.pid for process in (*computing, *served)})

    def _throttle_bits(self) -> int | None:
        """CUDA 14 removes the older of the two names."""
        bits = self._optional(lambda: pynvml.nvmlDeviceGetCurrentClocksEventReasons(self._handle))
        if bits is None:
            bits = self._optional(lambda: pynvml.nvmlDeviceGetCurrentClocksThrottleReasons(self._handle))
        return None if bits is None else int(bits)

    def _kind_of_power(self) -> PowerKind | None:
        """The driver averages over 1 s from Ampere on, but not on its GA100 (Yang et al., SC24)."""
        if not self.power_w():
            return None
        if self._has_instantaneous_power:
            return "instantaneous"
        generation = self._optional(lambda: pynvml.nvmlDeviceGetArchitecture(self._handle))
        recent = generation is None or generation >= pynvml.NVML_DEVICE_ARCH_AMPERE
        return "averaged" if recent and not re.search(r"\b(A100|A800|A30)\b", self.name) else "instantaneous"

    def _instantaneous_mw(self) -> int | None:
        return self._field_mw(pynvml.NVML_POWER_SCOPE_GPU)

    def _field_mw(self, scope: int) -> int | None:
        field = self._field(scope)
        return None if field is None else int(field.value.uiVal)

    def _stamp_us(self) -> int:
        """The driver's time of the power; 0 where it is that of the question rather than of the update."""
        field = asked(lambda: self._field(pynvml.NVML_POWER_SCOPE_GPU), self._device)
        again = asked(lambda: self._field(pynvml.NVML_POWER_SCOPE_GPU), self._device)
        if field is None or again is None or field.timestamp != again.timestamp:
            return 0
        return int(field.timestamp)

    def _field(self, scope: int) -> Any:
        (field,) = pynvml.nvmlDeviceGetFieldValues(self._handle, [(pynvml.NVML_FI_DEV_POWER_INSTANT, scope)])
        if field.nvmlReturn != pynvml.NVML_SUCCESS:
            raise pynvml.NVMLError(field.nvmlReturn)
        return field

    def _usage_mw(self) -> int:
        return int(pynvml.nvmlDeviceGetPowerUsage(self._handle))

    def _optional(self, query: Callable[[], Any]) -> Any:
        return optional(query, self._device)


def _is_ours(pid: int) -> bool:
    if pid == os.getpid():
        return True
    try:
        return any(parent.pid == os.getpid() for parent in psutil.Process(pid).parents())
    except psutil.Error:
        return False


def _kilo(thousandths: float | None) -> float | None:
    """Return watts or joules of thousandths of them."""
    return None if thousandths is None else thousandths / 1000
