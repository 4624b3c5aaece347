"""How far a study is, in a few lines for a terminal."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import mean

from isojoule.errors import InputError
from isojoule.progress import aligned
from isojoule.records import MeasurementRecord
from isojoule.study import reading
from isojoule.study.cells import Cell, architectures, cells, fingerprints
from isojoule.study.journal import Journal, fingerprint_of_data
from isojoule.workloads.interface import Configuration

STATES = ("done", "running", "waiting", "out of memory", "failed")
FAILED = ("failed", "refused", "lost")
SHOWN = 10


@dataclass(frozen=True)
class Seen:
    """A cell, its state, and the record that is kept of it or tells why there is none."""

    cell: Cell
    state: str
    record: MeasurementRecord | None


def status(results: Path) -> str:
    """Cells by state, energy by kind and time to go for each GPU; what failed; the best ten models.

    Args:
        results: the folder of the study's results.

    Raises:
        InputError: the folder holds no study.
    """
    if not (results / "configuration.yaml").is_file():
        raise InputError(f"{results}: found no configuration.yaml, expected the results of a study that was started")
    configuration = reading.load(results / "configuration.yaml")
    seen = _seen(configuration, results)
    per_gpu = {gpu: [s for s in seen if s.cell.gpu == gpu] for gpu in configuration.gpus}
    rows = [_row(gpu, part) for gpu, part in per_gpu.items()]
    rows += [_row("all", seen)] if len(rows) > 1 else []
    header = ("gpu", "cells", *STATES, "energy in windows", "time to go")
    table = aligned([header, *rows])
    return "\n".join(
        [
            f"{configuration.study}: {_counted(seen)}",
            "",
            *table,
            *_reasons(seen),
            *_best(seen, configuration),
        ]
    )


def _seen(configuration: Configuration, results: Path) -> list[Seen]:
    journal, named = Journal(results), architectures(configuration)
    if not (data := fingerprint_of_data(results)):
        return [Seen(cell, "waiting", None) for cell in cells(configuration)]
    running = {
        found[0].identity: found[0]
        for gpu in configuration.gpus
        for repeat in range(configuration.repeats)
        if (found := journal.running(gpu, repeat)) and found[1]
    }
    seen = []
    for cell in cells(configuration):
        attempts = journal.attempts(cell)
        kept = journal.kept(cell, fingerprints(configuration, cell, data, named), attempts)
        now = running.get((cell.gpu, cell.architecture, cell.phase, cell.repeat))
        if kept:
            seen.append(Seen(cell, "done" if kept.outcome == "ok" else "out of memory", kept))
        elif now:
            seen.append(Seen(cell, "running", now))
        else:
            last = attempts[-1] if attempts else None
            seen.append(Seen(cell, "failed" if last and last.outcome in FAILED else "waiting", last))
    return seen


def _counted(seen: list[Seen]) -> str:
    states = Counter(s.state for s in seen)
    return f"{len(seen)} cells: " + ", ".join(
        f"{states[state]} {state}" for state in STATES if state == "done" or states[state]
    )


def _row(gpu: str, seen: list[Seen]) -> tuple[str, ...]:
    states = Counter(s.state for s in seen)
    energy_kwh: dict[str, float] = defaultdict(float)
    for s in seen:
        if s.record and s.record.energy:
            energy = s.record.energy
            energy_kwh[energy.computing.kind] += energy.computing.energy_kwh * energy.window.repetitions
    shown = ", ".join(f"{value:.3g} kWh {kind}" for kind, value in sorted(energy_kwh.items())) or "-"
    to_go = _to_go(seen) if gpu != "all" else ""
    return (gpu, str(len(seen)), *(str(states[state]) for state in STATES), shown, to_go)


def _to_go(seen: list[Seen]) -> str:
    """From the cells that are done: those of the same architecture and phase, else all of the phase, else all."""
    left = [s.cell for s in seen if s.state in ("running", "waiting")]
    if not left:
        return "-"
    took_s: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for s in seen:
        if s.state == "done" and s.record:
            seconds = (_time(s.record.ended_at) - _time(s.record.started_at)).total_seconds()
            for key in ((s.cell.architecture, s.cell.phase), (s.cell.phase,), ()):
                took_s[key].append(seconds)
    if not took_s:
        return "unknown yet"
    keys = (((cell.architecture, cell.phase), (cell.phase,), ()) for cell in left)
    total_s = sum(mean(next(took_s[key] for key in tries if took_s[key])) for tries in keys)
    at_once = max(1, sum(s.state == "running" for s in seen))
    return f"about {_duration(total_s / at_once)}"


def _duration(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{seconds:.0f} s"


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _reasons(seen: list[Seen]) -> list[str]:
    """Every reason of a failure once, with the first cell that has it; what runs, and since when."""
    running = [f"running: {s.cell}, since {s.record.started_at}" for s in seen if s.state == "running" and s.record]
    failed: dict[str, list[Seen]] = defaultdict(list)
    for s in seen:
        if s.state == "failed" and s.record:
            failed[f"{s.record.outcome}: {s.record.message}"].append(s)
    lines = [
        f"{reason}\n    {having[0].cell}" + (f", and {len(having) - 1} more cells" if len(having) > 1 else "")
        for reason, having in failed.items()
    ]
    shown = [*running[:SHOWN], *lines[:SHOWN]]
    return ["", *shown] if shown else []


def _best(seen: list[Seen], configuration: Configuration) -> list[str]:
    """One line per model and platform, the best quality first."""
    energy_kwh: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    quality: dict[tuple[str, str], list[float]] = defaultdict(list)
    records = [s.record for s in seen if s.state == "done" and s.record]
    qualities = configuration.pareto.qualities
    shown = next((name for name in qualities if any(name in record.quality for record in records)), "")
    for record in records:
        if record.energy:
            energy_kwh[record.architecture, record.gpu, record.phase].append(record.energy.computing.energy_kwh)
        if shown in record.quality:
            quality[record.architecture, record.gpu].append(record.quality[shown])
    ranked = sorted(quality, key=lambda model: mean(quality[model]), reverse=True)[:SHOWN]
    carried = {s.cell.phase for s in seen if configuration.whole(s.cell.architecture, s.cell.phase) != 1}
    of = {phase: " of the part measured" if phase in carried else "" for phase in ("train", "test")}
    rows = [
        (
            "architecture",
            "gpu",
            f"{shown}{' after it' if 'train' in carried else ''}",
            f"train kWh{of['train']}",
            f"test kWh{of['test']}",
        )
    ]
    for architecture, gpu in ranked:
        values = [energy_kwh.get((architecture, gpu, phase), []) for phase in ("train", "test")]
        train, test = (f"{mean(value):.2e}" if value else "-" for value in values)
        rows.append((architecture, gpu, f"{mean(quality[architecture, gpu]):.3f}", train, test))
    return ["", *aligned(rows)] if ranked else []
