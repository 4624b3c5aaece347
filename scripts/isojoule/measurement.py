"""Measure one cell: everything ready before the window, the phase alone inside it, one record after it."""

import dataclasses
import importlib
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import nn

from isojoule import checkpoints, gpus, models, provenance, workloads
from isojoule.alone import Device
from isojoule.arrival import Arrival
from isojoule.cells import Cell, architectures, cell_slice
from isojoule.configuration import Configuration
from isojoule.energy import Meter
from isojoule.errors import InputError, is_out_of_memory
from isojoule.files import patiently
from isojoule.heartbeat import heartbeat
from isojoule.records.measurement import Gpu, MeasurementRecord
from isojoule.workloads import Architecture


def opened(
    configuration: Configuration,
    cell: Cell,
    gpu: Gpu | None,
    fingerprints: dict[str, str],
    attempt: int = 1,
    place: int = 0,
) -> MeasurementRecord:
    """The record of a cell whose measurement begins now.

    Args:
        configuration: the whole study.
        cell: what is to be measured.
        gpu: the GPU that computes, none on a CPU.
        fingerprints: of the configuration, the code and the data that decide the cell.
        attempt: how many times this cell was begun.
        place: the cell's place in the order of its job.
    """
    named = architectures(configuration)
    decisive = cell_slice(configuration, cell, named)
    now = provenance.now()
    return MeasurementRecord(
        study=configuration["study"],
        workload=configuration["workload"],
        **dataclasses.asdict(cell),
        family=named[cell.architecture].family,
        outcome="running",
        started_at=now,
        ended_at=now,
        precision=decisive["gpu"]["precision"],
        threads=decisive["gpu"]["threads"],
        seed=decisive["seed"],
        place=place,
        settings=workloads.load(configuration["workload"]).shown_settings(decisive["settings"]),
        hardware=provenance.hardware(gpu),
        provenance=provenance.provenance(attempt, **fingerprints),
    )


def measure(
    configuration: Configuration,
    begun: MeasurementRecord,
    features: Path,
    checkpoint: Path | None,
    origin: str,
    arrival: Arrival,
    machine: Device,
) -> MeasurementRecord:
    """Train or test the model of a cell once, inside one window of the meter.

    Args:
        configuration: the whole study; only the cell's slice of it is used.
        begun: the cell's record as `opened` gives it.
        features: folder of the extracted features.
        checkpoint: where training leaves its weights and test finds them; a test without one uses initial weights.
        origin: what these weights depend on.
        arrival: the device, as the configuration expects it.
        machine: the right to compute on this machine's CPU.

    Returns:
        the record; running out of memory, or a test whose training did, is an outcome of it.

    Raises:
        InputError: the model cannot be built or loaded.
    """
    cell = Cell(begun.gpu, begun.architecture, begun.phase, begun.repeat)
    named = architectures(configuration)
    decisive = cell_slice(configuration, cell, named)
    torch.set_num_threads(decisive["gpu"]["threads"])
    _set_precision(decisive["gpu"]["precision"])
    with Device(arrival.gpu.uuid) if arrival.gpu else nullcontext(machine) as computer:
        try:
            measured = _run(
                decisive, cell.phase, named[cell.architecture], features, checkpoint, origin, arrival, computer
            )
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            measured = {"outcome": "oom", "message": models.first_line(error)}
        if cell.phase == "train" and checkpoint is not None and measured["outcome"] != "ok":
            checkpoints.write_failure(checkpoint, f"training ended with outcome {measured['outcome']}", origin)
    return MeasurementRecord.model_validate({**begun.model_dump(), **measured, "ended_at": provenance.now()})


def _run(
    decisive: dict[str, Any],
    phase: str,
    architecture: Architecture,
    features: Path,
    checkpoint: Path | None,
    origin: str,
    arrival: Arrival,
    computer: Device,
) -> dict[str, Any]:
    gpu = arrival.gpu
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
    session = sessions.Session(model, decisive, phase, features, arrival.device)
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
        _keep(checkpoint, session.model, origin)
    loss = session.loss()
    finite = loss - loss == 0
    statistics = sampler.statistics(torch.cuda.max_memory_allocated()) if sampler else None
    if not finite:
        flags.append("loss-not-finite")
    if statistics and statistics.foreign_processes:
        flags.append("shared-device")
    return {
        "outcome": "ok",
        "work": session.work,
        "energy": energy,
        "gpu_statistics": statistics,
        "loss": loss if finite else None,
        "quality": {} if "initial-weights" in flags else session.quality(),
        "flags": flags + session.flags,
    }


def _keep(checkpoint: Path, model: nn.Module, origin: str) -> None:
    """Weights that cannot be written cost the test another training, but not what this training measured."""
    try:
        patiently(lambda: checkpoints.write(checkpoint, model, origin))
    except InputError as error:
        print(f"{error}; the training is kept, its test trains again", file=sys.stderr, flush=True)


def _set_precision(precision: str) -> None:
    """TensorFloat-32 on or off in every backend: cuDNN has it on unless told otherwise."""
    torch.backends.fp32_precision = "tf32" if precision == "tf32" else "ieee"  # type: ignore[attr-defined]
