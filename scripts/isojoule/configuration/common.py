"""The sections that every study has, whatever its workload."""

from typing import Annotated, Literal, Self

from pydantic import Field, WrapValidator, model_validator
from pydantic_core import PydanticKnownError

from isojoule.configuration.fields import (
    Count,
    Distinct,
    IfGiven,
    Name,
    NotNegative,
    OneOf,
    Positive,
    Precision,
    Seed,
    Text,
    as_written,
)
from isojoule.configuration.section import Section
from isojoule.configuration.sentences import misfit
from isojoule.records.flags import MEANINGS
from isojoule.records.measurement import Kind


class Gpu(Section):
    """One platform."""

    device: Literal["cuda", "cpu"] = "cuda"
    devices: Count = Field(1, description="GPUs of one node that train together, or processes on a CPU.")
    device_name: IfGiven[Text] = Field(None, description="What the driver calls it; another device is refused.")
    max_power_w: IfGiven[Positive] = Field(None, description="Board power limit or CPU thermal design power.")
    partition: IfGiven[Text] = Field(None, description="Where SLURM runs its jobs.")
    gres: IfGiven[Text] = Field(None, description="What SLURM is asked for there, such as gpu:a40:1.")
    gpu: IfGiven[Count] = Field(None, description="Instead of gres, sbatch --gpus.")
    gpu_model: IfGiven[Text] = Field(None, description="With gpu, sbatch --gpus=model:number.")
    constraint: IfGiven[Text] = Field(None, description="Features of the node.")
    exclusive: bool = Field(False, description="No other job on the node.")
    slurm_extra: IfGiven[Text] = Field(None, description="Further options of sbatch.")
    peak_tflops: IfGiven[Positive] = Field(None, description="Arithmetic peak in fp32, for estimates.")
    memory_gb_per_s: IfGiven[Positive] = Field(None, description="Memory bandwidth, for estimates.")
    threads: Count = Field(1, description="CPU threads of the computation.")
    precision: IfGiven[Precision] = Field(None, description="Instead of the study's.")

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
    min_window_s: Positive = Field(
        10, description="A phase that is shorter is done again, whole, inside the same window."
    )
    resolution_percent: Annotated[float, Field(gt=0, le=100), WrapValidator(as_written)] = Field(
        1,
        description="The instrument's period is to be this share of the window at most; else the phase is done again.",
    )
    idle_s: NotNegative = Field(5, description="How long idle power is measured, once per job; 0 for not.")
    sample_period_s: Annotated[float, Field(ge=0.1), WrapValidator(as_written)] = Field(
        1, description="Between two samples of utilisation, clocks and temperature."
    )
    allow_shared: bool = Field(False, description="Measure beside other processes on the GPU.")


class Splits(Section):
    """How a study is split into architectures to learn from and architectures to predict."""

    scheme: Literal["shuffle", "kfold"] = Field(
        "shuffle", description="shuffle: 80/20 each time, as published; or kfold."
    )
    number: Annotated[int, Field(ge=2, le=1000)] = 5


class Normalization(Section):
    """How normalization across GPUs is evaluated; only where there are two GPUs and five architectures."""

    splits: Splits = Field(default_factory=Splits)
    seed: Seed = Field(0, description="Of splits and random references.")
    draws: Annotated[int, Field(ge=1, le=1000)] = Field(20, description="Random references of each number.")
    error_percent: Positive = Field(10, description="Median error that the references to publish stay within.")
    kinds: IfGiven[Annotated[Distinct[Kind], Field(min_length=1)]] = Field(
        None, description="Kinds of energy to use together; by default the only one there is, or measured."
    )


class Pareto(Section):
    """Fronts of quality against energy and other costs."""

    qualities: Annotated[Distinct[str], Field(min_length=1)] = Field(
        default_factory=list,
        description="Of the workload's, in the order of the figures; by default all of them.",
    )
    normalize_to: IfGiven[Text] = Field(None, description="GPU that energies are normalized to; by default the first.")
    draws: Count = Field(1000, description="Of the bootstrap over repeats.")
    seed: Seed = Field(0, description="Of the bootstrap.")


class Figures(Section):
    """Which figures the report shows, in which order, and how they are drawn."""

    order: Distinct[Text] = Field([], description="Names of figures, the first ones in the report; the others follow.")
    texts: dict[str, str] = Field(
        {}, description="What to write in place of what, wherever it stands as words of its own."
    )
    text_mm: Annotated[float, Field(gt=50, le=1000), WrapValidator(as_written)] = Field(
        178, description="Width of the text of the paper; a column is a little less than half of it."
    )


class Analysis(Section):
    """What is used of the measurements, and what is added to them."""

    quality_table: IfGiven[Text] = Field(
        None, description="CSV of qualities that were found otherwise, such as mean_opinion_score, by architecture."
    )
    exclude_flags: Distinct[Annotated[str, OneOf(tuple(MEANINGS))]] = Field(
        [],
        description="Cells with one of these quality flags stay in the table of measurements and out of all else.",
    )


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
    """The configuration of a study, as far as every study has the same."""

    study: Name = Field(description="Name of the study and of its folder below results/.")
    workload: str = Field(description="What the architectures do, a folder of workloads/.")
    gpus: Annotated[dict[Name, Gpu], Field(min_length=1)] = Field(description="One platform per entry.")
    phases: Phases
    repeats: Count = Field(description="How often each cell is measured.")
    seed: Seed = Field(0, description="Of weights, order of the data and order of the jobs.")
    precision: Precision = "fp32"
    energy: Energy
    normalization: Normalization = Field(default_factory=Normalization)
    pareto: Pareto = Field(default_factory=Pareto, validate_default=True)
    figures: Figures = Field(default_factory=Figures)
    analysis: Analysis = Field(default_factory=Analysis)

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
