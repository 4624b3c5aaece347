"""The records of a challenge: the kit that participants get, and the submission that they send back."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from isojoule.errors import InputError
from isojoule.records.base import (
    Count,
    DurationS,
    Finite,
    Part,
    PositiveCount,
    PositiveEnergyKwh,
    PositiveQuantity,
    Record,
    Text,
    Time,
)
from isojoule.records.measurement import Hardware, Kind, MeasurementRecord, Outcome
from isojoule.records.reading import read_record
from isojoule.records.run import RunRecord


class Kit(Record):
    """What participants measure, and what organizers need to normalize their energies."""

    MADE_BY: ClassVar[str] = "isojoule challenge make"

    record: Literal["kit"] = "kit"
    schema_version: Literal[1] = 1
    study: Text
    phase: Literal["train", "test"]
    target: Text = Field(description="GPU of the study that all energies are normalized to.")
    target_device: Text | None = Field(default=None, description="Name of that GPU by its driver.")
    references_kwh: dict[Text, PositiveEnergyKwh] = Field(description="Energy of each reference on the target.")
    baseline: Text = Field(description="The reference that energy-weighted scores are relative to.")
    quality: Text = Field(description="Name of the quality that systems are ranked by; more is better.")
    configuration: dict[str, Any] = Field(description="Of the references' measurement, but for the participant's GPU.")
    study_sha256: Text = Field(description="Hash of study.csv in the kit.")
    software: dict[Text, Text] = Field(description="Versions that references are to be measured with.")
    made_at: Time

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """A checksum says that nobody edited a kit, and not that its parts belong together."""
        if len(self.references_kwh) < 2 or self.baseline not in self.references_kwh:
            names = ", ".join(self.references_kwh) or "none"
            raise ValueError(f"references_kwh: found {names}, expected two or more and the baseline {self.baseline}")
        if "isojoule" not in self.software:
            raise ValueError("software: found no version of isojoule, expected the one that made the kit")
        return self


class Measured(Part):
    """One run of a reference, or of a system of the team."""

    architecture: Text
    phase: Literal["train", "test"]
    repeat: Count
    outcome: Outcome
    message: Text | None = None
    energy_kwh: PositiveEnergyKwh | None = None
    energy_kind: Kind | None = None
    energy_source: Text | None = None
    duration_s: DurationS | None = None
    flops: PositiveCount | None = None
    params: PositiveCount | None = None
    quality: dict[Text, Finite] = Field(default={})
    flags: list[Text] = Field(default=[])
    device: Text = Field(description="Name of the GPU, or of the CPU where there is none.")
    devices: PositiveCount = 1
    board: Text | None = Field(default=None, description="UUID of the GPU.")
    power_limit_w: PositiveQuantity | None = None
    started_at: Time

    @classmethod
    def of(cls, record: MeasurementRecord | RunRecord) -> Self:
        """Return what a submission has of a record."""
        reading = None if record.energy is None or record.outcome != "ok" else record.energy.computing
        gpu = record.hardware.gpu
        is_run = isinstance(record, RunRecord)
        return cls(
            architecture=record.architecture,
            phase=record.phase,
            repeat=record.repeat,
            outcome=record.outcome,
            message=record.message,
            energy_kwh=reading and reading.energy_kwh,
            energy_kind=reading and reading.kind,
            energy_source=reading and reading.source,
            duration_s=record.energy.duration_s if record.energy and reading else None,
            flops=record.flops if is_run else None,  # type: ignore[union-attr]
            params=record.params if is_run else None,  # type: ignore[union-attr]
            quality=record.quality,
            flags=record.flags,
            device=gpu.name if gpu else record.hardware.cpu,
            devices=record.devices,
            board=gpu.uuid if gpu else None,
            power_limit_w=gpu.power_limit_w if gpu else None,
            started_at=record.started_at,
        )


class Submission(Record):
    """What a team sends: its references, its systems, and what they were measured on."""

    MADE_BY: ClassVar[str] = "isojoule challenge run"

    record: Literal["submission"] = "submission"
    schema_version: Literal[1] = 1
    team: Text = Field(min_length=1)
    kit: Text = Field(description="Checksum of the kit.")
    phase: Literal["train", "test"] | None = Field(default=None, description="Phase that is ranked.")
    quality: Text | None = Field(default=None, description="Name of the quality that systems are ranked by.")
    references: list[Measured]
    systems: list[Measured] = Field(default=[])
    certificates: dict[Text, list[Text]] = Field(
        default={}, description="What was found of the devices, by certificate."
    )
    hardware: Hardware
    software: dict[Text, Text]
    made_at: Time

    def check_system(self, phase: str, quality: Mapping[str, float]) -> None:
        """Refuse a run that could not be ranked, before it runs.

        Args:
            phase: of the run.
            quality: of the system, by name of the metric.

        Raises:
            InputError: the challenge ranks another phase, or a quality of another name, or the submission was edited.
        """
        if self.seal is None:
            raise InputError("--append: found a submission without its checksum, expected the file that isojoule wrote")
        if self.phase is not None and phase != self.phase:
            raise InputError(f"--phase: found {phase}, expected {self.phase}, which the challenge ranks")
        if self.quality is not None and quality and self.quality not in quality:
            raise InputError(
                f"--quality: found {', '.join(quality)}, expected {self.quality}, which the challenge ranks"
            )

    def with_system(self, record: RunRecord) -> "tuple[Submission, int]":
        """Return the submission with a run of a system of the team, and the number of its repeat."""
        cell = record.architecture, record.phase
        repeat = sum((run.architecture, run.phase) == cell for run in self.systems)
        run = Measured.of(record.model_copy(update={"repeat": repeat}))
        return self.model_copy(update={"systems": [*self.systems, run], "seal": None}), repeat


def read_submission(path: Path) -> Submission:
    """Read the submission in `path`.

    Raises:
        InputError: the file is no submission; the message names file and field.
        ChangedError: a figure in it was edited.
    """
    return read_record(path, Submission)
