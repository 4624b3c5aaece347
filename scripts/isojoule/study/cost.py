"""What a study will cost, estimated: a roofline of each GPU over the counts of compute, corrected by what was measured.

A step takes the longest of three times: its arithmetic at half the GPU's peak, its memory traffic at 70 % of the
bandwidth, and the launching of its kernels. Where a GPU has records already, the median ratio of measured to estimated
durations and powers corrects the rest.
"""

import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from isojoule.configuration.common import Gpu
from isojoule.progress import aligned
from isojoule.records import ComputeRecord, MeasurementRecord
from isojoule.records.memory_traffic import step_bytes
from isojoule.study.cells import Cell, architectures, cells, fingerprints
from isojoule.study.emission_factor import kg_per_kwh
from isojoule.study.journal import Journal, fingerprint_of_data
from isojoule.units import JOULES_PER_KWH
from isojoule.workloads.interface import Configuration

PEAK_SHARE, BANDWIDTH_SHARE, POWER_SHARE = 0.5, 0.7, 0.8
# of a T4 to A40 with PyTorch in eager mode
LAUNCH_S = {"train": 1.2e-3, "test": 0.4e-3}
# of a job: interpreters, imports, CUDA context; of a cell: model, features, warm-up (benchmarks/study_efficiency.py)
JOB_S, CELL_S = 15.0, 1.0
RECORD_BYTES = 10_000


@dataclass(frozen=True)
class Estimate:
    """One cell before it is measured: length of its phase, and mean power of all its devices."""

    duration_s: float
    power_w: float


def plan(configuration: Configuration, results: Path, counts: dict[str, ComputeRecord]) -> str:
    """Cells, GPU hours, kWh and CO2e per GPU, and disk, as text.

    Args:
        configuration: the study.
        results: the folder of its results, which need not exist yet.
        counts: the compute record of each architecture by its name.
    """
    extent = configuration.extent(results)
    kept = _kept(configuration, results)
    rows = []
    for gpu in configuration.gpus:
        mine = [cell for cell in cells(configuration) if cell.gpu == gpu]
        rough = {cell: roofline(configuration, cell, counts[cell.architecture], extent.examples) for cell in mine}
        known = [(rough[cell], kept[cell]) for cell in mine if cell in kept and kept[cell].energy]
        left = [cell for cell in mine if cell not in kept]
        rows.append(_row(configuration, gpu, mine, left, rough, known))
    text: list[tuple[str, ...]] = [
        ("gpu", "partition", "jobs", "cells", "measured", "to go", "GPU hours", "kWh", "kg CO2e", "from")
    ]
    text += [row.shown() for row in rows] + [_total(rows).shown()]
    country = configuration.energy.country_iso_code
    largest = max(count.weights_bytes for count in counts.values())
    return "\n".join(
        [
            f"{configuration.study}: an estimate, nothing in it is measured",
            "",
            *aligned(text),
            "",
            f"{extent.note}; {country}: {1000 * kg_per_kwh(country):.0f} g CO2e/kWh",
            f"longest job: about {_hours(max((row.longest_h for row in rows), default=0))}",
            f"disk: features {_size(extent.features_bytes)}, records and journal "
            f"{_size(RECORD_BYTES * len(cells(configuration)))}, weights up to {_size(largest)} per running job",
        ]
    )


@dataclass(frozen=True)
class _Row:
    gpu: str
    partition: str
    jobs: int
    cells: int
    measured: int
    hours: float | None
    energy_kwh: float | None
    emissions_kg: float | None
    longest_h: float
    basis: str

    def shown(self) -> tuple[str, ...]:
        figures = [_figure(value) for value in (self.hours, self.energy_kwh, self.emissions_kg)]
        counts = (self.jobs, self.cells, self.measured, self.cells - self.measured)
        return (self.gpu, self.partition, *(f"{count:,}" for count in counts), *figures, self.basis)


def _row(
    configuration: Configuration,
    gpu: str,
    mine: list[Cell],
    left: list[Cell],
    rough: dict[Cell, Estimate],
    known: list[tuple[Estimate, MeasurementRecord]],
) -> _Row:
    entry = configuration.gpus[gpu]
    slower = _ratio([(r.energy.duration_s, e.duration_s) for e, r in known if r.energy])
    hotter = _ratio(
        [
            (r.energy.computing.energy_kwh * JOULES_PER_KWH / r.energy.duration_s, e.power_w)
            for e, r in known
            if r.energy
        ]
    )
    specified = entry.peak_tflops is not None and entry.memory_gb_per_s is not None
    basis = "records" if known else "specification" if specified else "nothing: give peak_tflops and memory_gb_per_s"
    idle_s = configuration.energy.idle_s if entry.device == "cuda" else 0
    per_job: dict[int, float] = defaultdict(lambda: JOB_S + idle_s)
    energy_kwh = 0.0
    for cell in left:
        window_s = length_of_window_s(configuration, rough[cell].duration_s * slower)
        per_job[cell.repeat] += window_s + CELL_S
        energy_kwh += window_s * rough[cell].power_w * hotter / JOULES_PER_KWH
    blind = bool(left) and not (known or specified)
    unpowered = blind or (bool(left) and not (known or entry.max_power_w is not None))
    return _Row(
        gpu,
        entry.partition or "-",
        len({cell.repeat for cell in left}),
        len(mine),
        len(mine) - len(left),
        None if blind else _devices(entry) * sum(per_job.values()) / 3600,
        None if unpowered else energy_kwh,
        None if unpowered else energy_kwh * kg_per_kwh(configuration.energy.country_iso_code),
        0 if blind else max(per_job.values(), default=0) / 3600,
        basis if left else "-",
    )


def _total(rows: list[_Row]) -> _Row:
    def total(values: list[float | None]) -> float | None:
        return None if None in values else sum(value for value in values if value is not None)

    return _Row(
        "all",
        "",
        sum(row.jobs for row in rows),
        sum(row.cells for row in rows),
        sum(row.measured for row in rows),
        total([row.hours for row in rows]),
        total([row.energy_kwh for row in rows]),
        total([row.emissions_kg for row in rows]),
        0,
        "",
    )


def _kept(configuration: Configuration, results: Path) -> dict[Cell, MeasurementRecord]:
    """What is measured already and will not be measured again."""
    journal, named = Journal(results), architectures(configuration)
    if not (data := fingerprint_of_data(results)):
        return {}
    found = (
        (cell, journal.kept(cell, fingerprints(configuration, cell, data, named))) for cell in cells(configuration)
    )
    return {cell: record for cell, record in found if record}


def roofline(configuration: Configuration, cell: Cell, count: ComputeRecord, examples: dict[str, int]) -> Estimate:
    """The window of a cell on its GPU; without its specification on one of 1 TFLOP/s and 100 GB/s, to be corrected.

    GPUs that train together have a share of every batch each.

    Args:
        configuration: the study.
        cell: what would be measured.
        count: the compute record of its architecture.
        examples: by phase.
    """
    entry = configuration.gpus[cell.gpu]
    devices = _devices(entry) if cell.phase == "train" else 1
    steps = configuration.steps(cell.phase, examples[cell.phase])
    flops = count.batch_size * (count.training_flops_exact if cell.phase == "train" else count.forward_flops)
    activations_bytes = count.activations_bytes / devices
    traffic = step_bytes(cell.phase, count.weights_bytes, activations_bytes, count.optimizer_state_bytes)
    step_s = max(
        flops / devices / (PEAK_SHARE * (entry.peak_tflops or 1) * 1e12),
        traffic / (BANDWIDTH_SHARE * (entry.memory_gb_per_s or 100) * 1e9),
        LAUNCH_S[cell.phase],
    )
    return Estimate(steps * step_s, devices * POWER_SHARE * (entry.max_power_w or 100))


def _devices(entry: Gpu) -> int:
    """GPUs that a job holds; processes on a CPU share it."""
    return entry.devices if entry.device == "cuda" else 1


def length_of_window_s(configuration: Configuration, phase_s: float) -> float:
    """Whole repetitions of a phase of this length, until the window is long enough."""
    return phase_s * max(configuration.REPETITIONS, math.ceil(configuration.energy.min_window_s / phase_s))


def _ratio(pairs: list[tuple[float, float]]) -> float:
    return median(found / expected for found, expected in pairs) if pairs else 1.0


def _figure(value: float | None) -> str:
    return "?" if value is None else f"{value:.2g}" if value < 100 else f"{value:,.0f}"


def _hours(hours: float) -> str:
    return f"{hours:.1f} h" if hours >= 1 else f"{60 * hours:.0f} min"


def _size(size_bytes: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size_bytes < 1000:
            return f"{size_bytes:.0f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} GB"
