"""The interface between a workload and the code that measures it; nothing outside a workload knows which one it serves.

A workload is a package below this one. Its package `description`, which does not import torch, has a class
`Configuration` derived from the one below: it defines the keys of the workload's studies, and answers questions about
such a study. The other modules offer these:

    dataset.prepare_study(configuration, folder) -> str
        checks the data, writes `manifest.tsv` into the folder, and returns in words what it found

    extraction.extract_study(configuration, dataset, folder, workers) -> int
        reads the manifest in the folder `dataset`, writes the files `Configuration.FEATURES` into `folder`, and
        `statistics.json` last, with all else that a measurement depends on; returns the number of clips

    sessions.Session(model, slice, phase, features, device)
        is a `Session`, below; it is given the model, which is built and on the CPU, the cell's slice of the
        configuration, whose `settings` are the `session_settings` below, `train` or `test`, the folder of the features,
        and the device

    example.example(settings, batch_size, device) -> (inputs, targets)
        makes one batch for the counting of compute; the model is called with all `inputs`

    example.loss(outputs, targets)
        returns the loss of that batch

The modules `sessions` and `example` may import torch.
"""

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

from pydantic import model_validator

from isojoule import seals
from isojoule.configuration.every_study import StudySections
from isojoule.configuration.sentences import misfit, shown
from isojoule.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from isojoule.records.measurement import Work


@dataclass(frozen=True)
class Architecture:
    """A model by import path and keyword arguments, whether it is ours or the user's.

    Attributes:
        name: stable name in paths, tables and figures.
        family: name that related architectures share.
        model: `module:Class` of a `torch.nn.Module`.
        arguments: keyword arguments of the class.
    """

    name: str
    family: str
    model: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Extent:
    """How much data a study has, whether that is known or assumed.

    Attributes:
        examples: number of examples by phase.
        features_bytes: size of the extracted features on disk.
        note: a sentence for the reader that says where these numbers come from.
    """

    examples: dict[str, int]
    features_bytes: int
    note: str


class Configuration(StudySections, ABC):
    """The configuration of a study, which also answers what only its workload knows about it."""

    MODELS: ClassVar[tuple[str, ...]]
    """Names of the modules of the workload's own models, one per family."""
    QUALITIES: ClassVar[tuple[str, ...]]
    """Names of the qualities that the workload can measure, from `isojoule.tables.qualities.QUALITIES`."""
    FEATURES: ClassVar[tuple[str, ...]]
    """Names of the files that the extraction writes beside `statistics.json`."""
    REPETITIONS: ClassVar[int] = 1
    """The fewest repetitions of the work in a window."""

    @model_validator(mode="after")
    def _has_qualities_of_its_own(self) -> Self:
        names = self.measured_qualities()
        for number, name in enumerate(self.pareto.qualities):
            if name not in names:
                raise misfit(f"one of {', '.join(names)}", shown(name), f"pareto.qualities.{number}")
        pareto = self.pareto.model_copy(update={"qualities": self.pareto.qualities or list(names)})
        return self.model_copy(update={"pareto": pareto})

    def measured_qualities(self) -> tuple[str, ...]:
        """Return the names of the qualities that the study measures, in the order of the figures."""
        return self.QUALITIES

    @abstractmethod
    def expand_architectures(self) -> list[Architecture]:
        """Return the architectures that the study compares, in the order of its file."""

    @abstractmethod
    def dataset_settings(self) -> dict[str, Any]:
        """Return the settings that decide the manifest."""

    def data_files(self) -> dict[str, Path]:
        """Return by their key in `dataset` the files and folders of the user that must exist; by default none."""
        return {}

    @abstractmethod
    def features_settings(self) -> dict[str, Any]:
        """Return the settings that decide the features."""

    @abstractmethod
    def session_settings(self) -> dict[str, Any]:
        """Return the settings that decide a session, beside architecture, GPU, phase and seed."""

    @abstractmethod
    def shown_settings(self) -> dict[str, str | float]:
        """Return by name the session's settings that a record shows.

        Each name must be in `isojoule.tables.columns` or `isojoule.tables.left_out`.
        """

    @abstractmethod
    def compute_settings(self) -> dict[str, Any]:
        """Return the settings that decide an architecture's counts; `batch_size` and `optimizer` (name) among them."""

    @abstractmethod
    def extent(self, results: Path) -> Extent:
        """Return how much data the study has; the features need not be extracted yet.

        Args:
            results: folder of the study's results.
        """

    @abstractmethod
    def steps(self, phase: str, examples: int) -> int:
        """Return how many steps a phase over this many examples takes."""

    def whole(self, name: str, phase: str) -> float:  # noqa: ARG002
        """Return how many times the measured part of a phase the whole phase is.

        Where that is not 1, the energy of the whole phase is estimated from repetitions of the part.

        Args:
            name: name of the architecture.
            phase: `train` or `test`.
        """
        return 1.0


PartDone = Callable[[Hashable], None]


def unheard(kind: Hashable) -> None:
    """Hear that a part of the work is done, where nobody wants to know."""


class Session(Protocol):
    """One phase of one cell: it puts data and model on the device before the window, and does the work inside it.

    The methods are called in the order in which they stand here, `progress` at any time and from another thread.
    """

    model: "nn.Module"
    """The model, whose weights are kept after a training."""
    flags: tuple[str, ...]
    """Flags for the record, from `isojoule.flags.of_record.OF_WORKLOADS`."""

    def example(self) -> "tuple[tuple[Tensor, ...], Tensor]":
        """Return inputs for the model, and targets of the shape that its output must have."""

    def warm_up(self) -> None:
        """Do a little of the work, every kind of batch in it, then go back to the start.

        It is called several times before a window, until the board is steady.
        """

    def run(self, part_done: PartDone = unheard) -> None:
        """Do all of the work once, and nothing else; a window may call this several times.

        Args:
            part_done: is told of each part of the work, such as a step, when it is done; a part that is told like
                another does the same work.
        """

    def settle(self) -> None:
        """Leave, after the window, what one `run` from the start leaves."""

    def close(self) -> None:
        """End the processes that the session started; this is called even after an error."""

    def keep(self, folder: Path) -> None:
        """Write what the model made for a person to look at or listen to, if it made any."""

    @property
    def work(self) -> "Work":
        """The work of one `run`, which is known before the first."""

    def loss(self) -> float:
        """Return the loss of the first `run`."""

    def quality(self) -> dict[str, float]:
        """Return the qualities by the name of their column; a training has none."""

    def progress(self) -> str:
        """Return in words how far `run` is, without asking the device."""


def data_fingerprint(features: Path) -> str:
    """Read the fingerprint of the content of the features in a folder.

    Raises:
        InputError: the folder holds no features.
        ChangedError: the file with the fingerprint was changed since it was made.
    """
    path = features / "statistics.json"
    try:
        return str(seals.read_json(path)["fingerprint"])
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: found no fingerprint; isojoule extract-features writes it") from error


def names() -> list[str]:
    """Return the names of all workloads."""
    return sorted(path.parents[1].name for path in Path(__file__).parent.glob("*/description/__init__.py"))


def load(name: str) -> type[Configuration]:
    """Import the class of configurations of the workload `name`."""
    model: type[Configuration] = importlib.import_module(f"isojoule.workloads.{name}.description").Configuration
    return model


def check_session(session: object, name: str) -> None:
    """Refuse a session that lacks a part, and would fail only when its window is over.

    Raises:
        InputError: the session of the workload `name` lacks a part; the message names it.
    """
    parts = (*Session.__annotations__, *(part for part in vars(Session) if not part.startswith("_")))
    if missing := [part for part in parts if not hasattr(session, part)]:
        raise InputError(
            f"workload {name}: found a session without {', '.join(missing)}, expected all of "
            "isojoule.workloads.interface.Session"
        )


def part(name: str, module: str) -> ModuleType:
    """Import a module of the workload `name`: `dataset`, `extraction`, `sessions` or `example`."""
    return importlib.import_module(f"isojoule.workloads.{name}.{module}")
