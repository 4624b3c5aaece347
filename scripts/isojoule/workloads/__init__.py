"""The seam between what is measured and the measuring.

A workload is a package below this one. Its `__init__` (no torch there) offers

    architectures(configuration) -> list[Architecture]     what the study compares
    MODELS                                                 modules of its own models, one per family
    settings(configuration) -> dict                        the configuration's part that decides its sessions
    shown_settings(settings) -> dict                       those of them that a record shows
    compute_settings(configuration) -> dict                the part that decides what compute counting sees
    data_fingerprint(features) -> str                      names the content of the features in a folder
    extent(configuration, results) -> Extent               how much data there is, before it is extracted

its module `sessions` (torch) offers

    Session(model, slice, phase, features, device)         data on the device, and the steps of one phase: `warm_up`,
                                                           `run` as often as the window asks, `settle` to the first run

and its module `example` (torch) what counting needs: `example(settings, batch_size, device) -> (inputs, targets)`,
`loss(outputs, targets)` and `OPTIMIZERS`.

Nothing outside these packages knows which workload it serves.
"""

import importlib
from dataclasses import dataclass
from types import ModuleType
from typing import Any


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


def load(name: str) -> ModuleType:
    """The torch-free side of the workload `name`."""
    return importlib.import_module(f"isojoule.workloads.{name}")
