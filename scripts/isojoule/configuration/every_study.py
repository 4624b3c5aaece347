"""The sections that every study has, whatever its workload."""

from typing import Annotated, Literal, Self

from pydantic import Field, WrapValidator, model_validator
from pydantic_core import PydanticKnownError

from isojoule.configuration.base import Section
from isojoule.configuration.fields import (
    Count,
    Distinct,
    Effort,
    IfGiven,
    Name,
    OneOf,
    Positive,
    Precision,
    Seed,
    Text,
    Word,
    as_written,
)
from isojoule.configuration.sentences import misfit
from isojoule.flags.of_record import MEANINGS
from isojoule.records.measurement import Kind


class Gpu(Section):
    """One platform."""

    device: Literal["cuda", "cpu"] = "cuda"
    devices: Count = Field(1, description="GPUs of one node that train together, or processes on a CPU.")
    device_name: IfGiven[Text] = Field(None, description="Name by the driver; a device of another name is refused.")
    max_power_w: IfGiven[Positive] = Field(
        None,
        description="Power limit of the board, for isojoule plan. Of a CPU: thermal design power of all CPUs of the "
        "machine together, by which their energy is estimated where they have no counter.",
    )
    partition: IfGiven[Word] = Field(None, description="SLURM partition of its jobs.")
    gres: IfGiven[Word] = Field(None, description="What its jobs ask SLURM for, such as gpu:a40:1.")
    gpu: IfGiven[Count] = Field(None, description="Number for sbatch --gpus, instead of gres.")
    gpu_model: IfGiven[Word] = Field(None, description="Model for sbatch --gpus=model:number, beside gpu.")
    constraint: IfGiven[Word] = Field(None, description="Features that the node must have, for sbatch --constraint.")
    exclusive: bool = Field(False, description="Whether no other job may run on the node.")
    slurm_extra: IfGiven[Text] = Field(None, description="Further options of sbatch.")
    peak_tflops: IfGiven[Positive] = Field(None, description="Arithmetic peak in fp32, for isojoule plan.")
    memory_gb_per_s: IfGiven[Positive] = Field(None, description="Memory bandwidth, for isojoule plan.")
    threads: Count = Field(1, description="CPU threads of the computation.")
    precision: IfGiven[Precision] = Field(None, description="Precision of this platform, instead of the study's.")

    @property
    def all_threads(self) -> int:
        """CPU threads of all processes that compute together."""
        return self.threads * (self.devices if self.device == "cpu" else 1)

    @model_validator(mode="after")
    def _is_asked_for_in_one_way(self) -> Self:
        if self.gres is not None and (self.gpu is not None or self.gpu_model is not None):
            raise misfit("one way to ask for it", "gres beside gpu or gpu_model")
        return self


class Energy(Section):
    """How energy is measured."""

    country_iso_code: Annotated[str, Field(pattern="^[A-Z]{3}$")] = Field(
        description="ISO 3166 alpha-3 code of the country."
    )
    min_window_s: Annotated[float, Field(gt=0, le=86400), WrapValidator(as_written)] = Field(
        10, description="A window repeats a whole phase until it is at least so long."
    )
    resolution_percent: Annotated[float, Field(gt=0, le=100), WrapValidator(as_written)] = Field(
        1,
        description="A window repeats a whole phase until the instrument's period is at most this share of it.",
    )
    idle_s: Annotated[float, Field(ge=0, le=3600), WrapValidator(as_written)] = Field(
        5, description="How long idle power is measured, once per job; 0 turns this off."
    )
    sample_period_s: Annotated[float, Field(ge=0.1, le=3600), WrapValidator(as_written)] = Field(
        1, description="Time between two samples of utilisation, clocks and temperature."
    )
    allow_shared: bool = Field(False, description="Whether to measure although another process computes on the GPU.")


class Splits(Section):
    """How a study is split into architectures to learn from and architectures to predict."""

    scheme: Literal["shuffle", "kfold"] = Field(
        "shuffle",
        description="shuffle draws 80 % to learn from anew each time (published); kfold predicts each once.",
    )
    number: Annotated[int, Field(ge=2, le=1000)] = 5


class Normalization(Section):
    """How normalization across GPUs is evaluated; only where there are two GPUs and five architectures."""

    splits: Splits = Field(default_factory=Splits)
    seed: Seed = Field(0, description="Seed of the splits and of random references.")
    draws: Annotated[int, Field(ge=1, le=1000)] = Field(20, description="How often each number of references is drawn.")
    error_percent: Positive = Field(10, description="Largest median error that the references to publish may leave.")
    kinds: IfGiven[Annotated[Distinct[Kind], Field(min_length=1)]] = Field(
        None, description="Kinds of energy to use together; by default the only kind there is, or measured."
    )


class Pareto(Section):
    """Fronts of quality against energy and other costs."""

    qualities: Annotated[Distinct[str], Field(min_length=1)] = Field(
        default_factory=list,
        description="Qualities of the workload, in the order of the figures; by default all of them.",
    )
    normalize_to: IfGiven[Text] = Field(None, description="GPU that energies are normalized to; by default the first.")
    draws: Effort = Field(1000, description="Number of draws of the bootstrap over repeats.")
    seed: Seed = Field(0, description="Seed of the bootstrap.")


class Figures(Section):
    """Which figures the report shows, in which order, and how they are drawn."""

    order: Distinct[Text] = Field([], description="Names of the figures that come first; the others follow.")
    texts: dict[str, str] = Field({}, description="What to write in the figures instead of these words.")
    text_mm: Annotated[float, Field(gt=50, le=1000), WrapValidator(as_written)] = Field(
        178, description="Width of the text of the paper; a column is a little less than half of it."
    )


class Analysis(Section):
    """Which measurements the analysis uses, and what is added to them."""

    quality_table: IfGiven[Text] = Field(
        None,
        description="CSV of qualities by architecture that no cell measures, such as mean_opinion_score.",
    )
    exclude_flags: Distinct[Annotated[str, OneOf(tuple(MEANINGS))]] = Field(
        [],
        description="Cells with one of these quality flags stay in the table of measurements; nothing else uses them.",
    )


class Report(Section):
    """What the report has beside the study's own tables."""

    compared_with: IfGiven[Text] = Field(
        None,
        description="Table of measurements of another study, or of an earlier state of this one, that the report holds "
        "this one against.",
    )
    url: IfGiven[Text] = Field(None, description="Address of the report, for its picture where the address is shared.")


class Phases(Section):
    """What is measured of a model: its training, its test, or both."""

    train: IfGiven[Section] = None
    test: IfGiven[Section] = None

    @model_validator(mode="after")
    def _are_some(self) -> Self:
        if self.train is None and self.test is None:
            raise PydanticKnownError("too_short", {"field_type": "Mapping", "min_length": 1, "actual_length": 0})
        return self


class StudySections(Section):
    """The keys of a configuration that every study has."""

    study: Name = Field(description="Name of the study and of its folder below results/.")
    workload: str = Field(description="What the architectures do; the name of a folder of workloads/.")
    gpus: Annotated[dict[Name, Gpu], Field(min_length=1)] = Field(description="One platform per entry.")
    phases: Phases
    repeats: Count = Field(description="How often each cell is measured.")
    seed: Seed = Field(0, description="Seed of the weights, of the order of the data and of the order of the jobs.")
    precision: Precision = "fp32"
    energy: Energy
    normalization: Normalization = Field(default_factory=Normalization)
    pareto: Pareto = Field(default_factory=Pareto)
    figures: Figures = Field(default_factory=Figures)
    analysis: Analysis = Field(default_factory=Analysis)
    report: Report = Field(default_factory=Report)

    @model_validator(mode="after")
    def _sections_agree(self) -> Self:
        if self.pareto.normalize_to not in (None, *self.gpus):
            raise misfit(f"one of gpus: {', '.join(self.gpus)}", self.pareto.normalize_to, "pareto.normalize_to")
        for name, gpu in self.gpus.items():
            if gpu.device == "cpu" and (gpu.precision or self.precision) == "tf32":
                raise misfit("fp32 or bf16", "tf32 on device cpu", f"gpus.{name}.precision")
        if self.analysis.quality_table is not None and self.phases.test is None:
            raise misfit("one", "no phase test in this study", "analysis.quality_table")
        return self
