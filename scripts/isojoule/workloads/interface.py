"""The seam between what is measured and the measuring.

A workload is a package below this one. Its package `description` (no torch there) has a class `Configuration`, derived
from the one below: the keys of a study that the workload asks, and what it says about such a study. Its module
`dataset` offers

    prepare_study(configuration, folder) -> str            checks the data, writes `manifest.tsv`, says what it found

its module `extraction` offers

    extract_study(configuration, dataset, folder, workers) -> int
                                                           writes the features, and `statistics.json` last, with the
                                                           `fingerprint` of their content; the number of clips

its module `sessions` (torch) offers

    Session(model, slice, phase, features, device)         a `Session`, below: of the model, built, on the CPU; the
                                                           cell's slice of the configuration, where `settings` are
                                                           the `session_settings` below; a phase; the folder of the
                                                           features; the device

and its module `example` (torch) what counting needs: `example(settings, batch_size, device) -> (inputs, targets)`,
where `inputs` is all that the model is called with, and `loss(outputs, targets)`.

Nothing outside these packages knows which workload it serves.
"""

import importlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pydantic import field_validator

from isojoule.configuration.common import Pareto, StudySections
from isojoule.configuration.sentences import misfit, shown
from isojoule.errors import InputError
from isojoule.files import read_json

if TYPE_CHECKING:
    from torch import Tensor, nn

    from isojoule.records.measurement import Work


@dataclass(frozen=True)
class Architecture:
    """A model by import path and keyword arguments, ours and the user's alike.

    Attributes:
        name: stable name in paths, tables and figures.
        family: which architectures belong together.
        model: `module:Class` of a `torch.nn.Module`.
        arguments: keyword arguments of the class.
    """

    name: str
    family: str
    model: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Extent:
    """How much data a study has, known or assumed.

    Attributes:
        examples: by phase.
        features_bytes: what the extracted features take on disk.
        note: where this is from, for a reader.
    """

    examples: dict[str, int]
    features_bytes: int
    note: str


class Configuration(StudySections, ABC):
    """The configuration of a study, and what its workload says about it."""

    MODELS: ClassVar[tuple[str, ...]]
    """Modules of the workload's own models, one per family."""
    QUALITIES: ClassVar[tuple[str, ...]]
    """Its columns among `isojoule.tables.qualities.QUALITIES`."""
    FEATURES: ClassVar[tuple[str, ...]]
    """Files that its extraction writes beside `statistics.json`."""
    REPETITIONS: ClassVar[int] = 1
    """How often, at least, the work is done in a window."""

    @field_validator("pareto")
    @classmethod
    def _has_qualities_of_the_workload(cls, pareto: Pareto) -> Pareto:
        for number, name in enumerate(pareto.qualities):
            if name not in cls.QUALITIES:
                raise misfit(f"one of {', '.join(cls.QUALITIES)}", shown(name), f"qualities.{number}")
        return pareto if pareto.qualities else pareto.model_copy(update={"qualities": list(cls.QUALITIES)})

    @abstractmethod
    def expand_architectures(self) -> list[Architecture]:
        """What the study compares, in the order of its file."""

    @abstractmethod
    def dataset_settings(self) -> dict[str, Any]:
        """What decides the manifest."""

    @abstractmethod
    def features_settings(self) -> dict[str, Any]:
        """What decides the features."""

    @abstractmethod
    def session_settings(self) -> dict[str, Any]:
        """What decides a session beside the architecture, the GPU, the phase and the seed."""

    @abstractmethod
    def shown_settings(self) -> dict[str, str | float]:
        """Those of the session's settings that a record shows, by name.

        Each is known to `isojoule.tables.columns` or `isojoule.tables.left_out`.
        """

    @abstractmethod
    def compute_settings(self) -> dict[str, Any]:
        """What decides the counts of an architecture, with `batch_size` and the name of the `optimizer`."""

    @abstractmethod
    def extent(self, results: Path) -> Extent:
        """How much data there is, before it is extracted.

        Args:
            results: folder of the study's results.
        """

    @abstractmethod
    def steps(self, phase: str, examples: int) -> int:
        """How many steps a phase over this many examples takes."""

    def whole(self, name: str, phase: str) -> float:  # noqa: ARG002
        """How many times what is measured of an architecture the whole phase is.

        Where that is not once, the energy of the whole is estimated from several repetitions.
        """
        return 1.0


class Session(Protocol):
    """One phase of one cell: data and model on the device before the window, the work that the window measures.

    Called in the order of its methods; `progress` at any time, from another thread.
    """

    model: "nn.Module"
    """Whose weights are kept after a training, and counted."""
    flags: tuple[str, ...]
    """Of `isojoule.flags.OF_WORKLOADS`, for the record."""

    def example(self) -> "tuple[tuple[Tensor, ...], Tensor]":
        """What the model is called with, and targets of the shape that it is to give."""

    def warm_up(self) -> None:
        """Some of the work, before the window; weights and optimizer are put back."""

    def run(self) -> None:
        """All of the work, once: as often as the window asks. Nothing but the work."""

    def settle(self) -> None:
        """Put everything to where the first `run` left it, after the window."""

    def close(self) -> None:
        """End what was started beside the session, whatever happened."""

    def keep(self, folder: Path) -> None:
        """Write what the model made for somebody to look at or listen to, if anything."""

    @property
    def work(self) -> "Work":
        """What one `run` does; known before the first."""

    def loss(self) -> float:
        """Of the first `run`."""

    def quality(self) -> dict[str, float]:
        """By the name of its column; of a training none."""

    def progress(self) -> str:
        """Where `run` is, in words; asks nothing of the device."""


def data_fingerprint(features: Path) -> str:
    """The fingerprint of the content of the features in a folder.

    Raises:
        InputError: the folder holds no features.
    """
    path = features / "statistics.json"
    try:
        return str(read_json(path)["fingerprint"])
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: found no fingerprint; scripts/extract_features.py writes it") from error


def names() -> list[str]:
    """The workloads that there are."""
    return sorted(path.parents[1].name for path in Path(__file__).parent.glob("*/description/__init__.py"))


def load(name: str) -> type[Configuration]:
    """What studies of the workload `name` are configured by."""
    configuration: type[Configuration] = importlib.import_module(f"isojoule.workloads.{name}.description").Configuration
    return configuration


def check_session(session: object, name: str) -> None:
    """Refuse a session that would fail behind its window.

    Raises:
        InputError: naming what the session of the workload `name` has not.
    """
    parts = (*Session.__annotations__, *(part for part in vars(Session) if not part.startswith("_")))
    if missing := [part for part in parts if not hasattr(session, part)]:
        raise InputError(
            f"workload {name}: found a session without {', '.join(missing)}, expected all of isojoule.workloads.Session"
        )


def part(name: str, module: str) -> ModuleType:
    """A module of the workload `name`: `dataset`, `extraction`, `sessions` or `example`."""
    return importlib.import_module(f"isojoule.workloads.{name}.{module}")
