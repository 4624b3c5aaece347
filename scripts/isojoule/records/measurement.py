"""The record of one cell: the contract between the measuring stages and everything that reads them."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, PositiveInt, model_validator

from isojoule.records.reading import read_record

Kind = Literal["measured", "estimated", "simulated"]
Outcome = Literal["ok", "oom", "untrained", "running", "refused", "failed", "stopped", "lost"]
FINAL: tuple[Outcome, ...] = ("ok", "oom", "untrained")
Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Reading(_Part):
    """Energy of one component of the machine over one window."""

    energy_kwh: NonNegativeFloat = Field(allow_inf_nan=False)
    source: str = Field(min_length=1, description="The instrument or model, with its version.")
    kind: Kind


class CodeCarbon(_Part):
    """CodeCarbon's own figures over the same window (the published method)."""

    version: str
    country_iso_code: str
    cpu_energy_kwh: NonNegativeFloat
    gpu_energy_kwh: NonNegativeFloat
    ram_energy_kwh: NonNegativeFloat
    total_energy_kwh: NonNegativeFloat
    emissions_kg_co2e: NonNegativeFloat


class Energy(_Part):
    """What the meter read between begin and end."""

    duration_s: NonNegativeFloat
    component: Literal["gpu", "cpu"] = Field(
        description="The component that computes: its reading is the cell's energy."
    )
    gpu: Reading | None = None
    cpu: Reading | None = None
    ram: Reading | None = None
    codecarbon: CodeCarbon

    @model_validator(mode="after")
    def _computing_component_was_read(self) -> "Energy":
        if self.computing is None:
            raise ValueError(f"the computing component, {self.component}, has no reading")
        return self

    @property
    def computing(self) -> Reading:
        """The reading of the component that computes."""
        return self.gpu if self.component == "gpu" else self.cpu  # type: ignore[return-value]


class GpuStatistics(_Part):
    """Means of the samples that NVML gave inside the window."""

    samples: NonNegativeInt
    period_s: float
    utilization_percent: float | None
    memory_utilization_percent: float | None
    power_w: float | None
    max_temperature_c: float | None
    peak_memory_bytes: NonNegativeInt | None
    foreign_processes: NonNegativeInt | None = Field(description="Most processes beside ours that computed on the GPU.")


class Gpu(_Part):
    """One GPU as its driver names it."""

    name: str
    uuid: str
    nvml_index: NonNegativeInt = Field(description="Its number to NVML on that machine; CUDA may count otherwise.")
    driver: str
    power_limit_w: float | None
    memory_bytes: int
    energy_counter: bool
    mig: bool = Field(description="Whether the board is split into instances (MIG).")


class Hardware(_Part):
    """The machine that the cell ran on."""

    hostname: str
    cpu: str
    cpu_cores: PositiveInt
    memory_bytes: PositiveInt
    gpu: Gpu | None = None


class Slurm(_Part):
    """Where SLURM put the job."""

    job_id: str
    partition: str | None
    node: str | None
    restart_count: NonNegativeInt


class Provenance(_Part):
    """What a sceptic asks for."""

    commit: str | None = Field(description="Commit of the workflow; with -dirty where files differed from it.")
    configuration_fingerprint: str = Field(
        description="Hash of the part of the configuration that decided this record."
    )
    code_fingerprint: str = Field(description="Hash of what the code did that decided this record.")
    data_fingerprint: str | None = Field(default=None, description="Hash of the data that was trained and tested on.")
    software: dict[str, str] = Field(description="Versions by name of the package or library.")
    attempt: PositiveInt
    slurm: Slurm | None = None


class Work(_Part):
    """What was done between begin and end."""

    epochs: PositiveInt
    steps: PositiveInt
    samples: PositiveInt
    batch_size: PositiveInt


class MeasurementRecord(_Part):
    """One cell of a study: identity, outcome, and what was measured when the outcome is `ok`.

    The journal has one for every attempt, whatever became of it; `records/` has the last one that is final.
    """

    record: Literal["measurement"] = "measurement"
    schema_version: Literal[2] = 2
    study: str
    workload: str
    gpu: str = Field(description="Key of the configuration's gpus.")
    architecture: str
    family: str
    phase: Literal["train", "test"]
    repeat: NonNegativeInt
    outcome: Outcome = Field(
        description="ok; oom: out of memory, nothing measured; untrained: the training of a test ended without "
        "weights. Of an attempt also: running; refused: another device than expected; failed; stopped: by a signal; "
        "lost: ended without a word."
    )
    message: str | None = Field(default=None, description="Why the outcome is not ok.")
    started_at: str = Field(description="Start of the program, UTC, ISO 8601.")
    ended_at: str
    precision: Literal["fp32", "tf32", "bf16"]
    threads: PositiveInt
    seed: NonNegativeInt
    place: NonNegativeInt = Field(
        description="Place in the order of its job, which was shuffled with the study's seed."
    )
    settings: dict[str, str | int | float | bool] = Field(
        description="The workload's settings worth reading in a table."
    )
    work: Work | None = None
    energy: Energy | None = None
    gpu_statistics: GpuStatistics | None = None
    loss: Finite | None = Field(default=None, description="Mean loss of the last epoch; none where it was not finite.")
    quality: dict[str, Finite] = Field(default={}, description="Quality on the test data, by name of the metric.")
    flags: list[str] = Field(default=[], description="What a reader should know before trusting the record.")
    hardware: Hardware
    provenance: Provenance

    @model_validator(mode="after")
    def _ok_means_measured(self) -> "MeasurementRecord":
        if (self.outcome == "ok") != (self.energy is not None and self.work is not None):
            raise ValueError("outcome ok goes with energy and work, any other outcome with neither")
        return self

    @property
    def identity(self) -> tuple[str, str, str, int]:
        """GPU, architecture, phase and repeat: no two records of a study share it."""
        return self.gpu, self.architecture, self.phase, self.repeat

    def is_of(self, fingerprints: dict[str, str]) -> bool:
        """Whether the record was made of this configuration, code and data, by the names of provenance."""
        return all(getattr(self.provenance, name) == value for name, value in fingerprints.items())


class ExtractionRecord(_Part):
    """What the extraction of features cost: once per study, on the CPU."""

    record: Literal["extraction"] = "extraction"
    schema_version: Literal[2] = 2
    study: str
    workload: str
    started_at: str
    ended_at: str
    clips: PositiveInt
    clips_per_s: NonNegativeFloat
    workers: PositiveInt
    energy: Energy
    hardware: Hardware
    provenance: Provenance


def read(path: Path) -> MeasurementRecord:
    """Read the measurement record in `path`.

    Raises:
        InputError: the file is not a measurement record of a known schema; names the file and the field.
    """
    return read_record(path, MeasurementRecord)
