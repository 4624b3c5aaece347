"""The sections of a configuration that only studies of audio tagging have."""

from typing import Annotated, Literal

from pydantic import Field

from isojoule.configuration import every_study
from isojoule.configuration.base import Section
from isojoule.configuration.fields import Count, Distinct, Effort, IfGiven, NonEmpty, Seed, Text
from isojoule.configuration.shared_sections import Custom, Families, Sizes
from isojoule.workloads.tagging.labels import DESED_CLASSES

Classes = Annotated[
    Distinct[Annotated[str, Field(min_length=1, pattern=r"^[^,\t]+$")]],
    Field(min_length=2),
]
OnBadFile = Literal["stop", "leave_out"]


class Desed(Section):
    """A copy of DESED."""

    source: Literal["desed"]
    path: Text = Field(description="Folder that holds audio/ and metadata/.")
    train: str = Field("metadata/train/weak.tsv", description="Labels to train on.")
    test: str = Field("metadata/train/weak.tsv", description="Labels to test on.")
    audio: str = Field("audio/train/weak", description="Folder of the clips.")
    classes: Classes = DESED_CLASSES
    on_bad_file: OnBadFile = "stop"


class Folder(Section):
    """Clips and labels of the user, in the layout of DESED."""

    source: Literal["folder"]
    path: Text = Field(description="Folder that holds all the others.")
    train: Text = Field(description="Labels to train on.")
    test: Text = Field(description="Labels to test on.")
    audio: str = Field("audio", description="Folder of the clips.")
    classes: Classes
    on_bad_file: OnBadFile = "stop"


class Synthetic(Section):
    """Domestic sounds, made from a seed."""

    source: Literal["synthetic"]
    train_clips: Annotated[Effort, Field(ge=20)] = 480
    test_clips: Annotated[Effort, Field(ge=20)] = 160
    seed: Seed = 0
    on_bad_file: OnBadFile = "stop"


Dataset = Annotated[Desed | Folder | Synthetic, Field(discriminator="source")]


class Grid(Section):
    """Every combination of these is an architecture."""

    layers: Sizes
    hidden: Sizes


class RecurrentGrid(Grid):
    """Every combination of these is a recurrent architecture."""

    layout: Literal["flattened", "frames"] = Field(
        "flattened",
        description="flattened is one step of the whole patch (published), frames is one step per frame.",
    )


Pairs = NonEmpty[Annotated[list[Count], Field(min_length=2, max_length=2)]]


class ConvolutionalRecurrentGrid(Section):
    """Every combination of these pairs, convolutional and recurrent, is an architecture."""

    layers: Pairs
    hidden: Pairs


class Architectures(Families):
    """Grids by family, expanded to named architectures."""

    mlp: IfGiven[NonEmpty[Grid]] = None
    cnn: IfGiven[NonEmpty[Grid]] = None
    rnn: IfGiven[NonEmpty[RecurrentGrid]] = None
    crnn: IfGiven[NonEmpty[ConvolutionalRecurrentGrid]] = None
    custom: IfGiven[NonEmpty[Custom]] = None


class Phase(Section):
    """A training or a test."""

    epochs: Count = Field(description="Passes over the data that make one phase.")


class Phases(every_study.Phases):
    """What is measured of a model: its training, its test, or both."""

    train: IfGiven[Phase] = None
    test: IfGiven[Phase] = None
