"""How far a study is, in a few lines for a terminal."""

from collections import Counter, defaultdict
from pathlib import Path
from statistics import mean

from isojoule.cells import cells
from isojoule.configuration import Configuration
from isojoule.errors import InputError
from isojoule.records import MeasurementRecord, read_record

BEST = 10


def summary(configuration: Configuration, records: Path) -> str:
    """Cells by outcome, energy by kind, and the ten best models with their energy.

    Args:
        configuration: the study.
        records: the folder of its measurement records.
    """
    expected = {(c.gpu, c.architecture, c.phase, c.repeat) for c in cells(configuration)}
    found = []
    broken = []
    for path in sorted(records.rglob("*.json")):
        try:
            record = read_record(path, MeasurementRecord)
        except InputError:
            broken.append(str(path))
            continue
        if record.identity in expected:
            found.append(record)
    outcomes: Counter[str] = Counter(record.outcome for record in found)
    missing = len(expected) - len({record.identity for record in found})
    names = {"ok": "done", "oom": "out of memory", "untrained": "without trained weights"}
    counted = ", ".join(
        f"{outcomes[outcome]} {name}" for outcome, name in names.items() if outcome == "ok" or outcomes[outcome]
    )
    lines = [f"{configuration['study']}: {len(expected)} cells: {counted}, {missing} failed or not yet run"]
    if broken:
        lines.append(f"not records: {', '.join(broken)}")
    energy_kwh: dict[str, float] = defaultdict(float)
    for record in found:
        if record.energy:
            energy_kwh[record.energy.computing.kind] += record.energy.computing.energy_kwh
    lines += [f"energy in windows: {value:.3g} kWh {kind}" for kind, value in sorted(energy_kwh.items())]
    return "\n".join(lines + _best(found))


def _best(found: list[MeasurementRecord]) -> list[str]:
    """One line per model and platform, the best quality first."""
    energy_kwh: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    quality: dict[tuple[str, str], list[float]] = defaultdict(list)
    for record in found:
        if record.energy:
            energy_kwh[record.architecture, record.gpu, record.phase].append(record.energy.computing.energy_kwh)
        if "macro_f1" in record.quality:
            quality[record.architecture, record.gpu].append(record.quality["macro_f1"])
    ranked = sorted(quality, key=lambda model: mean(quality[model]), reverse=True)
    lines = [f"\n{'architecture':<20} {'gpu':<14} {'macro F1':>9} {'train kWh':>10} {'test kWh':>10}"] if ranked else []
    for architecture, gpu in ranked[:BEST]:
        values = [energy_kwh.get((architecture, gpu, phase), []) for phase in ("train", "test")]
        train, test = (f"{mean(value):.2e}" if value else "-" for value in values)
        lines.append(f"{architecture:<20} {gpu:<14} {mean(quality[architecture, gpu]):>9.3f} {train:>10} {test:>10}")
    return lines
