"""The seam between what is measured and the measuring.

A workload is a package below this one. Its `config.schema.yaml` has the part of a study's configuration that it asks,
and its `__init__` (no torch there) offers

    check(configuration, source)                           refuses what the schema cannot see
    architectures(configuration) -> list[Architecture]     what the study compares
    MODELS                                                 modules of its own models, one per family
    QUALITIES                                              its columns among `isojoule.tables.qualities.QUALITIES`
    REPETITIONS                                            of the work in a window, at least
    FEATURES                                               files that extraction writes beside `statistics.json`
    dataset_settings(configuration) -> dict                the configuration's part that decides the manifest
    features_settings(configuration) -> dict               the part that decides the features
    settings(configuration) -> dict                        the part that decides its sessions
    shown_settings(settings) -> dict                       those of them that a record shows, each of which is known to
                                                           `isojoule.tables.columns` or `isojoule.tables.left_out`
    compute_settings(configuration) -> dict                the part that decides what compute counting sees, with
                                                           `batch_size` and the name of the `optimizer`
    extent(configuration, results) -> Extent               how much data there is, before it is extracted
    steps(configuration, phase, examples) -> int           steps of a phase
    whole(configuration, name, phase) -> float             how many times what is measured the whole phase is: where not
                                                           once, its energy is estimated from several repetitions

its module `dataset` offers

    prepare_study(configuration, folder) -> str            checks the data, writes `manifest.tsv`, says what it found

its module `extraction` offers

    extract_study(configuration, dataset, folder, workers) -> int
                                                           writes the features, and `statistics.json` last, with the
                                                           `fingerprint` of their content; the number of clips

its module `sessions` (torch) offers

    Session(model, slice, phase, features, device)         a `Session`, below: of the model, built, on the CPU; the
                                                           cell's slice of the configuration, where `settings` are
                                                           those above; a phase; the folder of the features; the device

and its module `example` (torch) what counting needs: `example(settings, batch_size, device) -> (inputs, targets)`,
where `inputs` is all that the model is called with, and `loss(outputs, targets)`.

Nothing outside these packages knows which workload it serves.
"""

import importlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

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
    return sorted(path.parents[1].name for path in Path(__file__).parent.glob("*/description/config.schema.yaml"))


def load(name: str) -> ModuleType:
    """The torch-free side of the workload `name`."""
    return importlib.import_module(f"isojoule.workloads.{name}.description")


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
