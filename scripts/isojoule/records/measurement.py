"""The record of one cell, on which those who measure and all who read the measurements agree."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from isojoule.records.base import (
    Count,
    DurationS,
    EnergyKwh,
    Finite,
    Flag,
    Part,
    PositiveCount,
    PositiveQuantity,
    PowerW,
    Quantity,
    Record,
    Text,
    Time,
    check_order,
)
from isojoule.records.reading import read_record
from isojoule.units import JOULES_PER_KWH

Kind = Literal["measured", "estimated", "simulated"]
Outcome = Literal["ok", "oom", "untrained", "running", "oom-once", "refused", "failed", "stopped", "lost"]
FINAL: tuple[Outcome, ...] = ("ok", "oom", "untrained")


class Reading(Part):
    """Energy of one component of the machine, by one instrument or model."""

    energy_kwh: EnergyKwh
    source: Text = Field(min_length=1, description="The instrument or model, with its version.")
    kind: Kind
    uncertainty_kwh: EnergyKwh | None = Field(
        default=None,
        description="How far off the reading can be because of when the instrument was updated or sampled; none where "
        "that is not known. It does not include the gain of the sensor, about 5 % of a board.",
    )


class IdleState(Part):
    """How an idle power was taken: the net energy rests on it."""

    number: PositiveCount = Field(description="1 for the first that the job took, and so on.")
    age_s: Quantity = Field(description="How long before the window.")
    uncertainty_w: PowerW
    settled: bool = Field(description="Whether the power had settled before.")
    sm_clock_mhz: Quantity | None = None
    p_state: Count | None = Field(default=None, description="The slowest performance state of the GPUs.")
    temperature_c: Finite | None = None


class SteadyState(Part):
    """How the board was warmed up before the first window of a job."""

    duration_s: Quantity
    reached: bool = Field(description="Whether the power of the work stood still in the end.")
    power_w: PowerW | None = None


class Window(Part):
    """How the energy was measured: one window over one or more whole repetitions of the work."""

    duration_s: DurationS = Field(description="Duration of all repetitions together.")
    repetitions: PositiveCount = Field(
        description="Number of repetitions; other energies and durations are those of one."
    )
    repetition_energies_kwh: list[Finite] | None = Field(
        default=None, description="Energies of the computing component, where a workload asked for several repetitions."
    )
    instrument_period_s: Quantity = Field(
        description="Longest time between two updates of the deciding instrument; where power is integrated, between "
        "two samples; for an estimate by CPU time, the kernel's clock tick."
    )
    resolution_percent: Quantity = Field(description="instrument_period_s over duration_s.")
    disagreement_percent: Quantity | None = Field(
        default=None,
        description="Distance of the furthest other reading from the deciding one; none where there is no other.",
    )
    slowed_percent: Quantity | None = Field(
        default=None,
        description="How much more CPU time the work took than the sum of its least stretches, which an estimate by "
        "CPU time takes; none where an instrument measured, or the work has no stretches to compare.",
    )
    idle_power_w: PowerW | None = Field(
        default=None, description="Power of the computing component before the window, with a live CUDA context."
    )
    idle: IdleState | None = Field(
        default=None, description="How idle_power_w was taken; none where it was not, and in older records."
    )
    no_idle: Text | None = Field(default=None, description="Why there is no idle power, where one was asked for.")
    steady_state: SteadyState | None = Field(
        default=None, description="How the board was warmed up before the first window of its job."
    )
    host_load_percent: Quantity | None = Field(
        default=None, description="CPU time of other programs in the window, in per cent of one core."
    )


class CodeCarbon(Part):
    """CodeCarbon's own figures for the same work; this is the published method."""

    version: Text
    country_iso_code: Text | None = Field(
        default=None,
        description="Country whose electricity decides emissions_kg_co2e; none where nobody stated it.",
    )
    failure: Text | None = Field(
        default=None, description="Why CodeCarbon could not read all; what it could not is none."
    )
    cpu_energy_kwh: EnergyKwh | None = None
    gpu_energy_kwh: EnergyKwh | None = None
    ram_energy_kwh: EnergyKwh | None = None
    total_energy_kwh: EnergyKwh | None = None
    emissions_kg_co2e: Quantity | None = Field(
        default=None, description="None where nobody stated a country, since nothing else tells the grams per kWh."
    )

    def divided(self, repetitions: int) -> "CodeCarbon":
        """Return the figures of one of several repetitions."""
        figures = {name: value for name, value in self.model_dump().items() if isinstance(value, float)}
        return self.model_copy(update={name: value / repetitions for name, value in figures.items()})


class Energy(Part):
    """What the meter read, for one repetition of the work."""

    duration_s: DurationS
    component: Literal["gpu", "cpu"] = Field(
        description="The component that computes: its reading is the cell's energy."
    )
    gpu: Reading | None = Field(default=None, description="All GPUs of the job, summed.")
    cpu: Reading | None = None
    ram: Reading | None = None
    why_no_rapl: Text | None = Field(
        default=None,
        description="Why the energy of the CPU is not that of RAPL's counters; none where it is, and in older records.",
    )
    integrated_power: Reading | None = Field(
        default=None, description="Integral of the GPU's sampled power, where the GPU has an energy counter too."
    )
    codecarbon: CodeCarbon
    window: Window

    @model_validator(mode="after")
    def _computing_component_was_read(self) -> "Energy":
        if self.computing is None:
            raise ValueError(f"the computing component, {self.component}, has no reading")
        return self

    @property
    def computing(self) -> Reading:
        """The reading of the component that computes."""
        return self.gpu if self.component == "gpu" else self.cpu  # type: ignore[return-value]

    @property
    def net_energy_kwh(self) -> float | None:
        """Energy above idle, or None where idle power is not known."""
        if self.window.idle_power_w is None:
            return None
        return self.computing.energy_kwh - self.window.idle_power_w * self.duration_s / JOULES_PER_KWH


class GpuStatistics(Part):
    """Means of the samples that NVML gave inside the window."""

    samples: Count
    period_s: Quantity
    utilization_percent: Finite | None
    memory_utilization_percent: Finite | None
    power_w: Finite | None
    sm_clock_mhz: Finite | None
    memory_clock_mhz: Finite | None
    start_temperature_c: Finite | None
    max_temperature_c: Finite | None
    peak_memory_bytes: Count | None
    foreign_processes: Count | None = Field(description="Most processes beside ours that computed on the GPU.")
    unlisted_memory_bytes: Count | None = Field(
        default=None,
        description="Most memory in use beyond what the processes that the driver lists and the driver itself take: "
        "that of processes that a container does not show. None where the driver does not tell.",
    )
    drawing_processes: Count | None = Field(
        default=None, description="Most processes beside ours that drew on the GPU and did not compute: a desktop."
    )
    end_temperature_c: Finite | None = None
    failed_samples: Count = Field(default=0, description="How often the driver did not answer.")
    throttled_percent: dict[Text, Finite] | None = Field(
        default={},
        description="Share of the samples in which the driver held the clocks down, by reason; none where it does not "
        "tell.",
    )
    p_states_percent: dict[Text, Finite] | None = Field(
        default=None, description="Share of the samples by the board's performance state; P0 is the fastest."
    )


class Gpu(Part):
    """One GPU as its driver names it."""

    name: Text
    uuid: Text
    nvml_index: Count | None = Field(description="Its number by NVML on that machine; CUDA may count otherwise.")
    driver: Text
    power_limit_w: Finite | None
    memory_bytes: Count | None
    counter_period_s: Finite | None = Field(
        description="Time between two updates of its energy counter; none where it has none that works and is the "
        "GPU's own."
    )
    power: Literal["instantaneous", "averaged"] | None = Field(
        description="Whether its power is that of the moment or the mean of the last second; none where it has none."
    )
    power_period_s: Finite | None = Field(
        default=None, description="Time between two updates of the power, where that decides."
    )
    mig: bool | None = Field(
        description="Whether the board is split into instances (MIG); none where the driver does not tell."
    )
    scope: Literal["gpu", "module"] | None = Field(
        default=None,
        description="What the energy is of: the GPU's board, or a module with CPU and memory (Grace Hopper). None in "
        "records that do not say.",
    )
    counter_scope: Literal["gpu", "module"] | None = Field(
        default=None,
        description="What its energy counter is of; on a module it may have the CPU and the memory in it, and then "
        "decides only where scope is the module as well.",
    )
    default_power_limit_w: Finite | None = None
    ecc: bool | None = Field(default=None, description="Whether memory errors are corrected.")
    persistence: bool | None = Field(default=None, description="Whether the driver stays loaded without a client.")
    application_sm_clock_mhz: Finite | None = Field(default=None, description="Clock that the administrator asks for.")
    application_memory_clock_mhz: Finite | None = None
    max_sm_clock_mhz: Finite | None = None
    max_memory_clock_mhz: Finite | None = None
    vbios: Text | None = None
    pcie_generation: Count | None = Field(
        default=None, description="Generation of the PCIe link on arrival; an idle board may lower it."
    )
    max_pcie_generation: Count | None = Field(
        default=None, description="Generation of the PCIe link that board and machine can have together."
    )
    pcie_lanes: Count | None = None
    cuda_driver: Text | None = Field(default=None, description="Newest version of CUDA that the driver serves.")


class Hardware(Part):
    """The machine that the cell ran on."""

    hostname: Text
    cpu: Text
    cpu_cores: PositiveCount
    memory_bytes: PositiveCount
    gpu: Gpu | None = None
    further_gpus: list[Gpu] = Field(default=[], description="The other GPUs of a job on several.")
    cpu_governor: Text | None = Field(default=None, description="How the kernel chooses the clock of the CPU.")


class Slurm(Part):
    """The SLURM job in which the cell was measured."""

    job_id: Text
    partition: Text | None
    node: Text | None
    restart_count: Count


class Provenance(Part):
    """Where a number comes from."""

    commit: Text | None = Field(description="Commit of the workflow, with -dirty where files differed from it.")
    configuration_fingerprint: Text = Field(
        description="Hash of the part of the configuration that decided this record."
    )
    code_fingerprint: Text = Field(description="Hash of what the code that decided this record does.")
    data_fingerprint: Text | None = Field(default=None, description="Hash of the data to train and test on.")
    software: dict[Text, Text] = Field(description="Versions by name of the package or library.")
    environment: dict[Text, Text] = Field(
        default={}, description="Variables of the environment that decide numbers or power, as they were set."
    )
    certificates: list[Text] = Field(
        default=[], description="Names of the certificates of the devices, which lie in the folder certificates."
    )
    attempt: PositiveCount = Field(le=10**6, description="Number of this attempt among all attempts at the cell.")
    failed_attempts: Count = Field(
        default=0,
        description="Earlier attempts of the same code, configuration and data that began and came to nothing.",
    )
    slurm: Slurm | None = None


class Work(Part):
    """What one repetition did."""

    epochs: PositiveCount | None = Field(
        default=None, description="Passes over the data; none where only steps are counted."
    )
    steps: PositiveCount
    samples: PositiveCount | PositiveQuantity = Field(
        description="Number of examples, each of which costs the counted FLOPs."
    )
    batch_size: PositiveCount
    audio_s: Quantity | None = Field(default=None, description="Length of the audio that was generated.")


class Extrapolation(Part):
    """An estimate of the whole phase, where only a part was measured, by the configuration of the measurement.

    The table of measurements computes the estimate anew by its own configuration, since nothing is measured again when
    only the length of the whole changes.
    """

    times: PositiveQuantity = Field(description="How many times the measured work the whole is.")
    steps: PositiveCount
    audio_s: Quantity | None = Field(default=None, description="Length of the audio that would be generated.")
    duration_s: DurationS
    energy_kwh: EnergyKwh = Field(description="Energy of the computing component.")
    low_kwh: EnergyKwh | None = Field(
        default=None,
        description="Lower end of the 95 % interval by the repetitions; none where these are not known.",
    )
    high_kwh: EnergyKwh | None = None
    kind: Literal["estimated", "simulated"]


class MeasurementRecord(Record):
    """One cell of a study: identity, outcome, and what was measured when the outcome is `ok`.

    The journal has a record of every attempt, whatever became of it; `records/` has that of the last final one.
    """

    MADE_BY: ClassVar[str] = "isojoule measure"

    record: Literal["measurement"] = "measurement"
    schema_version: Literal[3] = 3
    study: Text
    workload: Text
    gpu: Text = Field(description="Key of the configuration's gpus.")
    architecture: Text
    family: Text
    phase: Literal["train", "test"]
    repeat: Count
    outcome: Outcome = Field(
        description="ok; oom: out of memory, nothing measured; untrained: the training of a test ended without "
        "weights. An attempt can also be running; oom-once: out of memory behind other cells of its process, so that a "
        "fresh one decides; refused: another device than expected, or one that others use; failed; stopped: by a "
        "signal; lost: ended without a word."
    )
    message: Text | None = Field(default=None, description="Why the outcome is not ok.")
    started_at: Time = Field(description="Start of the program, UTC, ISO 8601.")
    ended_at: Time
    precision: Literal["fp32", "tf32", "bf16"]
    threads: PositiveCount
    devices: PositiveCount = Field(default=1, description="How many GPUs, or processes on a CPU, trained together.")
    seed: Count
    place: Count = Field(description="Place in the order of its job, which was shuffled with the study's seed.")
    settings: dict[Text, Text | int | Finite | bool] = Field(
        description="The workload's settings worth reading in a table."
    )
    work: Work | None = None
    energy: Energy | None = None
    extrapolated: Extrapolation | None = Field(
        default=None, description="What the whole phase would take, where work and energy are those of a part."
    )
    gpu_statistics: GpuStatistics | None = None
    loss: Finite | None = Field(default=None, description="Mean loss of the last epoch; none where it was not finite.")
    quality: dict[Text, Finite] = Field(default={}, description="Quality on the test data, by name of the metric.")
    flags: list[Flag] = Field(default=[], description="What a reader should know before trusting the record.")
    hardware: Hardware
    provenance: Provenance

    @model_validator(mode="after")
    def _ok_means_measured(self) -> "MeasurementRecord":
        if (self.outcome == "ok") != (self.energy is not None and self.work is not None):
            raise ValueError("outcome ok goes with energy and work, any other outcome with neither")
        return self

    @model_validator(mode="after")
    def _ends_after_it_started(self) -> "MeasurementRecord":
        check_order(self.started_at, self.ended_at)
        return self

    @property
    def identity(self) -> tuple[str, str, str, int]:
        """GPU, architecture, phase and repeat: no two records of a study share it."""
        return self.gpu, self.architecture, self.phase, self.repeat

    def is_of(self, fingerprints: dict[str, str]) -> bool:
        """Return whether these fingerprints, by the names of `Provenance`, decided the record."""
        return all(getattr(self.provenance, name) == value for name, value in fingerprints.items())


class ExtractionRecord(Record):
    """What the extraction of features cost, once per study and on the CPU."""

    MADE_BY: ClassVar[str] = "isojoule extract-features"

    record: Literal["extraction"] = "extraction"
    schema_version: Literal[3] = 3
    study: Text
    workload: Text
    started_at: Time
    ended_at: Time
    clips: PositiveCount
    clips_per_s: Quantity
    workers: PositiveCount
    energy: Energy
    hardware: Hardware
    provenance: Provenance

    @model_validator(mode="after")
    def _ends_after_it_started(self) -> "ExtractionRecord":
        check_order(self.started_at, self.ended_at)
        return self


def read(path: Path) -> MeasurementRecord:
    """Read the measurement record in `path`.

    Raises:
        InputError: the file is not a measurement record of a known schema; the message names file and field.
    """
    return read_record(path, MeasurementRecord)
