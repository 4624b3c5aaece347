"""The record of a run of anybody's program, or of a part of one: what was run, what became of it, what it used."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from isojoule.records.base import Count, Finite, Flag, Part, PositiveCount, Record, Text, Time, check_order
from isojoule.records.measurement import Energy, GpuStatistics, Hardware, Outcome, Slurm
from isojoule.records.reading import read_record


class RunProvenance(Part):
    """Where the numbers of a run come from."""

    software: dict[Text, Text] = Field(description="Versions of isojoule and of what it reads with, by name.")
    environment: dict[Text, Text] = Field(
        default={}, description="Variables of the environment that decide numbers or power, as they were set."
    )
    slurm: Slurm | None = None


class RunRecord(Record):
    """One run: identity, outcome, and what was measured.

    Fields that the record of a study's measurement has as well have the same names.
    """

    MADE_BY: ClassVar[str] = "isojoule run"

    record: Literal["run"] = "run"
    schema_version: Literal[1] = 1
    architecture: Text = Field(min_length=1, description="Name of the system that ran.")
    gpu: Text = Field(min_length=1, description="What the user calls the platform; by default the name of the device.")
    phase: Literal["train", "test"]
    repeat: Count = Field(default=0, description="Which run this is of the same system, platform and phase.")
    outcome: Outcome = Field(
        description="ok: the program ended with exit code 0, and its energy is known; failed: with another one, or its "
        "energy could not be told; stopped: by a signal; running: not over, or the meter was killed."
    )
    message: Text | None = Field(default=None, description="Why the outcome is not ok.")
    command: list[Text] = Field(description="The words of the command; of a part, those of the program that it is in.")
    is_part: bool = Field(default=False, description="Whether the energy is that of a part of the program.")
    exit_code: Count | None = Field(
        default=None, description="As a shell has it: 128 and the number of the signal that ended the program."
    )
    left_processes: Count = Field(
        default=0, description="Processes of the program that went on behind its end; their later energy is not in it."
    )
    started_at: Time = Field(description="UTC, ISO 8601.")
    ended_at: Time
    flops: PositiveCount | None = Field(default=None, description="Forward FLOPs of one example, as the user says.")
    params: PositiveCount | None = Field(default=None, description="Number of parameters, as the user says.")
    quality: dict[Text, Finite] = Field(default={}, description="Quality by name of the metric, as the user says.")
    energy: Energy | None = Field(
        default=None,
        description="Also where the program failed: what it used until then. The idle power is that "
        "before the program, without a CUDA context.",
    )
    gpu_statistics: GpuStatistics | None = None
    flags: list[Flag] = Field(default=[], description="What a reader should know before trusting the record.")
    hardware: Hardware
    provenance: RunProvenance

    @model_validator(mode="after")
    def _ok_means_measured(self) -> "RunRecord":
        if self.outcome == "ok" and self.energy is None:
            raise ValueError("outcome ok goes with energy")
        if self.outcome == "ok" and self.exit_code:
            raise ValueError(f"outcome ok goes with exit code 0, found {self.exit_code}")
        return self

    @model_validator(mode="after")
    def _ends_after_it_started(self) -> "RunRecord":
        check_order(self.started_at, self.ended_at)
        return self

    @property
    def devices(self) -> int:
        """How many GPUs the program saw; 1 where the CPU computed."""
        return 1 + len(self.hardware.further_gpus)


def read(path: Path) -> RunRecord:
    """Read the record of a run in `path`.

    Raises:
        InputError: the file is no record of a run; the message names file and field.
    """
    return read_record(path, RunRecord)
