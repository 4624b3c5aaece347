"""The certificates of a job's devices: made once for a board and a driver, kept in a folder, and read from there."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import torch

from isojoule.energy.certificate import procedure
from isojoule.energy.certificate.bench import Bench, watch
from isojoule.energy.certificate.findings import sentences
from isojoule.energy.certificate.procedure import Form, Found
from isojoule.energy.cpu_time import work_cpu_s
from isojoule.energy.cuda_list import visible_uuids
from isojoule.energy.instruments import Instrument, of_cpu, of_gpu
from isojoule.energy.nvml import Board, identify
from isojoule.energy.nvml_queries import patient
from isojoule.energy.rapl import Rapl
from isojoule.errors import CompanyError, InputError
from isojoule.measuring.device_check import Arrival
from isojoule.measuring.device_lock import Device, Devices
from isojoule.measuring.load import MatrixLoad
from isojoule.records import provenance
from isojoule.records.certificate import Certificate, read
from isojoule.records.measurement import Gpu
from isojoule.records.writing import write_record

# between two samples of the power in a window; a certificate of its own looks as often as it can
POWER_PERIOD_S = 0.1
IDLE_S = 3.0


def of_job(arrival: Arrival, folder: Path, machine: Device, cpu_max_power_w: float | None = None) -> list[Certificate]:
    """Return the certificates of the devices of a job, and make those that are not there, in short.

    A board has another certificate with another driver, and the CPU with another instrument. What is made while others
    are on a board tells of their work as well: it is not kept, and the next job tries again.

    Args:
        arrival: the devices of the job.
        folder: where certificates are kept.
        machine: the right to compute on this machine's CPU.
        cpu_max_power_w: thermal design power of the machine's CPUs, where the configuration states it.

    Returns:
        one for each device, in their order; empty where one of them has none, since others are on it.

    Raises:
        InputError: a certificate cannot be written, or a device cannot be read.
    """
    if arrival.gpu is None:
        path = folder / f"{_slug(provenance.hardware().hostname)}-cpu.json"
        return [_kept(path, None, arrival.device, machine, cpu_max_power_w)]
    devices = [arrival.device, *(torch.device("cuda", number) for number in range(1, len(arrival.gpus)))]
    try:
        return [
            _kept(folder / f"{gpu.uuid}-{_slug(gpu.driver)}.json", gpu, device, machine, None)
            for gpu, device in zip(arrival.gpus, devices, strict=True)
        ]
    except (CompanyError, torch.OutOfMemoryError) as error:
        # whether the cells can be measured there is decided cell by cell
        print(f"no certificate: {str(error).strip().partition(chr(10))[0]}", flush=True)
        return []


def _kept(
    path: Path, gpu: Gpu | None, device: torch.device, machine: Device, cpu_max_power_w: float | None
) -> Certificate:
    source = _instrument(gpu, cpu_max_power_w).source
    if (certificate := _read(path, source)) is not None:
        return certificate
    with Devices(machine, [gpu.uuid] if gpu else []) as devices, devices.alone():
        # another program may have made it while this one waited
        if (certificate := _read(path, source)) is not None:
            return certificate
        if gpu:
            check_room_of(gpu.uuid)
        certificate = made(gpu, device, "short", cpu_max_power_w=cpu_max_power_w)
        if gpu:
            check_room_of(gpu.uuid)
        write_record(path, certificate)
    print("\n".join([f"certificate {certificate.name} of {_name(gpu)}:", *certificate.findings]), flush=True)
    return certificate


def of_machine(machine: Device, form: Form, told: Callable[[str], None]) -> list[Certificate]:
    """Try every GPU that a CUDA program sees here, or the CPU where there is none, and return the certificates.

    Args:
        machine: the right to compute on this machine's CPU.
        form: `full` or `short`.
        told: is called with what is done next, in words.

    Raises:
        InputError: a GPU cannot be read, or others use one.
    """
    try:
        uuids = visible_uuids()
    except RuntimeError as error:
        raise InputError(f"the GPUs of this machine cannot be listed: {error}") from error
    if not uuids:
        with Devices(machine, []) as devices, devices.alone():
            return [made(None, torch.device("cpu"), form, told=told)]
    certificates = []
    for number, uuid in enumerate(uuids):
        with Devices(machine, [uuid]) as devices, devices.alone():
            told(f"idle power of {uuid}")
            # no context of this process is on the board before torch computes there
            idle_w = idle_power_w(Board(uuid))
            check_room_of(uuid)
            gpu = identify(uuid)
            certificates.append(made(gpu, torch.device("cuda", number), form, idle_without_context_w=idle_w, told=told))
            check_room_of(uuid)
    return certificates


def idle_power_w(board: Board) -> float | None:
    """Return the mean power of a board over three seconds; none where it tells none."""
    bench = Bench(lambda: None, patient(board.power_w), lambda: None, lambda: None)
    values_w = watch(bench, IDLE_S).power_w.values
    return float(values_w.mean()) if len(values_w) else None


def check_room_of(uuid: str) -> None:
    """Refuse a board on which others compute.

    Raises:
        CompanyError: another process is on it.
    """
    board = Board(uuid)
    present = board.company.present()
    if present.foreign_processes or present.unlisted_memory_bytes:
        raise CompanyError(f"{board.name} ({uuid}): found others on it, expected it to do nothing else")


def made(
    gpu: Gpu | None,
    device: torch.device,
    form: Form,
    *,
    cpu_max_power_w: float | None = None,
    idle_without_context_w: float | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> Certificate:
    """Try a device that nobody else uses, and return its certificate.

    Args:
        gpu: the GPU; none for the CPU.
        device: torch's device that it is.
        form: `full` or `short`.
        cpu_max_power_w: thermal design power of the machine's CPUs, where the configuration states it.
        idle_without_context_w: idle power before this process had a CUDA context, where somebody measured it.
        told: is called with what is done next, in words.

    Raises:
        InputError: the GPU no longer answers.
    """
    began_s, made_at = time.perf_counter(), provenance.now()
    instrument = _instrument(gpu, cpu_max_power_w)
    found = _of_gpu(gpu, device, form, told) if gpu else _of_cpu(instrument, form, told)
    if gpu and idle_without_context_w is None:
        found.unknown["idle_power_without_context"] = "this process had a context already"
    return Certificate(
        kind="estimated" if instrument.means == "model" else "measured",
        source=instrument.source,
        form=form,
        made_at=made_at,
        took_s=time.perf_counter() - began_s,
        counter=found.counter,
        power=found.power,
        idle_power_w=found.idle_power_w,
        idle_power_without_context_w=idle_without_context_w,
        load_power_w=found.load_power_w,
        settling_s=found.settling_s,
        counter_over_power=found.counter_over_power,
        windows=found.windows,
        shortest_window_s=found.shortest_window_s,
        findings=sentences(found),
        unknown=found.unknown,
        step=found.step,
        hardware=provenance.hardware(gpu),
        software=provenance.software(),
    )


def _of_gpu(gpu: Gpu, device: torch.device, form: Form, told: Callable[[str], None]) -> Found:
    board, load = Board(gpu.uuid), MatrixLoad(device)
    counter_j = board.counter_j if gpu.counter_period_s else lambda: None
    try:
        return procedure.tried(Bench(patient(counter_j), patient(board.power_w), load.start, load.stop), form, told)
    finally:
        load.close()


def _of_cpu(instrument: Instrument, form: Form, told: Callable[[str], None]) -> Found:
    """Try RAPL as a counter; the estimate from CPU time has no sensor, and is tried in windows alone, by one thread.

    Threads that wait for each other would spin, and tell of other programs.
    """
    threads = torch.get_num_threads()
    if instrument.means == "model":
        torch.set_num_threads(1)
    load = MatrixLoad(torch.device("cpu"))
    try:
        if instrument.means == "counter":
            rapl = Rapl()
            return procedure.tried(Bench(patient(rapl.counter_j), lambda: None, load.start, load.stop), form, told)
        core_w = instrument.core_power_w or 0.0
        return procedure.tried_model(lambda: core_w * work_cpu_s(), load.multiply, form)
    finally:
        load.close()
        torch.set_num_threads(threads)


def _instrument(gpu: Gpu | None, cpu_max_power_w: float | None) -> Instrument:
    return of_gpu(gpu, POWER_PERIOD_S) if gpu else of_cpu(Rapl(), cpu_max_power_w)


def _read(path: Path, source: str) -> Certificate | None:
    """Return the certificate in a file; none where there is none of this instrument."""
    try:
        certificate = read(path) if path.is_file() else None
    except InputError:
        return None
    return certificate if certificate is not None and certificate.source == source else None


def _name(gpu: Gpu | None) -> str:
    return gpu.name if gpu else "the CPU"


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", text)
