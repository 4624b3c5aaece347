"""What all records share: parts that nobody changes, and a seal."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from isojoule.seals import Seal


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
