"""Measure a program from its start to its end, and let it be as if nobody did."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isojoule import readable
from isojoule.energy import Meter, Window, nvml
from isojoule.energy.company import sees_all_processes
from isojoule.energy.cpu_time import children_cpu_s
from isojoule.energy.cuda_list import visible_uuids
from isojoule.errors import CompanyError, InputError, StoppedError
from isojoule.flags.of_record import of_run
from isojoule.measuring.device_lock import Device, remove_locks_inside
from isojoule.programs import launch
from isojoule.programs.description import Description, begun
from isojoule.programs.keeping import Keeper
from isojoule.programs.program import Program, asked_to_end, signals_held
from isojoule.records import RunRecord, provenance
from isojoule.records.measurement import Gpu

IDLE_S = 3.0
# what is sampled beside the power, and the power where a counter decides: a run may take days; two samples a second
# leave no gap in which the power could not check the counter (`LONGEST_GAP_S`)
SAMPLE_PERIOD_S, POWER_BESIDE_COUNTER_S = 5.0, 0.5
POWER_PERIOD_S = 0.1


@dataclass(frozen=True)
class Reading:
    """How a run is read.

    Attributes:
        cpu: whether the CPU is read although there are GPUs.
        allow_shared: whether others may be on a GPU, whose energy then is in the reading.
        country_iso_code: whose electricity CodeCarbon's emissions are for; none for no emissions.
        cpu_max_power_w: thermal design power of the machine's CPUs, for the estimate.
    """

    cpu: bool = False
    allow_shared: bool = False
    country_iso_code: str | None = None
    cpu_max_power_w: float | None = None


def run(
    words: Sequence[str], description: Description, reading: Reading, keeper: Keeper, started: launch.Launch
) -> RunRecord:
    """Run a command and measure it; return its record, which has been written.

    Args:
        words: the command.
        description: what the user says of it.
        reading: how it is read.
        keeper: keeps its record.
        started: how this process was started.

    Raises:
        CannotStartError: the program cannot be executed.
        InputError: nothing can be read here, others use a GPU, or nothing can be written.
    """
    keeper.check(description.phase, description.quality)
    with devices_alone(reading.cpu) as uuids:
        launch.check_reach(started, words, os.environ, len(uuids))
        gpus = [nvml.identify(uuid) for uuid in uuids]
        record = begun(description, words, gpus)
        others = launch.alive(started.mark)
        program = Program(words, launch.marked_environment(os.environ, started.mark))
        with signals_held() as mask:
            owns = launch.owner(started.mark)
            meter = _meter(gpus, reading, owns)
            if not reading.allow_shared:
                check_free(gpus, owns)
            meter.ready()
            if told := asked_to_end():
                raise StoppedError(told.name)
            keeper.begin(record)
            window: Window | None = None
            failure: str | None = None
            starters: set[str] = set()
            oom_kills = _oom_kills()
            try:
                with _in_our_words(), meter as window:
                    program.start(mask)
                    program.wait(look=lambda: starters.update(launch.starters_below()))
            except InputError as error:
                if program.exit_code is None:
                    _forget(keeper.record)
                    raise
                failure = str(error)
            if missed := _missed(starters, window):
                failure, window = f"{missed}; put isojoule run -- behind it", None
            fields = _what_became_of(program, failure, had_oom_kill=_oom_kills() > oom_kills)
            record = closed(record, window, **fields, left_processes=len(launch.alive(started.mark) - others))
            record = keeper.end(record, window.trace if window else None)
    remove_locks_inside(started.mark)
    return record


def check_free(gpus: Sequence[Gpu], owns: Callable[[int], bool]) -> None:
    """Refuse GPUs that others are on before a program of ours has begun.

    Args:
        gpus: that the program sees.
        owns: tells whether a process, by its number, is of this run.

    Raises:
        CompanyError: somebody is on one.
    """
    for gpu in gpus:
        present = nvml.Board(gpu.uuid, 0, owns).company.present()
        if present.foreign_processes or present.unlisted_memory_bytes:
            raise CompanyError(
                f"{gpu.name} ({gpu.uuid}): found others on it before the program began, expected none: their energy "
                "would be in the reading; --allow-shared measures all the same, and flags the record"
            )


def closed(record: RunRecord, window: Window | None, **fields: Any) -> RunRecord:
    """Return the record of a run that is over, with what a window has read, where it has."""
    energy = getattr(window, "energy", None)
    is_on_gpu = record.hardware.gpu is not None
    known = {
        "energy": energy,
        "gpu_statistics": window.trace.statistics() if window and energy and is_on_gpu else None,
        # a clock may have been put back
        "ended_at": max(provenance.now(), record.started_at),
    }
    ended = RunRecord.model_validate({**record.model_dump(), **known, **fields})
    return ended.model_copy(update={"flags": of_run(ended)})


@contextmanager
def devices_alone(cpu: bool = False) -> Iterator[list[str]]:
    """Keep the GPUs that a program sees for it, or the CPU where it sees none; yield the UUIDs of the GPUs.

    Programs of isojoule on other GPUs of the machine go on meanwhile, since a run may take days.

    Args:
        cpu: whether the CPU is wanted although there are GPUs.

    Raises:
        InputError: the GPUs cannot be listed.
    """
    with ExitStack() as held:
        machine = held.enter_context(Device("cpu"))
        try:
            uuids = [] if cpu else visible_uuids()
        except RuntimeError as error:
            raise InputError(f"the GPUs of this machine cannot be listed: {error}") from error
        if not uuids:
            held.enter_context(machine.alone())
        for uuid in sorted(uuids):
            held.enter_context(held.enter_context(Device(uuid)).alone())
        yield uuids


def in_words(record: RunRecord, path: Path) -> list[str]:
    """Say what was measured and what is odd about it, a sentence each."""
    from isojoule.flags.of_record import MEANINGS

    what = f"{record.phase} of {record.architecture} on {record.gpu}"
    sentences = [] if record.outcome == "ok" else [f"{what}: {record.message}"]
    if record.energy is not None:
        computing, duration_s = record.energy.computing, record.energy.duration_s
        read = f"{readable.shown(computing.energy_kwh, 'kWh')} {computing.kind} by {computing.source}"
        until = "" if record.outcome == "ok" else " until then"
        sentences.append(f"{read} in {readable.shown(duration_s, 's')}{until}: {what}")
    sentences += [f"{flag}: {MEANINGS[flag]}" for flag in record.flags]
    return [*sentences, f"the record is in {path}"]


def _meter(gpus: Sequence[Gpu], reading: Reading, owns: Callable[[int], bool]) -> Meter:
    has_counters = all(gpu.counter_period_s for gpu in gpus)
    return Meter(
        gpus=gpus,
        country_iso_code=reading.country_iso_code,
        cpu_max_power_w=reading.cpu_max_power_w,
        # the end of a program is the end of its work
        synchronize=lambda: None,
        idle_s=IDLE_S,
        sample_period_s=SAMPLE_PERIOD_S,
        power_period_s=POWER_BESIDE_COUNTER_S if has_counters else POWER_PERIOD_S,
        allow_shared=reading.allow_shared,
        # in a container, our processes may be listed under the numbers of the host
        own_processes=0 if sees_all_processes() else 1,
        owns=owns,
        cpu_s=children_cpu_s,
    )


def _what_became_of(program: Program, failure: str | None, *, had_oom_kill: bool) -> dict[str, Any]:
    """Return the fields of a record that the end of the program decides."""
    fields: dict[str, Any] = {"exit_code": program.exit_code, "outcome": "ok"}
    if program.ended_by is not None:
        memory = "; the kernel killed a process for lack of memory meanwhile" if had_oom_kill else ""
        stopped = program.ended_by == program.received
        fields |= {
            "outcome": "stopped" if stopped else "failed",
            "message": f"the program was ended by {program.ended_by.name}{memory}",
        }
    elif program.exit_code:
        fields |= {"outcome": "failed", "message": f"the program ended with exit code {program.exit_code}"}
    elif failure is not None:
        fields |= {"outcome": "failed", "message": f"the program ended well, but its energy is not known: {failure}"}
    return fields


@contextmanager
def _in_our_words() -> Iterator[None]:
    """Name the option of this command where a message names the key of a study's configuration."""
    try:
        yield
    except CompanyError as error:
        raise CompanyError(str(error).replace("energy.allow_shared: true", "--allow-shared")) from error


def _missed(starters: Iterable[str], window: Window | None) -> str | None:
    """Say what a window has not in it, of which these programs were seen below the one that ran."""
    energy = getattr(window, "energy", None)
    is_estimate = energy is not None and energy.computing.kind == "estimated"
    for starter in sorted(starters):
        if reason := launch.out_of_reach(starter, os.environ) or (
            launch.unseen_on_cpu(starter) if is_estimate else None
        ):
            return reason
    return None


def _forget(path: Path) -> None:
    """Remove the record of a run that never began."""
    with suppress(OSError):
        path.unlink()


def _oom_kills() -> int:
    """Return how many processes of the machine the kernel has killed for lack of memory; 0 where it does not tell."""
    try:
        lines = Path("/proc/vmstat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)
