"""Measure one cell: everything ready before the window, the phase alone inside it, one record after it."""

import dataclasses
import importlib
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch

from isojoule import checkpoints, gpus, models, provenance, workloads
from isojoule.alone import Device
from isojoule.cells import Cell, architectures, cell_slice, fingerprint
from isojoule.configuration import Configuration
from isojoule.energy import Meter
from isojoule.errors import InputError, is_out_of_memory
from isojoule.heartbeat import heartbeat
from isojoule.records.measurement import Gpu, MeasurementRecord
from isojoule.workloads import Architecture


def measure(
    configuration: Configuration,
    cell: Cell,
    features: Path,
    checkpoint: Path | None,
    machine: Device,
    attempt: int = 1,
) -> MeasurementRecord:
    """Train or test the model of `cell` once, inside one window of the meter.

    Args:
        configuration: the whole study; only the cell's slice of it is used.
        cell: what to measure.
        features: folder of the extracted features.
        checkpoint: where training leaves its weights and test finds them; a test without one uses initial weights.
        machine: the right to compute on this machine's CPU, taken before anything heavy was imported.
        attempt: how many times this cell was begun.

    Returns:
        the record; running out of memory, or a test whose training did, is an outcome of it.

    Raises:
        InputError: the device is not the one the configuration names, or the model cannot be built or loaded.
    """
    started_at = provenance.now()
    named = architectures(configuration)
    decisive = cell_slice(configuration, cell, named)
    threads = decisive["gpu"]["threads"]
    torch.set_num_threads(threads)
    device, gpu = _device(decisive["gpu"], cell.gpu)
    _set_precision(decisive["gpu"]["precision"])
    common: dict[str, Any] = {
        "study": configuration["study"],
        "workload": configuration["workload"],
        **dataclasses.asdict(cell),
        "family": named[cell.architecture].family,
        "started_at": started_at,
        "precision": decisive["gpu"]["precision"],
        "threads": threads,
        "seed": decisive["seed"],
        "settings": workloads.load(configuration["workload"]).shown_settings(decisive["settings"]),
        "hardware": provenance.hardware(gpu),
        "provenance": provenance.provenance(fingerprint(decisive), attempt),
    }
    with Device(gpu.uuid) if gpu else nullcontext(machine) as computer:
        try:
            measured = _run(decisive, cell.phase, named[cell.architecture], features, checkpoint, device, gpu, computer)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            measured = {"outcome": "oom", "message": models.first_line(error)}
        if cell.phase == "train" and checkpoint is not None and measured["outcome"] != "ok":
            checkpoints.write_failure(checkpoint, f"training ended with outcome {measured['outcome']}")
    return MeasurementRecord(**common, **measured, ended_at=provenance.now())


def _run(
    decisive: dict[str, Any],
    phase: str,
    architecture: Architecture,
    features: Path,
    checkpoint: Path | None,
    device: torch.device,
    gpu: Gpu | None,
    computer: Device,
) -> dict[str, Any]:
    meter = Meter(
        decisive["energy"]["country_iso_code"],
        gpu,
        decisive["gpu"].get("max_power_w"),
        torch.cuda.synchronize if gpu else lambda: None,
    )
    torch.manual_seed(decisive["seed"])
    model = models.build(architecture)
    flags = []
    if phase == "test":
        if checkpoint is None:
            flags.append("initial-weights")
        elif failure := checkpoints.load(checkpoint, model):
            return {"outcome": "untrained", "message": failure}
    sessions = importlib.import_module(f"isojoule.workloads.{decisive['workload']}.sessions")
    session = sessions.Session(model, decisive, phase, features, device)
    if gpu:
        torch.cuda.reset_peak_memory_stats()
    with torch.no_grad():
        models.checked_output(architecture, session.model, *session.example())
    session.warm_up()
    meter.ready()
    sampler = gpus.Sampler(gpu.uuid) if gpu else None
    with computer.alone():
        meter.begin()
        with heartbeat(lambda: f"{session.progress()}, {meter.so_far_kwh():.3g} kWh so far"), sampler or nullcontext():
            session.run()
        energy = meter.end()
    if phase == "train" and checkpoint is not None:
        checkpoints.write(checkpoint, session.model)
    loss = session.loss()
    finite = loss - loss == 0
    return {
        "outcome": "ok",
        "work": session.work,
        "energy": energy,
        "gpu_statistics": sampler.statistics(torch.cuda.max_memory_allocated()) if sampler else None,
        "loss": loss if finite else None,
        "quality": {} if "initial-weights" in flags else session.quality(),
        "flags": flags + session.flags + ([] if finite else ["loss-not-finite"]),
    }


def _device(entry: dict[str, Any], name: str) -> tuple[torch.device, Gpu | None]:
    if entry["device"] == "cpu":
        return torch.device("cpu"), None
    if not torch.cuda.is_available():
        raise InputError(f"gpus.{name}: no CUDA device is visible here, expected {entry.get('device_name', 'one')}")
    gpu = gpus.identify(f"GPU-{torch.cuda.get_device_properties(0).uuid}")
    if gpu.name != entry.get("device_name", gpu.name):
        raise InputError(
            f"gpus.{name}.device_name: found {gpu.name} on {provenance.hardware().hostname}, "
            f"expected {entry['device_name']}; nothing was measured"
        )
    return torch.device("cuda", 0), gpu


def _set_precision(precision: str) -> None:
    """TensorFloat-32 on or off in every backend: cuDNN has it on unless told otherwise."""
    torch.backends.fp32_precision = "tf32" if precision == "tf32" else "ieee"  # type: ignore[attr-defined]
