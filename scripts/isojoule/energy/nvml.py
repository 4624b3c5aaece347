"""GPUs through NVML: which GPUs there are, what their energy can be read from, and what they do at this moment."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any, Literal, TypeVar

import pynvml

from isojoule.energy.company import Company
from isojoule.energy.nvml_queries import TRIES_ON_ARRIVAL, UnansweredError, asked, optional, required, text
from isojoule.energy.update_period import power_period_s, update_period_s
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
# a module draws so many times more than its GPU; a driver that knows no modules may give the GPU's power for theirs
LEAST_MODULE_SHARE = 1.1
# how to read the value of a field, by the type that the driver gives it
VALUES = {
    pynvml.NVML_VALUE_TYPE_DOUBLE: "dVal",
    pynvml.NVML_VALUE_TYPE_UNSIGNED_INT: "uiVal",
    pynvml.NVML_VALUE_TYPE_UNSIGNED_LONG: "ulVal",
    pynvml.NVML_VALUE_TYPE_UNSIGNED_LONG_LONG: "ullVal",
    pynvml.NVML_VALUE_TYPE_SIGNED_LONG_LONG: "sllVal",
    pynvml.NVML_VALUE_TYPE_SIGNED_INT: "siVal",
    pynvml.NVML_VALUE_TYPE_UNSIGNED_SHORT: "usVal",
}

PowerKind = Literal["instantaneous", "averaged"]
Reading = TypeVar("Reading")


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
    uses_counter = scope == "module" or not board.is_part_of_module
    counter_period_s = _unless_unanswered(lambda: update_period_s(board.counter_j)) if uses_counter else None
    if counter_period_s is None and board.power_kind is None:
        # that they are not answered is another thing than that they are not offered
        board.counter_j(), board.power_w()
        raise InputError(
            f"{board.device}: found neither an energy counter that counts nor a power above 0 W, expected one "
            "of them; the energy of this GPU cannot be measured"
        )
    decides = counter_period_s is None
    return board.described(counter_period_s, power_period_s(board.power_update) if decides else None, scope)


def driver_versions() -> tuple[str | None, str | None]:
    """Return the version of the driver and the newest CUDA that it serves; none where it does not tell."""
    try:
        required(pynvml.nvmlInit, "the driver")
    except InputError:
        return None, None
    version = optional(pynvml.nvmlSystemGetCudaDriverVersion, "the driver")
    return (
        text(pynvml.nvmlSystemGetDriverVersion, "the driver"),
        None if version is None else f"{version // 1000}.{version % 1000 // 10}",
    )


class Board:
    """One GPU behind NVML.

    A reading is none where the board does not offer it.

    Args:
        uuid: the GPU's UUID, as the driver and torch give it.
        own_processes: how many processes of this job compute on the GPU, this one among them.
        owns: tells whether a process, by its number, is of this job; by default this process and its children are.

    Attributes:
        name: the GPU's name.
        device: how a message names the GPU.
        company: who else is on the GPU.
        is_part_of_module: whether the GPU shares a module with a CPU, so that the counter and the power of its board
            may be the module's (Grace Hopper).
        power_kind: whether `power_w` is the power of this moment or of the last second; none where it is not above 0 W.

    Raises:
        InputError: NVML cannot be reached or does not know the UUID; from a reading: the GPU no longer answers, or not
            now (`GoneError`, `UnansweredError`).
    """

    def __init__(self, uuid: str, own_processes: int = 1, owns: Callable[[int], bool] | None = None) -> None:
        self._uuid = uuid
        required(pynvml.nvmlInit, f"GPU {uuid}")
        self._handle = required(lambda: pynvml.nvmlDeviceGetHandleByUUID(uuid), f"GPU {uuid}")
        self.name = text(lambda: pynvml.nvmlDeviceGetName(self._handle), f"GPU {uuid}") or "unknown GPU"
        self.device = f"{self.name} ({uuid})"
        self.company = Company(self._handle, uuid, self.device, own_processes, owns)
        self.is_part_of_module = self._is_part_of_module()
        self._power: Callable[[], tuple[float, int]] = self._usage
        self.power_kind: PowerKind | None = None
        self._choose_power()

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
        memory = ask(lambda: pynvml.nvmlDeviceGetMemoryInfo(self._handle))
        ecc = ask(lambda: pynvml.nvmlDeviceGetEccMode(self._handle))
        persistence = ask(lambda: pynvml.nvmlDeviceGetPersistenceMode(self._handle))
        driver, cuda_driver = driver_versions()
        mig = optional(lambda: pynvml.nvmlDeviceGetMigMode(self._handle), self.device, lacking=[0, 0])
        return Gpu(
            name=self.name,
            uuid=self._uuid,
            nvml_index=ask(lambda: pynvml.nvmlDeviceGetIndex(self._handle)),
            driver=driver or "unknown",
            power_limit_w=_kilo(ask(lambda: pynvml.nvmlDeviceGetEnforcedPowerLimit(self._handle)) or None),
            memory_bytes=None if memory is None else memory.total,
            counter_period_s=counter_period_s,
            power=self.power_kind,
            power_period_s=power_period_s,
            mig=None if mig is None else bool(mig[0]),
            scope=scope,
            counter_scope="module" if self.is_part_of_module else "gpu",
            default_power_limit_w=_kilo(
                ask(lambda: pynvml.nvmlDeviceGetPowerManagementDefaultLimit(self._handle)) or None
            ),
            ecc=None if ecc is None else bool(ecc[0]),
            persistence=None if persistence is None else bool(persistence),
            application_sm_clock_mhz=ask(
                lambda: pynvml.nvmlDeviceGetApplicationsClock(self._handle, pynvml.NVML_CLOCK_SM)
            ),
            application_memory_clock_mhz=ask(
                lambda: pynvml.nvmlDeviceGetApplicationsClock(self._handle, pynvml.NVML_CLOCK_MEM)
            ),
            max_sm_clock_mhz=ask(lambda: pynvml.nvmlDeviceGetMaxClockInfo(self._handle, pynvml.NVML_CLOCK_SM)),
            max_memory_clock_mhz=ask(lambda: pynvml.nvmlDeviceGetMaxClockInfo(self._handle, pynvml.NVML_CLOCK_MEM)),
            vbios=text(lambda: pynvml.nvmlDeviceGetVbiosVersion(self._handle), self.device),
            pcie_generation=ask(lambda: pynvml.nvmlDeviceGetCurrPcieLinkGeneration(self._handle)),
            max_pcie_generation=ask(lambda: pynvml.nvmlDeviceGetMaxPcieLinkGeneration(self._handle)),
            pcie_lanes=ask(lambda: pynvml.nvmlDeviceGetCurrPcieLinkWidth(self._handle)),
            cuda_driver=cuda_driver,
        )

    def counter_j(self) -> float | None:
        """Return the energy since the driver was loaded; Volta and later GPUs count it."""
        return _kilo(asked(lambda: pynvml.nvmlDeviceGetTotalEnergyConsumption(self._handle), self.device))

    def power_w(self) -> float | None:
        """Return the power of `power_kind`; none also where it reads 0 W, which no GPU draws."""
        update = self.power_update()
        return None if update is None else update[0]

    def power_update(self) -> tuple[float, int] | None:
        """Return the power with the driver's time of it in microseconds, 0 where it gives none; none as `power_w`."""
        answer = asked(self._power, self.device)
        return None if answer is None or not answer[0] else (answer[0] / 1000, answer[1])

    def scope(self) -> Literal["gpu", "module"]:
        """Say what the deciding reading is of: on a module, the power of the GPU alone may not be offered."""
        return "module" if self.is_part_of_module and self._power == self._usage else "gpu"

    def sample(self) -> dict[str, float | str]:
        """Return what the GPU does at this moment, without the fields that this GPU does not have."""
        sample: dict[str, float | str] = {}
        rates = self._optional(lambda: pynvml.nvmlDeviceGetUtilizationRates(self._handle))
        if rates is not None:
            sample["utilization_percent"], sample["memory_utilization_percent"] = rates.gpu, rates.memory
        values = {
            "sm_clock_mhz": self.sm_clock_mhz(),
            "memory_clock_mhz": self._optional(
                lambda: pynvml.nvmlDeviceGetClockInfo(self._handle, pynvml.NVML_CLOCK_MEM)
            ),
            "temperature_c": self._temperature_c(),
            "p_state": self._optional(lambda: pynvml.nvmlDeviceGetPerformanceState(self._handle)),
            **self.company.present()._asdict(),
        }
        sample |= {name: value for name, value in values.items() if value is not None}
        bits = self._throttle_bits()
        if bits is not None:
            sample["throttle_reasons"] = " ".join(name for name, bit in THROTTLE_REASONS.items() if bits & bit)
        return sample

    def sm_clock_mhz(self) -> float | None:
        """Return the clock of the multiprocessors at this moment."""
        clock_mhz = self._optional(lambda: pynvml.nvmlDeviceGetClockInfo(self._handle, pynvml.NVML_CLOCK_SM))
        return None if clock_mhz is None else float(clock_mhz)

    def _temperature_c(self) -> float | None:
        """CUDA 14 removes the older of the two names."""
        for query in (pynvml.nvmlDeviceGetTemperatureV, pynvml.nvmlDeviceGetTemperature):
            temperature_c = self._optional(partial(query, self._handle, pynvml.NVML_TEMPERATURE_GPU))
            if temperature_c is not None:
                return float(temperature_c)
        return None

    def _throttle_bits(self) -> int | None:
        """CUDA 14 removes the older of the two names."""
        for query in (pynvml.nvmlDeviceGetCurrentClocksEventReasons, pynvml.nvmlDeviceGetCurrentClocksThrottleReasons):
            bits = self._optional(partial(query, self._handle))
            if bits is not None:
                return int(bits)
        return None

    def _is_part_of_module(self) -> bool:
        """Ask for the power of a module, and for the link between its CPU and its GPU; know it by its name at last."""
        number, scopes = pynvml.NVML_FI_DEV_POWER_INSTANT, (pynvml.NVML_POWER_SCOPE_GPU, pynvml.NVML_POWER_SCOPE_MODULE)
        of_gpu, of_module = (self._optional(partial(self._field, number, scope)) for scope in scopes)
        if of_module is not None and of_module[0] > LEAST_MODULE_SHARE * (of_gpu[0] if of_gpu else 0):
            return True
        link = self._optional(lambda: pynvml.nvmlDeviceGetC2cModeInfoV(self._handle))
        return bool(link is not None and link.isC2cEnabled) or bool(MODULES.search(self.name))

    def _choose_power(self) -> None:
        """Take the first power that is above 0 W; that of the board is a module's where the GPU is part of one."""
        sources: list[tuple[Callable[[], tuple[float, int]], PowerKind]] = [(self._instantaneous, "instantaneous")]
        if self.is_part_of_module:
            sources.append((self._averaged, "averaged"))
        sources.append((self._usage, self._kind_of_usage()))
        for source, kind in sources:
            answer = _unless_unanswered(partial(asked, source, self.device, tries=TRIES_ON_ARRIVAL))
            if answer is not None and answer[0]:
                self._power, self.power_kind = source, kind
                return

    def _kind_of_usage(self) -> PowerKind:
        """The driver averages over 1 s from Ampere on, but not on its GA100 (Yang et al., SC24)."""
        generation = self._optional(lambda: pynvml.nvmlDeviceGetArchitecture(self._handle))
        recent = generation is None or generation >= pynvml.NVML_DEVICE_ARCH_AMPERE
        return "averaged" if recent and not re.search(r"\b(A100|A800|A30)\b", self.name) else "instantaneous"

    def _instantaneous(self) -> tuple[float, int]:
        return self._field(pynvml.NVML_FI_DEV_POWER_INSTANT, pynvml.NVML_POWER_SCOPE_GPU)

    def _averaged(self) -> tuple[float, int]:
        return self._field(pynvml.NVML_FI_DEV_POWER_AVERAGE, pynvml.NVML_POWER_SCOPE_GPU)

    def _usage(self) -> tuple[float, int]:
        return pynvml.nvmlDeviceGetPowerUsage(self._handle), 0

    def _field(self, number: int, scope: int) -> tuple[float, int]:
        """The value of a field, and the driver's time of it."""
        (field,) = pynvml.nvmlDeviceGetFieldValues(self._handle, [(number, scope)])
        if field.nvmlReturn != pynvml.NVML_SUCCESS:
            raise pynvml.NVMLError(field.nvmlReturn)
        return int(getattr(field.value, VALUES.get(field.valueType, "uiVal"))), field.timestamp

    def _optional(self, query: Callable[[], Any]) -> Any:
        return optional(query, self.device)


def _unless_unanswered(reading: Callable[[], Reading | None]) -> Reading | None:
    try:
        return reading()
    except UnansweredError:
        return None


def _kilo(thousandths: float | None) -> float | None:
    """Return watts or joules of thousandths of them."""
    return None if thousandths is None else thousandths / 1000
