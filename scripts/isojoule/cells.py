"""The cells of a study: every architecture on every GPU in every phase, repeated."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from isojoule import workloads
from isojoule.configuration import Configuration
from isojoule.errors import InputError
from isojoule.workloads import Architecture


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
    for architecture in workloads.load(configuration["workload"]).architectures(configuration):
        if architecture.name in named:
            raise InputError(f"architectures: {architecture.name} is named twice, expected every architecture once")
        named[architecture.name] = architecture
    return named


def cells(configuration: Configuration) -> list[Cell]:
    """Every cell of the study."""
    return [
        Cell(gpu, architecture, phase, repeat)
        for gpu in configuration["gpus"]
        for architecture in architectures(configuration)
        for phase in configuration["phases"]
        for repeat in range(configuration["repeats"])
    ]


def gpu_slice(configuration: Configuration, gpu: str) -> dict[str, Any]:
    """What of a GPU's entry decides a measurement: partition and gres, say, only bring the job there."""
    entry = configuration["gpus"][gpu]
    kept = {key: entry[key] for key in ("device", "device_name", "threads", "precision") if key in entry}
    if entry["device"] == "cpu" and "max_power_w" in entry:
        kept["max_power_w"] = entry["max_power_w"]
    return {"precision": configuration["precision"], **kept}


def cell_slice(
    configuration: Configuration, cell: Cell, named: dict[str, Architecture] | None = None
) -> dict[str, Any]:
    """The part of the configuration that decides the record of `cell`, and nothing else of it.

    Measuring stages read this slice only, and its fingerprint is in the record.
    """
    architecture = (named or architectures(configuration))[cell.architecture]
    phases = configuration["phases"]
    return {
        "workload": configuration["workload"],
        "architecture": asdict(architecture),
        "gpu": gpu_slice(configuration, cell.gpu),
        "phases": {phase: phases[phase] for phase in ("train", cell.phase) if phase in phases},
        "seed": configuration["seed"] + cell.repeat,
        "energy": configuration["energy"],
        "settings": workloads.load(configuration["workload"]).settings(configuration),
    }


def fingerprint(content: Any) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of `content` as canonical JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
