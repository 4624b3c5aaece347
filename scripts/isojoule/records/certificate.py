"""The certificate of a board: how far its energy counter and its power can be trusted, as somebody tried."""

import hashlib
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from isojoule.records.base import (
    DurationS,
    EnergyJ,
    Finite,
    Part,
    PositiveQuantity,
    PowerW,
    Quantity,
    Record,
    Text,
    Time,
)
from isojoule.records.measurement import Hardware
from isojoule.records.reading import read_record


class Response(Part):
    """How one reading of the board answers to work that begins or ends; none of what could not be had."""

    update_period_s: PositiveQuantity | None = Field(default=None, description="Time between two updates.")
    lag_s: Finite | None = Field(
        default=None, description="How much later than the work the reading shows it, on average over what it shows."
    )
    averaged_s: Quantity | None = Field(
        default=None, description="Length of the time whose mean the reading shows; 0 for that of the moment."
    )
    looked_share: PositiveQuantity | None = Field(
        default=None, le=1, description="Share of the time in which the sensor looks; 1 for all of it."
    )

    @property
    def late_s(self) -> float | None:
        """How long after work the reading may still show something of it; none where that is not known."""
        # a delay is found as a mean over twice as long, and a length within a tenth
        return None if self.averaged_s is None else 1.1 * self.averaged_s


class Windows(Part):
    """What windows over the same steady work read."""

    durations_s: list[DurationS]
    energies_j: list[EnergyJ]
    nonlinearity_percent: Quantity | None = Field(
        default=None, description="Largest distance of an energy from the straight line through all, of that energy."
    )
    offset_j: Finite | None = Field(default=None, description="Energy that the line has at a window of 0 s.")
    spread_percent: Quantity | None = Field(
        default=None, description="Standard deviation of windows of the same length, of their mean."
    )

    @model_validator(mode="after")
    def _each_window_has_an_energy(self) -> "Windows":
        if len(self.durations_s) != len(self.energies_j):
            raise ValueError(
                f"found {len(self.energies_j)} energies of {len(self.durations_s)} windows, expected as many"
            )
        return self


class Certificate(Record):
    """What a board was found to do, under a load of matrix products."""

    MADE_BY: ClassVar[str] = "isojoule check-gpu"

    record: Literal["certificate"] = "certificate"
    schema_version: Literal[1] = 1
    kind: Literal["measured", "estimated"] = Field(description="Whether instruments were tried, or a model.")
    source: Text = Field(description="The instrument that decides energies here.")
    form: Literal["full", "short"]
    made_at: Time = Field(description="UTC, ISO 8601.")
    took_s: DurationS
    counter: Response | None = None
    power: Response | None = None
    idle_power_w: PowerW | None = None
    idle_power_without_context_w: PowerW | None = Field(
        default=None, description="Before this process had a CUDA context."
    )
    load_power_w: PowerW | None = None
    settling_s: Quantity | None = Field(
        default=None, description="How long the power needs to come to rest behind the work."
    )
    counter_over_power: PositiveQuantity | None = Field(
        default=None, description="Energy by the counter over that by the power, integrated, under steady work."
    )
    windows: Windows | None = None
    shortest_window_s: PositiveQuantity | None = Field(
        default=None, description="Windows of this work that are shorter can be off by more than 1 %."
    )
    findings: list[Text] = Field(description="What was found, a sentence each.")
    unknown: dict[Text, Text] = Field(default={}, description="What could not be found out, with the reason.")
    step: list[tuple[Finite, Finite]] = Field(
        default=[], description="Seconds since work began or ended, and the share of the step that the power shows."
    )
    hardware: Hardware
    software: dict[Text, Text]

    @property
    def name(self) -> str:
        """What a record calls it: the beginning of the hash of its content."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


def read(path: Path) -> Certificate:
    """Read the certificate in `path`.

    Raises:
        InputError: the file is no certificate; the message names file and field.
    """
    return read_record(path, Certificate)
