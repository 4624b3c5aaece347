"""Decide what runs again: a stage does where its slice of the configuration, its code or its data has changed.

Each stage has a slice of the configuration that decides its result, and a fingerprint of the code that it executes.
Snakemake compares both, and so does the journal, which keeps every measurement that still is of the same three.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from isojoule.study import code_fingerprint
from isojoule.study.cells import Cell, architectures
from isojoule.workloads.interface import Architecture, Configuration


def gpu_slice(configuration: Configuration, gpu: str) -> dict[str, Any]:
    """Return what in a GPU's entry decides a measurement; partition and gres, for example, only bring the job there."""
    entry = configuration.gpus[gpu]
    keys = {"device", "device_name", "threads", "precision"}
    if entry.devices > 1:
        keys.add("devices")
    if entry.device == "cpu":
        keys.add("max_power_w")
    return {"precision": configuration.precision, **entry.plain(include=keys)}


def cell_slice(
    configuration: Configuration, cell: Cell, architectures_by_name: dict[str, Architecture] | None = None
) -> dict[str, Any]:
    """Return the part of the configuration that decides the record of `cell`, and nothing else.

    The code that measures reads only this slice, whose fingerprint is in the record.

    Args:
        configuration: the study.
        cell: the cell.
        architectures_by_name: the study's `architectures`, where the caller has them.
    """
    architecture = (architectures_by_name or architectures(configuration))[cell.architecture]
    return {
        "workload": configuration.workload,
        "architecture": asdict(architecture),
        "gpu": gpu_slice(configuration, cell.gpu),
        "phases": configuration.phases.plain(include={"train", cell.phase}),
        "seed": configuration.seed + cell.repeat,
        # allow_shared lets a cell be measured, and decides nothing in its record
        "energy": configuration.energy.plain(exclude={"allow_shared"}),
        "settings": configuration.session_settings(),
    }


def fingerprints(
    configuration: Configuration,
    cell: Cell,
    data_fingerprint: str,
    architectures_by_name: dict[str, Architecture] | None = None,
) -> dict[str, str]:
    """Return the fingerprints of all that decides the record of `cell`: configuration, code and data.

    A cell that has a record with the same three fingerprints need not be measured again.

    Args:
        configuration: the study.
        cell: the cell.
        data_fingerprint: the fingerprint of the data, from the workload.
        architectures_by_name: the study's `architectures`, where the caller has them.
    """
    architectures_by_name = architectures_by_name or architectures(configuration)
    architecture = architectures_by_name[cell.architecture]
    own = [architecture] if _is_custom(configuration, architecture) else []
    model = architecture.model.partition(":")[0]
    return {
        "configuration_fingerprint": fingerprint(cell_slice(configuration, cell, architectures_by_name)),
        "code_fingerprint": _measuring_code(configuration, model, texts=_texts(own)),
        "data_fingerprint": data_fingerprint,
    }


def features_slice(configuration: Configuration) -> dict[str, Any]:
    """Return the part of the configuration that decides the features."""
    return configuration.features_settings()


def dataset_code(configuration: Configuration) -> str:
    """Return the fingerprint of the code that prepares the data set."""
    return code_fingerprint.fingerprint(f"isojoule.workloads.{configuration.workload}.dataset")


def features_code(configuration: Configuration) -> str:
    """Return the fingerprint of the code that extracts the features."""
    return code_fingerprint.fingerprint(
        "isojoule.measuring.extraction", f"isojoule.workloads.{configuration.workload}.extraction"
    )


def block_slice(
    configuration: Configuration, gpu: str, architectures_by_name: dict[str, Architecture]
) -> dict[str, Any]:
    """Return the part of the configuration that decides the cells of a GPU, whatever their repeat.

    Of the architectures it has only the user's own, since these can change while their name stays. The slice does not
    change when an architecture is added or removed, which changes nothing for the others.

    Args:
        configuration: the study.
        gpu: key of the configuration's `gpus`.
        architectures_by_name: the study's `architectures`.
    """
    common = cell_slice(configuration, Cell(gpu, next(iter(architectures_by_name)), "test", 0), architectures_by_name)
    custom = {
        name: asdict(architecture)
        for name, architecture in architectures_by_name.items()
        if _is_custom(configuration, architecture)
    }
    return {**common, "architecture": custom, "phases": configuration.phases.plain()}


def block_code(configuration: Configuration, architectures_by_name: dict[str, Architecture]) -> str:
    """Return the fingerprint of the code that measures the architectures of the study."""
    own = [architecture for architecture in architectures_by_name.values() if _is_custom(configuration, architecture)]
    models = {architecture.model.partition(":")[0] for architecture in own}
    return _measuring_code(configuration, *configuration.MODELS, *sorted(models), texts=_texts(own))


def compute_code(configuration: Configuration, architecture: Architecture) -> str:
    """Return the fingerprint of the code that counts the compute of an architecture, its model included."""
    workload = f"isojoule.workloads.{configuration.workload}"
    texts = _texts([architecture] if _is_custom(configuration, architecture) else [])
    return code_fingerprint.fingerprint(
        "isojoule.compute.counting", f"{workload}.example", architecture.model.partition(":")[0], texts=texts
    )


def compute_fingerprint(configuration: Configuration, architecture: Architecture) -> str:
    """Return the fingerprint of the configuration's part that decides the compute record of an architecture."""
    settings = configuration.compute_settings()
    return fingerprint({"workload": configuration.workload, "architecture": asdict(architecture), "settings": settings})


def _measuring_code(configuration: Configuration, *models: str, texts: frozenset[str]) -> str:
    workload = f"isojoule.workloads.{configuration.workload}"
    return code_fingerprint.fingerprint("isojoule.measuring.block", f"{workload}.sessions", *models, texts=texts)


def _texts(architectures_of_user: Iterable[Architecture]) -> frozenset[str]:
    """The texts in the arguments of models, which may name modules and files."""
    texts: set[str] = set()
    values: list[Any] = [architecture.arguments for architecture in architectures_of_user]
    while values:
        value = values.pop()
        if isinstance(value, str) and value:
            texts.add(value)
        elif isinstance(value, Mapping):
            values += value.values()
        elif isinstance(value, list | tuple):
            values += value
    return frozenset(texts)


def _is_custom(configuration: Configuration, architecture: Architecture) -> bool:
    return architecture.model.partition(":")[0] not in configuration.MODELS


def fingerprint(content: Any) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of `content` as canonical JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
