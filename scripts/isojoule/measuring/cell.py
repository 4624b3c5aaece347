"""Measure one cell: everything ready before the window, the phase alone inside it, one record after it."""

import dataclasses
import sys
from collections.abc import Callable
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import torch

from isojoule.energy import Meter
from isojoule.errors import InputError, is_out_of_memory
from isojoule.files import patiently
from isojoule.measuring import checkpoints
from isojoule.measuring.device_check import Arrival
from isojoule.measuring.device_lock import Device, Devices
from isojoule.progress import heartbeat
from isojoule.records import flags, provenance
from isojoule.records.extrapolation import extrapolated
from isojoule.records.measurement import Gpu, MeasurementRecord
from isojoule.study.cells import Cell, architectures, cell_slice, gpu_slice
from isojoule.workloads import building, interface
from isojoule.workloads.interface import Architecture, Configuration


def opened(
    configuration: Configuration,
    cell: Cell,
    gpu: Gpu | None,
    fingerprints: dict[str, str],
    attempt: int = 1,
    place: int = 0,
    failed_attempts: int = 0,
) -> MeasurementRecord:
    """The record of a cell whose measurement begins now.

    Args:
        configuration: the whole study.
        cell: what is to be measured.
        gpu: the GPU that computes, none on a CPU.
        fingerprints: of the configuration, the code and the data that decide the cell.
        attempt: how many times this cell was begun.
        place: the cell's place in the order of its job.
        failed_attempts: how many of them, of these fingerprints, came to nothing.
    """
    named = architectures(configuration)
    decisive = cell_slice(configuration, cell, named)
    now = provenance.now()
    return MeasurementRecord(
        study=configuration.study,
        workload=configuration.workload,
        **dataclasses.asdict(cell),
        family=named[cell.architecture].family,
        outcome="running",
        started_at=now,
        ended_at=now,
        precision=decisive["gpu"]["precision"],
        threads=decisive["gpu"]["threads"],
        devices=decisive["gpu"].get("devices", 1) if cell.phase == "train" else 1,
        seed=decisive["seed"],
        place=place,
        settings=configuration.shown_settings(),
        hardware=provenance.hardware(gpu),
        provenance=provenance.provenance(attempt, **fingerprints, failed_attempts=failed_attempts),
    )


def metered(configuration: Configuration, gpu: str, arrival: Arrival, phase: str = "train") -> Meter:
    """The meter for all cells of a GPU and phase in one process.

    Args:
        configuration: the whole study.
        gpu: key of the configuration's `gpus`.
        arrival: the device, as the configuration expects it.
        phase: `train` on all GPUs of the job, `test` on the first.
    """
    energy = configuration.energy
    return Meter(
        energy.country_iso_code,
        arrival.gpus if phase == "train" else arrival.gpus[:1],
        # the others are those of other processes, which have said that they are done
        synchronize=(lambda: torch.cuda.synchronize(arrival.device)) if arrival.others else None,
        cpu_max_power_w=gpu_slice(configuration, gpu).get("max_power_w"),
        min_window_s=energy.min_window_s,
        resolution_percent=energy.resolution_percent,
        idle_s=energy.idle_s,
        sample_period_s=energy.sample_period_s,
        allow_shared=energy.allow_shared,
    )


def measure(
    configuration: Configuration,
    begun: MeasurementRecord,
    features: Path,
    checkpoint: Path | None,
    origin: str,
    arrival: Arrival,
    machine: Device,
    meter: Meter,
    trace: Path,
    products: Path,
) -> MeasurementRecord:
    """Train or test the model of a cell inside one window of the meter, as often as the window needs to be long enough.

    Args:
        configuration: the whole study; only the cell's slice of it, and how long the whole phase is, are used.
        begun: the cell's record as `opened` gives it.
        features: folder of the extracted features.
        checkpoint: where training leaves its weights and test finds them; a test without one uses initial weights.
        origin: what these weights depend on.
        arrival: the device, as the configuration expects it.
        machine: the right to compute on this machine's CPU.
        meter: as `metered` gives it.
        trace: where the samples of the window go, a parquet file; not written where nothing was sampled.
        products: folder of what the model makes for somebody to look at or listen to, if anything.

    Returns:
        the record; running out of memory, or a test whose training did, is an outcome of it.

    Raises:
        InputError: the model cannot be built or loaded.
    """
    cell = Cell(begun.gpu, begun.architecture, begun.phase, begun.repeat)
    named = architectures(configuration)
    decisive = cell_slice(configuration, cell, named)
    torch.set_num_threads(decisive["gpu"]["threads"])
    building.set_precision(decisive["gpu"]["precision"])
    with Devices([gpu.uuid for gpu in arrival.gpus]) if arrival.gpu else nullcontext(machine) as computer:
        try:
            measured = _run(
                decisive,
                cell.phase,
                named[cell.architecture],
                features,
                checkpoint,
                origin,
                arrival,
                computer,
                meter,
                trace,
                products,
            )
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            measured = {"outcome": "oom", "message": building.first_line(error)}
        if cell.phase == "train" and checkpoint is not None and measured["outcome"] != "ok":
            checkpoints.write_failure(checkpoint, f"training ended with outcome {measured['outcome']}", origin)
    times = configuration.whole(cell.architecture, cell.phase)
    if measured["outcome"] == "ok" and times != 1:
        measured["extrapolated"] = extrapolated(measured["energy"], measured["work"], times)
    record = MeasurementRecord.model_validate({**begun.model_dump(), **measured, "ended_at": provenance.now()})
    return record.model_copy(update={"flags": flags.of_record(record)})


def _run(
    decisive: dict[str, Any],
    phase: str,
    architecture: Architecture,
    features: Path,
    checkpoint: Path | None,
    origin: str,
    arrival: Arrival,
    computer: Device | Devices,
    meter: Meter,
    trace: Path,
    products: Path,
) -> dict[str, Any]:
    torch.manual_seed(decisive["seed"])
    model = building.build(architecture)
    found = []
    if phase == "test":
        if checkpoint is None:
            found.append("initial-weights")
        elif failure := checkpoints.load(checkpoint, model):
            return {"outcome": "untrained", "message": failure}
    sessions = interface.part(decisive["workload"], "sessions")
    repetitions = interface.load(decisive["workload"]).REPETITIONS
    session = sessions.Session(model, decisive, phase, features, arrival.device)
    with closing(session) if hasattr(session, "close") else nullcontext():
        interface.check_session(session, decisive["workload"])
        if arrival.gpu:
            torch.cuda.reset_peak_memory_stats()
        with torch.no_grad():
            building.checked_output(architecture, session.model, *session.example())
        with computer.alone():
            meter.ready()
            session.warm_up()
            with meter as window, heartbeat(lambda: f"{session.progress()}, {window.so_far_kwh():.3g} kWh so far"):
                peak_memory_bytes = None
                while window.again(repetitions):
                    session.run()
                    if arrival.gpu and peak_memory_bytes is None:
                        peak_memory_bytes = torch.cuda.max_memory_allocated()
        session.settle()
    if phase == "train" and checkpoint is not None:
        consequence = "the training is kept, its test trains again"
        _keep(lambda: checkpoints.write(checkpoint, session.model, origin), consequence)
    _keep(lambda: session.keep(products), "the record is kept without what the model made")
    sampler = window.sampler
    if sampler.trace.rows:
        _keep(lambda: sampler.trace.write(trace), "the record is kept without it")
    loss = session.loss()
    finite = loss - loss == 0
    return {
        "outcome": "ok",
        "work": session.work,
        "energy": window.energy,
        "gpu_statistics": sampler.trace.statistics(sampler.period_s, peak_memory_bytes) if arrival.gpu else None,
        "loss": loss if finite else None,
        "quality": {} if "initial-weights" in found else session.quality(),
        "flags": [*found, *([] if finite else ["loss-not-finite"]), *session.flags],
    }


def _keep(write: Callable[[], None], consequence: str) -> None:
    """What cannot be written beside a record costs something, but not what was measured."""
    try:
        patiently(write)
    except InputError as error:
        print(f"{error}; {consequence}", file=sys.stderr, flush=True)
