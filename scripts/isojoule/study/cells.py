"""The cells of a study: every architecture on every GPU in every phase, as often as the study repeats them."""

from dataclasses import dataclass

from isojoule.errors import InputError
from isojoule.workloads.interface import Architecture, Configuration

# benchmarks/scale.md says what a million cells cost
MOST_CELLS = 1_000_000


@dataclass(frozen=True)
class Cell:
    """One measurement of a study.

    Attributes:
        gpu: key of the configuration's `gpus`.
        architecture: name of the architecture.
        phase: `train` or `test`.
        repeat: number of the repeat: 0, 1, ...
    """

    gpu: str
    architecture: str
    phase: str
    repeat: int

    def __str__(self) -> str:
        return f"{self.architecture} on {self.gpu}, {self.phase}, repeat {self.repeat}"


def architectures(configuration: Configuration) -> dict[str, Architecture]:
    """Return the study's architectures by name, in the order of the configuration.

    Raises:
        InputError: two architectures have the same name.
    """
    architectures_by_name: dict[str, Architecture] = {}
    for architecture in configuration.expand_architectures():
        if architecture.name in architectures_by_name:
            raise InputError(f"architectures: {architecture.name} is named twice, expected every architecture once")
        architectures_by_name[architecture.name] = architecture
    return architectures_by_name


def phases(configuration: Configuration) -> list[str]:
    """Return the phases of the study, training first."""
    return [phase for phase in ("train", "test") if getattr(configuration.phases, phase) is not None]


def check_number(configuration: Configuration) -> None:
    """Refuse a study of more cells than anybody can measure, whose names would fill the memory.

    Raises:
        InputError: there are more than `MOST_CELLS`, or two architectures have the same name.
    """
    names, gpus = len(architectures(configuration)), len(configuration.gpus)
    number = names * gpus * len(phases(configuration)) * configuration.repeats
    if number > MOST_CELLS:
        raise InputError(
            f"repeats: found {configuration.repeats}, which makes {number:,} cells of {names} architectures and "
            f"{gpus} gpus, expected at most {MOST_CELLS:,} cells"
        )


def cells(configuration: Configuration) -> list[Cell]:
    """Return every cell of the study."""
    return [
        Cell(gpu, architecture, phase, repeat)
        for gpu in configuration.gpus
        for architecture in architectures(configuration)
        for phase in phases(configuration)
        for repeat in range(configuration.repeats)
    ]
