"""What all records share: types of their values, parts that nobody changes, and a seal."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from isojoule.seals import Seal

# clocks differ, and some machines keep local time
CLOCK_ERROR = timedelta(days=1)


def _time(text: str) -> str:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"found {text!r}, expected a time in UTC, ISO 8601") from error
    if time.tzinfo is None:
        raise ValueError(f"found {text!r} without a time zone, expected a time in UTC, ISO 8601")
    if time > datetime.now(UTC) + CLOCK_ERROR:
        raise ValueError(f"found {text}, which is in the future")
    return text


def check_order(started_at: str, ended_at: str) -> None:
    """Refuse an end before the start.

    Raises:
        ValueError: as pydantic's validators raise it.
    """
    if datetime.fromisoformat(ended_at) < datetime.fromisoformat(started_at):
        raise ValueError(f"ended_at: found {ended_at}, which is before started_at, {started_at}")


# pandas and parquet hold no larger whole number
Count = Annotated[int, Field(ge=0, lt=2**63)]
PositiveCount = Annotated[int, Field(gt=0, lt=2**63)]
# beyond these, sums and squares are no numbers any more
LARGEST = 1e100
Finite = Annotated[float, Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]
Quantity = Annotated[float, Field(ge=0, le=LARGEST, allow_inf_nan=False)]
PositiveQuantity = Annotated[float, Field(gt=0, le=LARGEST, allow_inf_nan=False)]
# a terawatt hour, and thirty years
LARGEST_KWH, LARGEST_S = 1e9, 1e9
EnergyKwh = Annotated[float, Field(ge=0, le=LARGEST_KWH, allow_inf_nan=False)]
PositiveEnergyKwh = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]
DurationS = Annotated[float, Field(gt=0, le=LARGEST_S, allow_inf_nan=False)]
# a gigawatt, and the energy in joules that is a terawatt hour
PowerW = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
EnergyJ = Annotated[float, Field(ge=0, le=3.6e15, allow_inf_nan=False)]
Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]
Time = Annotated[Text, AfterValidator(_time)]
# `isojoule.flags.of_record` says what each means
Flag = Literal[
    "estimated",
    "short-window",
    "disagreement",
    "unchecked",
    "throttled",
    "throttling-unknown",
    "power-capped",
    "hot-start",
    "temperature-unknown",
    "module-energy",
    "shared-device",
    "company-unknown",
    "display",
    "busy-host",
    "unsteady-board",
    "attempt-above-1",
    "spread",
    "unsteady",
    "several-drivers",
    "several-versions",
    "several-boards",
    "several-devices",
    "initial-weights",
    "loss-not-finite",
    "extrapolated",
    "not-sealed",
    "quality-on-training-data",
    "not-above-idle",
    "gpu-not-used",
    "left-processes",
]


class Part(BaseModel):
    """A part of a record."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Record(Part):
    """A record, which is a file of its own."""

    MADE_BY: ClassVar[str]
    """The command that writes such records."""

    # it is of the other fields, and of the file alone
    seal: Seal | None = Field(
        default=None,
        exclude=True,
        repr=False,
        description="Hash of the other fields when the file was written; none in older records.",
    )
