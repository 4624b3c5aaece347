"""Measure one cell: all is ready before the window, the phase alone runs inside it, and one record follows it."""

import dataclasses
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from isojoule import readable
from isojoule.energy import Meter, Window
from isojoule.errors import InputError, is_out_of_memory, may_be_out_of_memory
from isojoule.files import patiently
from isojoule.flags.of_record import of_record
from isojoule.measuring import checkpoints
from isojoule.measuring.device_check import Arrival
from isojoule.measuring.device_lock import Device, Devices
from isojoule.measuring.gpu_memory import check_room, memory
from isojoule.progress import heartbeat
from isojoule.records import provenance
from isojoule.records.certificate import Certificate
from isojoule.records.extrapolation import extrapolated
from isojoule.records.measurement import Gpu, MeasurementRecord, Provenance
from isojoule.study.cells import Cell, architectures
from isojoule.study.reruns import cell_slice, gpu_slice
from isojoule.workloads import building, interface, precision, switches
from isojoule.workloads.interface import Architecture, Configuration, Session

# what follows where a training cannot leave its weights, or the word that there are none
NO_WEIGHTS = "the training is kept, its test trains again"


@dataclass(frozen=True)
class CellJob:
    """One cell to measure, and all that its measurement needs.

    Attributes:
        configuration: the whole study; only the cell's slice of it, and how long the whole phase is, are used.
        begun: the cell's record as `opened` gives it.
        features: folder of the extracted features.
        checkpoint: file where training leaves its weights and test finds them; a test without one uses initial weights.
        origin: what these weights depend on.
        arrival: the device, as the configuration expects it.
        machine: the right to compute on this machine's CPU.
        meter: as `metered` gives it.
        trace: file for the samples of the window, parquet; nothing is written where nothing was sampled.
        products: folder for what the model makes for somebody to look at or listen to, if anything.
    """

    configuration: Configuration
    begun: MeasurementRecord
    features: Path
    checkpoint: Path | None
    origin: str
    arrival: Arrival
    machine: Device
    meter: Meter
    trace: Path
    products: Path

    @property
    def cell(self) -> Cell:
        """The cell."""
        return Cell(self.begun.gpu, self.begun.architecture, self.begun.phase, self.begun.repeat)

    @property
    def is_on_gpu(self) -> bool:
        """Whether a GPU computes."""
        return self.arrival.gpu is not None

    @property
    def uses_initial_weights(self) -> bool:
        """Whether a test runs with weights that no training made."""
        return self.begun.phase == "test" and self.checkpoint is None


def opened(
    configuration: Configuration, cell: Cell, gpus: Sequence[Gpu], made_by: Provenance, place: int = 0
) -> MeasurementRecord:
    """Return the record of a cell whose measurement begins now.

    Args:
        configuration: the whole study.
        cell: what is to be measured.
        gpus: the GPUs of the job, the one that computes a test first; none on a CPU.
        made_by: software, fingerprints and number of this attempt.
        place: the cell's place in the order of its job.
    """
    architectures_by_name = architectures(configuration)
    decisive = cell_slice(configuration, cell, architectures_by_name)
    now = provenance.now()
    return MeasurementRecord(
        study=configuration.study,
        workload=configuration.workload,
        **dataclasses.asdict(cell),
        family=architectures_by_name[cell.architecture].family,
        outcome="running",
        started_at=now,
        ended_at=now,
        precision=decisive["gpu"]["precision"],
        threads=decisive["gpu"]["threads"],
        devices=decisive["gpu"].get("devices", 1) if cell.phase == "train" else 1,
        seed=decisive["seed"],
        place=place,
        settings=configuration.shown_settings(),
        hardware=provenance.hardware(gpus[0] if gpus else None, gpus[1:]),
        provenance=made_by,
    )


def metered(
    configuration: Configuration,
    gpu: str,
    arrival: Arrival,
    phase: str = "train",
    certificates: Sequence[Certificate] = (),
) -> Meter:
    """Return the meter for all cells of a GPU and phase in one process.

    Args:
        configuration: the whole study.
        gpu: key of the configuration's `gpus`.
        arrival: the device, as the configuration expects it.
        certificates: those of the job's GPUs, in their order; empty where nobody tried them, or on a CPU.
        phase: `train` on all GPUs of the job, `test` on the first.
    """
    energy = configuration.energy
    gpus = arrival.gpus if phase == "train" else arrival.gpus[:1]
    return Meter(
        gpus=gpus,
        certificates=certificates[: len(gpus)],
        country_iso_code=energy.country_iso_code,
        # the other GPUs belong to other processes, which say themselves when they are done
        synchronize=(lambda: torch.cuda.synchronize(arrival.device)) if arrival.others else None,
        cpu_max_power_w=gpu_slice(configuration, gpu).get("max_power_w"),
        min_window_s=energy.min_window_s,
        resolution_percent=energy.resolution_percent,
        idle_s=energy.idle_s,
        sample_period_s=energy.sample_period_s,
        allow_shared=energy.allow_shared,
    )


def measure(job: CellJob) -> MeasurementRecord:
    """Train or test the model of a cell inside one window of the meter, as often as the window needs to be long enough.

    Args:
        job: the cell and what its measurement needs.

    Returns:
        the record; running out of memory, or a test whose training did, is an outcome of it.

    Raises:
        InputError: the model cannot be built or loaded.
        CompanyError: others hold memory of a GPU, or compute on it.
    """
    configuration, cell = job.configuration, job.cell
    architectures_by_name = architectures(configuration)
    decisive = cell_slice(configuration, cell, architectures_by_name)
    switches.set_switches(decisive["gpu"]["threads"])
    precision.set_precision(decisive["gpu"]["precision"])
    uuids = [gpu.uuid for gpu in job.arrival.gpus]
    with Devices(job.machine, uuids) if job.is_on_gpu else nullcontext(job.machine) as computer:
        measured = _measured(job, decisive, architectures_by_name[cell.architecture], computer)
        if cell.phase == "train" and job.checkpoint is not None and measured["outcome"] != "ok":
            failure, checkpoint = f"training ended with outcome {measured['outcome']}", job.checkpoint
            _keep(lambda: checkpoints.write_failure(checkpoint, failure, job.origin), NO_WEIGHTS)
    times = configuration.whole(cell.architecture, cell.phase)
    if measured["outcome"] == "ok" and times != 1:
        measured["extrapolated"] = extrapolated(measured["energy"], measured["work"], times)
    # what was measured must not be lost for a clock that was put back meanwhile
    ended_at = max(provenance.now(), job.begun.started_at)
    record = MeasurementRecord.model_validate({**job.begun.model_dump(), **measured, "ended_at": ended_at})
    return record.model_copy(update={"flags": of_record(record)})


def _measured(
    job: CellJob, decisive: dict[str, Any], architecture: Architecture, computer: Device | Devices
) -> dict[str, Any]:
    """The fields of the record that the measurement decides; that memory runs out is an outcome."""
    try:
        torch.manual_seed(decisive["seed"])
        model = building.build(architecture)
        _check_switches(decisive, architecture)
        if failure := _load_weights(job, model):
            return {"outcome": "untrained", "message": failure}
        _check_room(job, "before the model was moved there")
        with _session(job, decisive, architecture, model) as session:
            window, peak_memory_bytes = _in_window(job, session, computer)
            session.settle()
        _keep_what_it_left(job, session, window)
        return _results(job, session, window, peak_memory_bytes)
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(job, error):
            raise
        _check_room(job, "when memory ran out")
        return {"outcome": "oom", "message": building.first_line(error)}


def _is_out_of_memory(job: CellJob, error: BaseException) -> bool:
    """Say whether memory ran out; libraries fail in words that stand for it only where memory is short."""
    return is_out_of_memory(error) or (job.is_on_gpu and may_be_out_of_memory(error) and memory().is_short)


def _check_room(job: CellJob, when: str) -> None:
    if job.is_on_gpu and not job.configuration.energy.allow_shared:
        check_room([gpu.name for gpu in job.arrival.gpus], when)


def _load_weights(job: CellJob, model: nn.Module) -> str | None:
    """Load what training left for a test; the reason where it left no weights."""
    if job.cell.phase == "test" and job.checkpoint is not None:
        return checkpoints.load(job.checkpoint, model)
    return None


@contextmanager
def _session(job: CellJob, decisive: dict[str, Any], architecture: Architecture, model: nn.Module) -> Iterator[Session]:
    """The workload's session of the cell, checked, and closed at the end."""
    workload = job.begun.workload
    sessions = interface.part(workload, "sessions")
    session = sessions.Session(model, decisive, job.cell.phase, job.features, job.arrival.device)
    with closing(session) if hasattr(session, "close") else nullcontext():
        interface.check_session(session, workload)
        if job.is_on_gpu:
            torch.cuda.reset_peak_memory_stats()
        with torch.no_grad():
            building.checked_output(architecture, session.model, *session.example())
        _check_switches(decisive, architecture)
        yield session
        _check_switches(decisive, architecture)


def _check_switches(decisive: dict[str, Any], architecture: Architecture) -> None:
    """Ask torch: the module of a model may turn its switches when it is imported, and its methods whenever called."""
    precision.check(decisive["gpu"]["precision"], architecture.model)
    switches.check(decisive["gpu"]["threads"], architecture.model)


def _in_window(job: CellJob, session: Session, computer: Device | Devices) -> tuple[Window, int | None]:
    """Run the session in a window, alone on its devices; return the window, and the most memory that a run took."""
    repetitions = interface.load(job.begun.workload).REPETITIONS
    with computer.alone():
        job.meter.ready()
        job.meter.warm_up(session.warm_up)
        far = f"{job.cell}: "
        with (
            job.meter as window,
            heartbeat(lambda: f"{far}{session.progress()}, {readable.shown(window.so_far_kwh(), 'kWh')} so far"),
        ):
            while window.again(repetitions):
                session.run(window.part_done)
        peak_memory_bytes = torch.cuda.max_memory_allocated() if job.is_on_gpu else None
    return window, peak_memory_bytes


def _keep_what_it_left(job: CellJob, session: Session, window: Window) -> None:
    """Write weights, products and the trace beside the record."""
    if job.cell.phase == "train" and (checkpoint := job.checkpoint) is not None:
        _keep(lambda: checkpoints.write(checkpoint, session.model, job.origin), NO_WEIGHTS)
    _keep(lambda: session.keep(job.products), "the record is kept without what the model made")
    if window.trace.samples:
        _keep(lambda: window.trace.write(job.trace), "the record is kept without it")


def _keep(write: Callable[[], None], consequence: str) -> None:
    """Write patiently; what cannot be written beside a record must not cost what was measured."""
    try:
        patiently(write)
    except InputError as error:
        print(f"{error}; {consequence}", file=sys.stderr, flush=True)


def _results(job: CellJob, session: Session, window: Window, peak_memory_bytes: int | None) -> dict[str, Any]:
    """The fields of a record whose outcome is `ok`."""
    loss = session.loss()
    is_finite = loss - loss == 0
    weights = ["initial-weights"] if job.uses_initial_weights else []
    return {
        "outcome": "ok",
        "work": session.work,
        "energy": window.energy,
        "gpu_statistics": window.trace.statistics(peak_memory_bytes) if job.is_on_gpu else None,
        "loss": loss if is_finite else None,
        "quality": {} if job.uses_initial_weights else session.quality(),
        "flags": [*weights, *([] if is_finite else ["loss-not-finite"]), *session.flags],
    }
