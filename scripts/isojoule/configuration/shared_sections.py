"""The sections that several workloads share."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, ModelWrapValidatorHandler, WrapValidator, model_validator
from pydantic_core import PydanticKnownError

from isojoule.configuration.base import Section
from isojoule.configuration.fields import Count, IfGiven, NonEmpty, NotNegative, Positive, one_or_more
from isojoule.configuration.sentences import misfit

# one whole number or a list of them; it becomes a list
Sizes = Annotated[
    NonEmpty[Count],
    WrapValidator(one_or_more("a whole number of 1 or more"), json_schema_input_type=Count | NonEmpty[Count]),
]
ArchitectureName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$", max_length=100)]


class Mel(Section):
    """Log-mel spectrograms."""

    sample_rate_hz: Annotated[int, Field(ge=1000, le=10**6)]
    n_fft: Annotated[int, Field(ge=16, le=2**20)]
    win_length: Annotated[int, Field(ge=16)]
    hop_length: Count
    window: Literal["hann", "hamming"]
    n_mels: Count
    n_frames: IfGiven[Count] = Field(None, description="Frames of the beginning of a clip; by default all.")
    f_min_hz: NotNegative
    f_max_hz: Positive

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        if self.win_length > self.n_fft:
            raise misfit(f"at most n_fft ({self.n_fft})", str(self.win_length), "win_length")
        if self.n_mels > (bins := self.n_fft // 2 + 1):
            raise misfit(f"at most {bins}, the bins of n_fft ({self.n_fft})", str(self.n_mels), "n_mels")
        if not self.f_min_hz < self.f_max_hz <= self.sample_rate_hz / 2:
            expected = (
                f"more than f_min_hz ({self.f_min_hz}) and at most half of sample_rate_hz ({self.sample_rate_hz / 2:g})"
            )
            raise misfit(expected, str(self.f_max_hz), "f_max_hz")
        return self


class MelOfBeginning(Mel):
    """Log-mel spectrograms of the beginnings of clips."""

    n_frames: Count = Field(description="Frames of the beginning of a clip.")


class Optimizer(Section):
    """The optimizer that trains the weights."""

    name: Literal["adam", "adamw", "sgd"]
    learning_rate: Positive


class Custom(Section):
    """A model of the user."""

    name: ArchitectureName
    model: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$")] = Field(
        description="Import path of a torch.nn.Module, module:Class."
    )
    arguments: dict[str, JsonValue] = Field({}, description="Keyword arguments of the class.")
    family: ArchitectureName = "custom"


class Families(Section):
    """Lists of grids by family of architectures, in the order of the file."""

    @model_validator(mode="wrap")
    @classmethod
    def _in_the_order_of_the_file(cls, content: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        families = validate(content)
        if not any(grids is not None for _, grids in families):
            raise PydanticKnownError("too_short", {"field_type": "Mapping", "min_length": 1, "actual_length": 0})
        if isinstance(content, dict):
            values = vars(families)
            for name in content:
                # a name that is set anew moves to the end
                values[name] = values.pop(name)
        return families

    def grids(self) -> Iterator[tuple[str, list[Any]]]:
        """Yield every family of the configuration with its grids."""
        return ((name, grids) for name, grids in self if grids is not None)
