"""The cells of a study: every architecture on every GPU in every phase, repeated."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from isojoule.errors import InputError
from isojoule.study import code_fingerprint
from isojoule.workloads.interface import Architecture, Configuration


@dataclass(frozen=True)
class Cell:
    """One measurement: what is measured, where, and which time.

    Attributes:
        gpu: key of the configuration's `gpus`.
        architecture: name of the architecture.
        phase: `train` or `test`.
        repeat: 0, 1, ...
    """

    gpu: str
    architecture: str
    phase: str
    repeat: int

    def __str__(self) -> str:
        return f"{self.architecture} on {self.gpu}, {self.phase}, repeat {self.repeat}"


def architectures(configuration: Configuration) -> dict[str, Architecture]:
    """The study's architectures by name, in the order of the configuration.

    Raises:
        InputError: two architectures have the same name.
    """
    named: dict[str, Architecture] = {}
    for architecture in configuration.expand_architectures():
        if architecture.name in named:
            raise InputError(f"architectures: {architecture.name} is named twice, expected every architecture once")
        named[architecture.name] = architecture
    return named


def phases(configuration: Configuration) -> list[str]:
    """The phases of the study, training first."""
    return [phase for phase in ("train", "test") if getattr(configuration.phases, phase) is not None]


def cells(configuration: Configuration) -> list[Cell]:
    """Every cell of the study."""
    return [
        Cell(gpu, architecture, phase, repeat)
        for gpu in configuration.gpus
        for architecture in architectures(configuration)
        for phase in phases(configuration)
        for repeat in range(configuration.repeats)
    ]


def gpu_slice(configuration: Configuration, gpu: str) -> dict[str, Any]:
    """What of a GPU's entry decides a measurement: partition and gres, say, only bring the job there."""
    entry = configuration.gpus[gpu]
    keys = {"device", "device_name", "threads", "precision"}
    if entry.devices > 1:
        keys.add("devices")
    if entry.device == "cpu":
        keys.add("max_power_w")
    return {"precision": configuration.precision, **entry.plain(include=keys)}


def cell_slice(
    configuration: Configuration, cell: Cell, named: dict[str, Architecture] | None = None
) -> dict[str, Any]:
    """The part of the configuration that decides the record of `cell`, and nothing else of it.

    Measuring stages read this slice only, and its fingerprint is in the record.
    """
    architecture = (named or architectures(configuration))[cell.architecture]
    return {
        "workload": configuration.workload,
        "architecture": asdict(architecture),
        "gpu": gpu_slice(configuration, cell.gpu),
        "phases": configuration.phases.plain(include={"train", cell.phase}),
        "seed": configuration.seed + cell.repeat,
        # which lets a cell be measured, and decides nothing of it
        "energy": configuration.energy.plain(exclude={"allow_shared"}),
        "settings": configuration.session_settings(),
    }


def fingerprints(
    configuration: Configuration,
    cell: Cell,
    data_fingerprint: str,
    named: dict[str, Architecture] | None = None,
) -> dict[str, str]:
    """What decides the record of `cell`: a record with the same three need not be measured again.

    Args:
        configuration: the whole study.
        cell: what is measured.
        data_fingerprint: of the data, as the workload gives it.
        named: the study's architectures, where they are known already.
    """
    named = named or architectures(configuration)
    return {
        "configuration_fingerprint": fingerprint(cell_slice(configuration, cell, named)),
        "code_fingerprint": _measuring_code(configuration, named[cell.architecture].model.partition(":")[0]),
        "data_fingerprint": data_fingerprint,
    }


def features_slice(configuration: Configuration) -> dict[str, Any]:
    """The part of the configuration that decides the features."""
    return configuration.features_settings()


def dataset_code(configuration: Configuration) -> str:
    """The fingerprint of the code that prepares the data set."""
    return code_fingerprint.fingerprint(f"isojoule.workloads.{configuration.workload}.dataset")


def features_code(configuration: Configuration) -> str:
    """The fingerprint of the code that extracts the features."""
    return code_fingerprint.fingerprint(
        "isojoule.measuring.extraction", f"isojoule.workloads.{configuration.workload}.extraction"
    )


def block_slice(configuration: Configuration, gpu: str, named: dict[str, Architecture]) -> dict[str, Any]:
    """What of the configuration decides any cell of a GPU, of whichever repeat.

    Of architectures only those that can change under their name: adding or removing one changes nothing for the others.
    """
    common = cell_slice(configuration, Cell(gpu, next(iter(named)), "test", 0), named)
    custom = {name: asdict(named[name]) for name in named if _is_custom(configuration, named[name])}
    return {**common, "architecture": custom, "phases": configuration.phases.plain()}


def block_code(configuration: Configuration, named: dict[str, Architecture]) -> str:
    """The fingerprint of the code that measures any architecture of the study."""
    custom = {a.model.partition(":")[0] for a in named.values() if _is_custom(configuration, a)}
    return _measuring_code(configuration, *configuration.MODELS, *sorted(custom))


def compute_code(configuration: Configuration, architecture: Architecture) -> str:
    """The fingerprint of the code that counts the compute of an architecture, its model included."""
    workload = f"isojoule.workloads.{configuration.workload}"
    return code_fingerprint.fingerprint(
        "isojoule.compute.counting", f"{workload}.example", architecture.model.partition(":")[0]
    )


def compute_fingerprint(configuration: Configuration, architecture: Architecture) -> str:
    """Return the fingerprint of the configuration's part that decides the compute record of an architecture."""
    settings = configuration.compute_settings()
    return fingerprint({"workload": configuration.workload, "architecture": asdict(architecture), "settings": settings})


def _measuring_code(configuration: Configuration, *models: str) -> str:
    workload = f"isojoule.workloads.{configuration.workload}"
    return code_fingerprint.fingerprint("isojoule.measuring.block", f"{workload}.sessions", *models)


def _is_custom(configuration: Configuration, architecture: Architecture) -> bool:
    return architecture.model.partition(":")[0] not in configuration.MODELS


def fingerprint(content: Any) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of `content` as canonical JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
