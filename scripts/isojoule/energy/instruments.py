"""What the energy of this machine can be read from, what all of it shows at one time, and how far off that can be.

A counter is updated now and then, and a power is sampled and on many boards averaged: Yang et al., "Part-time power
measurements", SC24 (arXiv 2312.02741).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal

from isojoule.energy.codecarbon import Tracker
from isojoule.energy.cpu_time import PERIOD_S, SOURCE, core_power_w, work_cpu_s
from isojoule.energy.edges import STEP_J, Edge, settled_edges
from isojoule.energy.host import HostWatch
from isojoule.energy.nvml import Board
from isojoule.energy.nvml_queries import patient
from isojoule.energy.power_edges import Shown, averaged, held
from isojoule.energy.rapl import POWERCAP, Rapl
from isojoule.energy.sampler import Sampled, Sampler, Trace
from isojoule.errors import CompanyError, InputError
from isojoule.records.certificate import Certificate
from isojoule.records.measurement import Gpu

# boards update their power every 10 to 100 ms (Yang et al., SC24), which is not always seen at rest
LONGEST_UPDATE_S = 0.1
# NVML averages the power over this time on boards that do not give it instantaneously
AVERAGED_S = 1.0


@dataclass(frozen=True)
class Readings:
    """What the counters of a machine show at one time.

    Attributes:
        time_s: the time, by `time.perf_counter`.
        gpus_j: the energy counter of each GPU that computes, none where it has no counter or did not answer.
        rapl_j: RAPL's counters by domain, `package` and `dram`, where the kernel lets us read them.
        cpu_s: CPU time that the work has used: by default that of this process and its children.
    """

    time_s: float
    gpus_j: tuple[float | None, ...] = ()
    rapl_j: Mapping[str, float] = field(default_factory=dict)
    cpu_s: float = 0.0

    @property
    def counters_j(self) -> tuple[float | None, ...]:
        """The counters of the component that computes: those of the GPUs, or RAPL's where there are none."""
        return self.gpus_j or (self.rapl_j.get("package"),)


@dataclass(frozen=True)
class Instrument:
    """The instrument that decides the energy of one device, and how far off it can be.

    Attributes:
        component: the component of the machine that it reads.
        means: what it reads: an energy counter, a power that is sampled and integrated, or no device but a model.
        source: how a record names the instrument.
        period_s: longest time between two updates of it, or between two samples.
        device: how a message names the device.
        uuid: of a GPU.
        power: whether the power of a GPU is that of the moment or of the last second; none where it gives none.
        late_s: how long after work its counter may still show something of it; none where nobody tried.
        shown: how late the power of a GPU is shown; none where that is not known.
        power_limit_w: the most power that the device draws, none where that is not known.
        offset_j: what windows were found to be off by, whatever their length.
        core_power_w: of the CPU, the power of a core that works by the model.
        model: how a record names that model.
    """

    component: Literal["gpu", "cpu"]
    means: Literal["counter", "power", "model"]
    source: str
    period_s: float
    device: str = "CPU"
    uuid: str | None = None
    power: Literal["instantaneous", "averaged"] | None = None
    late_s: float | None = None
    shown: Shown | None = None
    power_limit_w: float | None = None
    offset_j: float = 0.0
    core_power_w: float | None = None
    model: str = SOURCE

    def __str__(self) -> str:
        return f"{self.device} ({self.uuid})" if self.uuid else self.device

    def counter_bound_j(self) -> float | None:
        """Return how far off the difference of two counter readings can be; none where that is not known.

        Each reading may be up to a period old, and shows work as late as the counter does, so that the energy of that
        time at most is missing or too much.
        """
        if self.power_limit_w is None:
            return None
        return (self.period_s + (self.late_s or 0.0)) * self.power_limit_w + STEP_J

    def power_bound_j(self, bound_j: float) -> float | None:
        """Return how far off an integral of the power can be; none where that is not known.

        A power that is averaged over a second brings half a second of what was before the window into it, and leaves
        half a second of the window out.

        Args:
            bound_j: how far off the integral is from that of the power as it is shown.
        """
        if self.power == "instantaneous":
            return bound_j
        return None if self.power_limit_w is None else bound_j + AVERAGED_S / 2 * self.power_limit_w


def of_gpu(gpu: Gpu, power_period_s: float, certificate: Certificate | None = None) -> Instrument:
    """Return the instrument of a GPU: its energy counter where that counts, else its power.

    Args:
        gpu: the GPU, as NVML describes it.
        power_period_s: time between two samples of its power.
        certificate: what was found of it under load, which is better than what was seen at rest.
    """
    counter_period_s = gpu.counter_period_s
    if counter_period_s and certificate and certificate.counter:
        counter_period_s = certificate.counter.update_period_s or counter_period_s
    windows = certificate.windows if certificate else None
    of_power = certificate.power if certificate else None
    seen_s = (of_power and of_power.update_period_s) or gpu.power_period_s
    of_module = " of the module" if gpu.scope == "module" else ""
    sampled_s = power_period_s if gpu.power == "instantaneous" else AVERAGED_S
    return Instrument(
        component="gpu",
        means="counter" if gpu.counter_period_s else "power",
        source=f"NVML energy counter{of_module}"
        if gpu.counter_period_s
        else f"NVML {gpu.power} power{of_module}, integrated",
        period_s=counter_period_s or max(sampled_s, seen_s or 0),
        device=gpu.name,
        uuid=gpu.uuid,
        power=gpu.power,
        late_s=certificate.counter.late_s if certificate and certificate.counter else None,
        shown=averaged(AVERAGED_S) if gpu.power == "averaged" else held(seen_s or LONGEST_UPDATE_S),
        # the limit of a GPU is not that of its module
        power_limit_w=None if gpu.scope == "module" else gpu.power_limit_w,
        offset_j=abs(windows.offset_j or 0.0) if windows else 0.0,
    )


def of_cpu(rapl: Rapl, max_power_w: float | None = None) -> Instrument:
    """Return the instrument of the CPU: RAPL where it can be trusted, else a model of the CPU time that we use.

    Args:
        rapl: the counters of the CPU.
        max_power_w: thermal design power of the machine's CPUs, where the configuration states it.
    """
    power_w, words = core_power_w(max_power_w)
    words = f"{SOURCE} ({words})"
    model = Instrument("cpu", "model", words, PERIOD_S, core_power_w=power_w, model=words)
    if rapl.period_s is None:
        return model
    # a reading of RAPL beside a GPU may fail, and then the model serves
    return replace(model, means="counter", source="RAPL package", period_s=rapl.period_s, device="RAPL")


class Instruments:
    """All instruments of this machine.

    Args:
        gpus: the GPUs that compute; none where the CPU does.
        tracker: CodeCarbon, which reads beside all others.
        own_processes: how many processes of this job compute on each GPU.
        sample_period_s: time between two samples of utilisation, clocks, temperature and other processes.
        power_period_s: time between two samples of power.
        certificates: of the GPUs, in their order; empty where nobody tried them.
        cpu_max_power_w: thermal design power of the machine's CPUs, where the configuration states it.
        owns: tells whether a process is of this job, as `isojoule.energy.nvml.Board` takes it.
        cpu_s: tells the CPU time that the work has used.
        powercap: folder where the kernel shows RAPL.

    Attributes:
        tracker: as given.
        deciding: the instruments that decide the energy: one of each GPU, or that of the CPU.
        cpu: the instrument of the CPU, also where it does not decide.
        cpu_s: as given.

    Raises:
        InputError: a GPU does not answer.
    """

    def __init__(
        self,
        gpus: Sequence[Gpu],
        tracker: Tracker,
        *,
        own_processes: int = 1,
        sample_period_s: float = 1.0,
        power_period_s: float = 0.1,
        certificates: Sequence[Certificate] = (),
        cpu_max_power_w: float | None = None,
        owns: Callable[[int], bool] | None = None,
        cpu_s: Callable[[], float] = work_cpu_s,
        powercap: Path = POWERCAP,
    ) -> None:
        self.tracker = tracker
        self.cpu_s = cpu_s
        self._gpus = list(gpus)
        self._boards = [_board_of(gpu, own_processes, owns) for gpu in gpus]
        self._rapl = Rapl(powercap)
        self._sample_period_s, self._power_period_s = sample_period_s, power_period_s
        self.cpu = of_cpu(self._rapl, cpu_max_power_w)
        of_gpus: list[Certificate | None] = [*certificates] or [None] * len(gpus)
        self.deciding = tuple(
            of_gpu(gpu, power_period_s, certificate) for gpu, certificate in zip(gpus, of_gpus, strict=False)
        ) or (self.cpu,)

    @property
    def period_s(self) -> float:
        """The longest time between two updates of the deciding instruments."""
        return max(instrument.period_s for instrument in self.deciding)

    @property
    def why_no_rapl(self) -> str | None:
        """Why RAPL does not read the energy of the CPU; none where it does."""
        return self._rapl.why_not

    @property
    def can_measure(self) -> bool:
        """Whether instruments decide the energy, and not a model."""
        return all(instrument.means != "model" for instrument in self.deciding)

    @property
    def reads_gpus(self) -> bool:
        """Whether GPUs compute."""
        return bool(self._gpus)

    @property
    def shown_late_s(self) -> float:
        """How long after work a power that decides still shows something of it; 0 where none decides."""
        shown = [instrument.shown for instrument in self.deciding if instrument.means == "power"]
        return max((of_gpu.beyond_s for of_gpu in shown if of_gpu is not None), default=0.0)

    @property
    def by_power(self) -> list[int]:
        """The numbers of the GPUs whose power decides, sampled and integrated."""
        return [number for number, instrument in enumerate(self.deciding) if instrument.means == "power"]

    def read(self, *, before_work: bool = False) -> Readings:
        """Read all counters; that of a GPU is none where the driver does not answer for a moment.

        Args:
            before_work: whether work begins after these readings rather than ending before them. The time is taken
                next to the work, so that the reading itself is never in its duration.

        Raises:
            InputError: a GPU no longer answers, or RAPL can no longer be read.
        """
        if before_work:
            rapl_j, gpus_j = self._rapl_j(first=True), self._gpus_j()
            cpu_s = self.cpu_s()
            return Readings(time.perf_counter(), gpus_j, rapl_j, cpu_s)
        time_s, cpu_s = time.perf_counter(), self.cpu_s()
        gpus_j = self._gpus_j()
        return Readings(time_s, gpus_j, self._rapl_j(), cpu_s)

    def edges(self) -> list[Edge | None]:
        """Wait until the counters of the GPUs have settled, and return their edges; none for a GPU without a counter.

        Raises:
            GoneError: a GPU no longer answers.
        """
        numbers = [number for number, instrument in enumerate(self.deciding) if self._is_gpu_counter(instrument)]
        edges: list[Edge | None] = [None] * len(self.deciding)
        if numbers:
            counters = [patient(self._boards[number].counter_j) for number in numbers]
            lates_s = [self.deciding[number].late_s for number in numbers]
            for number, edge in zip(numbers, settled_edges(counters, lates_s), strict=True):
                edges[number] = edge
        return edges

    def state(self) -> tuple[float, float] | None:
        """Return the power of all GPUs at this moment and the sum of their clocks; none where one tells no power now.

        A clock that is not told counts as one that stands still.
        """
        powers_w = [patient(board.power_w)() for board in self._boards]
        if not all(powers_w):
            return None
        clocks_mhz = [board.sm_clock_mhz() or 0.0 for board in self._boards]
        return sum(power_w for power_w in powers_w if power_w is not None), sum(clocks_mhz)

    def energy_so_far_j(self, trace: Trace) -> float | None:
        """Return the energy of the GPUs by their counters, or since a trace began by their power.

        None where one of them cannot be read now.

        Args:
            trace: of a sampler that runs.
        """
        energies_j = []
        for number, (board, instrument) in enumerate(zip(self._boards, self.deciding, strict=True)):
            if self._is_gpu_counter(instrument):
                energies_j.append(patient(board.counter_j)())
            else:
                integral = trace.integrated_j(number, trace.started_s, time.perf_counter())
                energies_j.append(None if integral is None else integral[0])
        known_j = [energy_j for energy_j in energies_j if energy_j is not None]
        return sum(known_j) if len(known_j) == len(energies_j) else None

    @staticmethod
    def _is_gpu_counter(instrument: Instrument) -> bool:
        return instrument.component == "gpu" and instrument.means == "counter"

    def sampler(self) -> Sampler:
        """Return a sampler of all devices that can be read."""
        others: list[Sampled] = [HostWatch(), *([self._rapl] if self._rapl.readable else [])]
        return Sampler(self._boards, others, period_s=self._sample_period_s, power_period_s=self._power_period_s)

    def check_alone(self) -> None:
        """Refuse GPUs whose readings would have the energy of somebody else's work in them.

        Raises:
            InputError: a board is split into instances, or its readings are those of a module with a CPU.
            CompanyError: another process computes on one, or holds memory of it.
        """
        for board, gpu in zip(self._boards, self._gpus, strict=True):
            if gpu.mig:
                raise InputError(
                    f"{board.name}: found it split into instances (MIG), expected a whole board: what the others use "
                    "would be in the reading"
                )
            if gpu.scope == "module":
                raise InputError(
                    f"{board.name}: found no power of the GPU alone, but that of the module with its CPU and memory, "
                    "expected the GPU's: newer drivers tell it; energy.allow_shared: true measures the module all the "
                    "same, and flags the record"
                )
            present = board.company.present()
            if foreign := present.foreign_processes:
                others = "1 other process" if foreign == 1 else f"{foreign} other processes"
                raise CompanyError(
                    f"{board.name}: found {others} computing on it, expected none: their energy would be in the "
                    "reading; energy.allow_shared: true measures all the same, and flags the record"
                )
            if unlisted_bytes := present.unlisted_memory_bytes:
                raise CompanyError(
                    f"{board.name}: found {unlisted_bytes / 1e9:.1f} GB of its memory in use by processes that the "
                    "driver does not show here, expected none: their energy would be in the reading; "
                    "energy.allow_shared: true measures all the same, and flags the record"
                )

    def _rapl_j(self, *, first: bool = False) -> dict[str, float]:
        """Read RAPL's counters; beside a GPU they do not decide, and what fails of them is left out."""
        with suppress(InputError) if self._gpus else nullcontext():
            return self._rapl.read_j(first=first)
        return {}

    def _gpus_j(self) -> tuple[float | None, ...]:
        return tuple(
            patient(partial(self._counter_j, board, gpu))() if gpu.counter_period_s else None
            for board, gpu in zip(self._boards, self._gpus, strict=True)
        )

    @staticmethod
    def _counter_j(board: Board, gpu: Gpu) -> float:
        value_j = board.counter_j()
        if value_j is None:
            raise InputError(
                f"{gpu.name} ({gpu.uuid}): its energy counter is no longer offered by the driver; nothing was measured"
            )
        return value_j


def _board_of(gpu: Gpu, own_processes: int, owns: Callable[[int], bool] | None) -> Board:
    """Return the board of a GPU, which must still give the power that it gave on arrival."""
    board = Board(gpu.uuid, own_processes, owns)
    if board.power_kind != gpu.power:
        raise InputError(
            f"{board.device}: found its power {board.power_kind or 'unreadable'}, expected {gpu.power or 'unreadable'} "
            "as on arrival; nothing was measured"
        )
    return board
