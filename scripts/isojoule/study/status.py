"""Say in a few lines for a terminal how far a study is."""

import csv
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import mean

from isojoule import readable, seals
from isojoule.errors import InputError
from isojoule.progress import aligned
from isojoule.records import MeasurementRecord, read_record
from isojoule.study import reading
from isojoule.study.cells import Cell, architectures, cells
from isojoule.study.journal import Journal, fingerprint_of_data, published
from isojoule.study.reruns import fingerprints
from isojoule.workloads import interface
from isojoule.workloads.interface import Configuration

STATES = ("done", "running", "waiting", "out of memory", "failed")
RESULTS = ("done", "out of memory")
FAILED = ("failed", "refused", "lost", "oom-once")
SHOWN = 10
PHASES = ("train", "test")


@dataclass(frozen=True)
class CellState:
    """The state of a cell, with the record that is kept of it, if any, or why there is none."""

    cell: Cell
    name: str
    record: MeasurementRecord | None = None
    reason: str = ""


def status(results: Path) -> str:
    """Say the states of the cells, energy and time to go for each GPU, what failed, the best models, and what to do.

    Args:
        results: the folder of the study's results.

    Raises:
        InputError: the folder holds no study.
    """
    if not (results / "configuration.yaml").is_file():
        raise InputError(f"{results}: found no configuration.yaml, expected the results of a study that was started")
    configuration = reading.load(results / "configuration.yaml")
    states = _cell_states(configuration, results)
    states_by_gpu = {gpu: [state for state in states if state.cell.gpu == gpu] for gpu in configuration.gpus}
    rows = [_row(gpu, states_of_gpu) for gpu, states_of_gpu in states_by_gpu.items()]
    rows += [_row("all", states)] if len(rows) > 1 else []
    header = ("gpu", "cells", *STATES, "energy in windows", "time to go")
    table = aligned([header, *rows])
    return "\n".join(
        [
            f"{configuration.study}: {_counts(states)}",
            "",
            *table,
            *_reasons(states),
            *_broken(states, results),
            *_lost(results),
            *_taken(states, configuration),
            *_best(states, configuration),
            *_found(results),
            *_what_to_do(states),
        ]
    )


def _cell_states(configuration: Configuration, results: Path) -> list[CellState]:
    journal, architectures_by_name = Journal(results), architectures(configuration)
    data = fingerprint_of_data(results)
    running = {
        attempt[0].identity: attempt[0]
        for gpu in configuration.gpus
        for repeat in range(configuration.repeats)
        if (attempt := journal.running(gpu, repeat)) and attempt[1]
    }
    states = []
    for cell in cells(configuration):
        of_cell = fingerprints(configuration, cell, data or "", architectures_by_name)
        if data is None:
            del of_cell["data_fingerprint"]
        try:
            attempts = journal.attempts(cell)
        except InputError as error:
            states.append(CellState(cell, "failed", reason=f"broken: {error}; remove this file"))
            continue
        kept = journal.kept(cell, of_cell, attempts)
        now = running.get((cell.gpu, cell.architecture, cell.phase, cell.repeat))
        if kept:
            states.append(CellState(cell, "done" if kept.outcome == "ok" else "out of memory", kept))
        elif now:
            states.append(CellState(cell, "running", now))
        else:
            last = journal.last(cell, of_cell, attempts)
            if last and last.outcome in FAILED:
                states.append(CellState(cell, "failed", reason=f"{last.outcome}: {last.message}"))
            else:
                states.append(CellState(cell, "waiting"))
    return states


def _counts(states: list[CellState]) -> str:
    numbers = Counter(state.name for state in states)
    return f"{readable.counted(len(states), 'cell')}: " + ", ".join(
        f"{numbers[name]} {name}" for name in STATES if name == "done" or numbers[name]
    )


def _row(gpu: str, states: list[CellState]) -> tuple[str, ...]:
    numbers = Counter(state.name for state in states)
    energy_kwh: dict[str, float] = defaultdict(float)
    for state in states:
        if state.record and state.record.energy:
            energy = state.record.energy
            energy_kwh[energy.computing.kind] += energy.computing.energy_kwh * energy.window.repetitions
    energies = ", ".join(f"{readable.shown(value, 'kWh')} {kind}" for kind, value in sorted(energy_kwh.items())) or "-"
    time_to_go = _time_to_go(states) if gpu != "all" else ""
    return (gpu, str(len(states)), *(str(numbers[name]) for name in STATES), energies, time_to_go)


def _time_to_go(states: list[CellState]) -> str:
    """Estimate from the cells that are done: those of the same architecture and phase, else of the phase, else all."""
    to_go = [state.cell for state in states if state.name in ("running", "waiting")]
    if not to_go:
        return "-"
    durations_s: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for state in states:
        if state.name == "done" and state.record:
            duration_s = (_time(state.record.ended_at) - _time(state.record.started_at)).total_seconds()
            for key in _keys(state.cell):
                durations_s[key].append(duration_s)
    if not durations_s:
        return "unknown yet"
    total_s = sum(mean(next(durations_s[key] for key in _keys(cell) if durations_s[key])) for cell in to_go)
    at_once = max(1, sum(state.name == "running" for state in states))
    return f"about {_duration(total_s / at_once)}"


def _keys(cell: Cell) -> tuple[tuple[str, ...], ...]:
    """Return what cells that take about as long share with a cell, from the most alike to all."""
    return (cell.architecture, cell.phase), (cell.phase,), ()


def _duration(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{seconds:.0f} s"


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _reasons(states: list[CellState]) -> list[str]:
    """List what runs, and since when; then every reason of a failure once, with the first cell that has it."""
    running = [
        f"running: {state.cell}, since {state.record.started_at}"
        for state in states
        if state.name == "running" and state.record
    ]
    cells_by_reason: dict[str, list[Cell]] = defaultdict(list)
    for state in states:
        if state.name == "failed":
            cells_by_reason[state.reason].append(state.cell)
    failed = [
        f"{reason}\n    {first}" + (f", and {readable.counted(len(others), 'more cell')}" if others else "")
        for reason, (first, *others) in cells_by_reason.items()
    ]
    lines = [*running[:SHOWN], *failed[:SHOWN]]
    return ["", *lines] if lines else []


def _broken(states: list[CellState], results: Path) -> list[str]:
    """Name the published records that cannot be read, of cells whose attempts can."""
    lines = []
    for state in states:
        path = published(results, state.cell)
        if state.name in RESULTS and path.is_file():
            try:
                read_record(path, MeasurementRecord)
            except InputError as error:
                lines.append(f"broken: {error}; remove this file, and the command that measured writes it again")
    return ["", *lines[:SHOWN]] if lines else []


def _lost(results: Path) -> list[str]:
    """Say what is wrong with the files by which records are known to be of this data, and how to make them again."""
    manifest = results / "dataset" / "manifest.tsv"
    if manifest.parent.is_dir() and not manifest.is_file():
        return ["", f"{manifest} is missing: add `-- {manifest}` to the command of Snakemake, which makes it again"]
    path = results / "features" / "statistics.json"
    if not any((results / "records").rglob("*.json")):
        return []
    counted = "until then, cells are counted by code and configuration alone"
    if not path.is_file():
        return [
            "",
            f"{path} is missing, so that no record is known to be of this data: add `-- {path}` to the command of "
            f"Snakemake that measured, which makes it again and measures nothing; {counted}",
        ]
    try:
        interface.data_fingerprint(path.parent)
    except InputError as error:
        return ["", f"{error}; {counted}"]
    return []


def _taken(states: list[CellState], configuration: Configuration) -> list[str]:
    """Say how many results another study measured, whose code, configuration and data are the same for them."""
    records = [state.record for state in states if state.name in RESULTS and state.record]
    numbers = Counter(record.study for record in records if record.study != configuration.study)
    lines = [
        f"{readable.counted(number, 'cell was', 'cells were')} measured by the study {study}"
        for study, number in numbers.items()
    ]
    return ["", *lines] if lines else []


def _found(results: Path) -> list[str]:
    """Repeat what the last analysis found, with the tables that it comes from; nothing before there was one."""
    path = results / "findings.csv"
    if not path.is_file():
        return []
    try:
        seals.check(path)
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines, strict=True))
    except InputError as error:
        return ["", f"what the last analysis found is not repeated: {error}"]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        return ["", f"what the last analysis found is not repeated: {path}: is not a table of findings: {error}"]
    if not rows:
        return []
    if not all(row.get("sentence") and row.get("table") for row in rows):
        return ["", f"what the last analysis found is not repeated: {path}: found a row without sentence or table"]
    return ["", "found by the last analysis:", *(f"- {row['sentence']} ({results / row['table']})" for row in rows)]


def _what_to_do(states: list[CellState]) -> list[str]:
    """Say in the last line what has no result, and what to do about it; nothing while cells are measured."""
    numbers = Counter(state.name for state in states if state.name not in RESULTS)
    if not numbers or "running" in numbers:
        return []
    counts = ", ".join(f"{number} {name}" for name, number in numbers.items())
    advice = "the command that measured goes on with these alone"
    if "failed" in numbers:
        advice += "; mend what fails again, or leave it out of the configuration"
    return ["", f"{sum(numbers.values())} of {len(states)} cells have no result ({counts}): {advice}"]


def _best(states: list[CellState], configuration: Configuration) -> list[str]:
    """List the ten models with the best quality, one line per model and GPU."""
    energy_kwh: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    qualities: dict[tuple[str, str], list[float]] = defaultdict(list)
    records = [state.record for state in states if state.name == "done" and state.record]
    names = configuration.pareto.qualities
    shown = next((name for name in names if any(name in record.quality for record in records)), "")
    for record in records:
        if record.energy:
            energy_kwh[record.architecture, record.gpu, record.phase].append(record.energy.computing.energy_kwh)
        if shown in record.quality:
            qualities[record.architecture, record.gpu].append(record.quality[shown])
    ranked = sorted(qualities, key=lambda model: mean(qualities[model]), reverse=True)[:SHOWN]
    cells_of_study = [state.cell for state in states]
    in_part = {cell.phase for cell in cells_of_study if configuration.whole(cell.architecture, cell.phase) != 1}
    units = {
        phase: readable.unit("kWh", [mean(energy_kwh[key]) for key in energy_kwh if key[2] == phase])
        for phase in PHASES
    }
    part = {phase: " of the part measured" if phase in in_part else "" for phase in PHASES}
    rows = [
        (
            "architecture",
            "gpu",
            f"{shown}{' after it' if 'train' in in_part else ''}",
            *(f"{phase} {units[phase].symbol}{part[phase]}" for phase in PHASES),
        )
    ]
    for architecture, gpu in ranked:
        values = [energy_kwh.get((architecture, gpu, phase), []) for phase in PHASES]
        train, test = (
            units[phase].digits(mean(value)) if value else "-" for phase, value in zip(PHASES, values, strict=True)
        )
        rows.append((architecture, gpu, f"{mean(qualities[architecture, gpu]):.3f}", train, test))
    return ["", *aligned(rows)] if ranked else []
