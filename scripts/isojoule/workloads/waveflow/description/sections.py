"""The sections of a configuration that only studies of WaveFlow have."""

from typing import Annotated, Literal, Self

from pydantic import Field, WrapValidator, model_validator

from isojoule.configuration import every_study
from isojoule.configuration.base import Section
from isojoule.configuration.fields import Count, Effort, IfGiven, NonEmpty, OneOf, Positive, Seed, Text, one_or_more
from isojoule.configuration.sentences import misfit
from isojoule.configuration.shared_sections import Custom, Families, Mel, Sizes
from isojoule.workloads.waveflow.manifest import HOP

HEIGHTS = (2, 4, 8, 16, 32, 64, 128)

Height = Annotated[int, OneOf(HEIGHTS)]
Heights = Annotated[
    NonEmpty[Height],
    WrapValidator(
        one_or_more(f"one of {', '.join(map(str, HEIGHTS))}"), json_schema_input_type=Height | NonEmpty[Height]
    ),
]


class LjSpeech(Section):
    """A copy of LJSpeech, or speech in its layout."""

    source: Literal["ljspeech"]
    path: Text = Field(description="Folder that holds metadata.csv and wavs/.")
    test_clips: Count = Field(100, description="How many clips to test on, the last ones of metadata.csv.")


class Synthetic(Section):
    """A signal like speech, made from a seed."""

    source: Literal["synthetic"]
    clips: Annotated[Effort, Field(ge=2)] = 40
    test_clips: Count = Field(5, description="How many clips to test on, the last ones.")
    seed: Seed = 0


Dataset = Annotated[LjSpeech | Synthetic, Field(discriminator="source")]


class Frames(Mel):
    """Log-mel spectrograms of whole clips."""

    @model_validator(mode="after")
    def _fit_the_model(self) -> Self:
        if self.n_frames is not None:
            raise misfit("none; segment_frames is the length", str(self.n_frames), "n_frames")
        if self.hop_length != HOP:
            raise misfit(f"{HOP}, as the model spreads it", str(self.hop_length), "hop_length")
        return self


class Grid(Section):
    """Every combination of these is an architecture."""

    height: Heights = Field(description="Rows that the audio is folded into, a power of 2.")
    channels: Sizes = Field(description="Residual channels.")
    flows: Count = 8
    layers: Count = 8
    train_steps: Count = Field(description="Steps of a whole training.")


class CustomFlow(Custom):
    """A model of the user."""

    train_steps: Count = Field(description="Steps of a whole training.")


class Architectures(Families):
    """Grids, expanded to named architectures."""

    waveflow: IfGiven[NonEmpty[Grid]] = None
    custom: IfGiven[NonEmpty[CustomFlow]] = None


class Training(Section):
    """The steps of a training that are measured."""

    steps: Count = Field(description="How many steps are measured.")


class Generation(Section):
    """The clips that a model generates."""

    clips: Effort = Field(10, description="How many clips to generate.")
    clip_s: Positive = Field(10, description="Length of each clip in seconds.")


class Phases(every_study.Phases):
    """What is measured of a model: its training, its generation, or both."""

    train: IfGiven[Training] = None
    test: IfGiven[Generation] = None
