"""Estimate what a study will cost, by a roofline of each GPU over the counts of compute.

A step takes the longest of three times: its arithmetic at half the GPU's peak, its memory traffic at 70 % of the
bandwidth, and the launching of its kernels. Where a GPU has records already, the median ratios of their durations and
powers to the estimated ones correct the estimates of its other cells.
"""

import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from isojoule import readable
from isojoule.configuration.every_study import Gpu
from isojoule.progress import aligned
from isojoule.records import ComputeRecord, MeasurementRecord
from isojoule.records.memory_traffic import step_bytes
from isojoule.study.cells import Cell, architectures, cells
from isojoule.study.cpus import too_few
from isojoule.study.emission_factor import kg_per_kwh
from isojoule.study.journal import Journal, fingerprint_of_data
from isojoule.study.reruns import fingerprints
from isojoule.units import JOULES_PER_KWH
from isojoule.workloads.interface import Configuration

PEAK_SHARE, BANDWIDTH_SHARE, POWER_SHARE = 0.5, 0.7, 0.8
# seconds to launch the kernels of a step, on a T4 to A40 with PyTorch in eager mode
LAUNCH_S = {"train": 1.2e-3, "test": 0.4e-3}
# seconds that a job takes to start, and that a cell takes beside its window (benchmarks/study_efficiency.py)
JOB_S, CELL_S = 15.0, 1.0
RECORD_BYTES = 10_000
HOURS = readable.Unit("h", 1)


@dataclass(frozen=True)
class Estimate:
    """What a cell that is not measured yet will take: length of its phase, and mean power of all its devices."""

    duration_s: float
    power_w: float


def plan(configuration: Configuration, results: Path, counts: dict[str, ComputeRecord]) -> str:
    """Say how many cells, GPU hours, kWh and kg CO2e each GPU will take, and how much disk the study needs.

    Args:
        configuration: the study.
        results: the folder of its results, which need not exist yet.
        counts: the compute record of each architecture by its name.
    """
    extent = configuration.extent(results)
    kept = _kept(configuration, results)
    rows = []
    for gpu in configuration.gpus:
        cells_of_gpu = [cell for cell in cells(configuration) if cell.gpu == gpu]
        estimates = {
            cell: roofline(configuration, cell, counts[cell.architecture], extent.examples) for cell in cells_of_gpu
        }
        pairs = [(estimates[cell], kept[cell]) for cell in cells_of_gpu if cell in kept and kept[cell].energy]
        to_go = [cell for cell in cells_of_gpu if cell not in kept]
        rows.append(_row(configuration, gpu, to_go, estimates, pairs))
    all_rows = [*rows, _total(rows)]
    units = (
        readable.unit("kWh", [row.energy_kwh for row in all_rows]),
        readable.unit("kg CO2e", [row.emissions_kg for row in all_rows]),
    )
    symbols = [unit.symbol for unit in units]
    text: list[tuple[str, ...]] = [
        ("gpu", "partition", "jobs", "cells", "measured", "to go", "GPU hours", *symbols, "from")
    ]
    text += [row.shown(*units) for row in all_rows]
    country = configuration.energy.country_iso_code
    features, records, weights = (
        readable.shown(size_bytes, "B")
        for size_bytes in (
            extent.features_bytes,
            RECORD_BYTES * len(cells(configuration)),
            max(count.weights_bytes for count in counts.values()),
        )
    )
    return "\n".join(
        [
            f"{configuration.study}: an estimate, nothing in it is measured",
            "",
            *aligned(text),
            "",
            f"{extent.note}; {country}: {1000 * kg_per_kwh(country):.0f} g CO2e/kWh",
            f"longest job: {_longest(rows)}",
            f"disk: features {features}, records and journal {records}, weights up to {weights} per running job",
            *too_few(configuration.gpus),
            *_without_published_flops(counts),
        ]
    )


def _longest(rows: list["_Row"]) -> str:
    """Say how long the longest job will be, and on which GPUs nobody can tell."""
    unknown = [row.gpu for row in rows if row.longest_h is None]
    known_h = [row.longest_h for row in rows if row.longest_h]
    if not known_h:
        return "unknown" if unknown else "none is to go"
    return f"about {readable.shown(3600 * max(known_h), 's')}" + (
        f"; unknown on {', '.join(unknown)}" if unknown else ""
    )


def _without_published_flops(counts: dict[str, ComputeRecord]) -> list[str]:
    """Name the architectures whose published FLOPs nobody will have, before anything is spent on them."""
    names = [name for name, count in counts.items() if count.deepspeed_forward_flops is None]
    return [f"no published FLOPs, which DeepSpeed cannot count: {', '.join(names)}"] if names else []


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
    longest_h: float | None
    basis: str

    def shown(self, energy: readable.Unit, emissions: readable.Unit) -> tuple[str, ...]:
        figures = [
            _figure(value, unit)
            for value, unit in ((self.hours, HOURS), (self.energy_kwh, energy), (self.emissions_kg, emissions))
        ]
        counts = (self.jobs, self.cells, self.measured, self.cells - self.measured)
        return (self.gpu, self.partition, *(f"{count:,}" for count in counts), *figures, self.basis)


def _row(
    configuration: Configuration,
    gpu: str,
    to_go: list[Cell],
    estimates: dict[Cell, Estimate],
    pairs: list[tuple[Estimate, MeasurementRecord]],
) -> _Row:
    """Estimate what the cells of a GPU that are not measured yet will take.

    Args:
        configuration: the study.
        gpu: key of the configuration's `gpus`.
        to_go: cells that are not measured yet.
        estimates: the roofline's estimates of all cells of the GPU.
        pairs: estimates with the records of the cells that are measured.
    """
    entry = configuration.gpus[gpu]
    time_ratio = _median_ratio([(r.energy.duration_s, e.duration_s) for e, r in pairs if r.energy])
    power_ratio = _median_ratio(
        [
            (r.energy.computing.energy_kwh * JOULES_PER_KWH / r.energy.duration_s, e.power_w)
            for e, r in pairs
            if r.energy
        ]
    )
    specified = entry.peak_tflops is not None and entry.memory_gb_per_s is not None
    basis = "records" if pairs else "specification" if specified else "nothing: give peak_tflops and memory_gb_per_s"
    idle_s = configuration.energy.idle_s if entry.device == "cuda" else 0
    job_durations_s: dict[int, float] = defaultdict(lambda: JOB_S + idle_s)
    energy_kwh = 0.0
    for cell in to_go:
        window_s = length_of_window_s(configuration, estimates[cell].duration_s * time_ratio)
        job_durations_s[cell.repeat] += window_s + CELL_S
        energy_kwh += window_s * estimates[cell].power_w * power_ratio / JOULES_PER_KWH
    time_unknown = bool(to_go) and not (pairs or specified)
    energy_unknown = time_unknown or (bool(to_go) and not (pairs or entry.max_power_w is not None))
    return _Row(
        gpu,
        entry.partition or "-",
        len({cell.repeat for cell in to_go}),
        len(estimates),
        len(estimates) - len(to_go),
        None if time_unknown else _devices(entry) * sum(job_durations_s.values()) / 3600,
        None if energy_unknown else energy_kwh,
        None if energy_unknown else energy_kwh * kg_per_kwh(configuration.energy.country_iso_code),
        None if time_unknown else max(job_durations_s.values(), default=0) / 3600,
        basis if to_go else "-",
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
    """Return the records of the cells that will not be measured again."""
    journal, architectures_by_name = Journal(results), architectures(configuration)
    if not (data := fingerprint_of_data(results)):
        return {}
    records = (
        (cell, journal.kept(cell, fingerprints(configuration, cell, data, architectures_by_name)))
        for cell in cells(configuration)
    )
    return {cell: record for cell, record in records if record}


def roofline(configuration: Configuration, cell: Cell, count: ComputeRecord, examples: dict[str, int]) -> Estimate:
    """Estimate the phase of a cell by the roofline of its GPU.

    A GPU whose specification the configuration does not have stands as one of 1 TFLOP/s and 100 GB/s, until records
    correct that. Each of several GPUs that train together takes its share of every batch.

    Args:
        configuration: the study.
        cell: the cell to estimate.
        count: the compute record of its architecture.
        examples: number of examples by phase.
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
    """Return how many devices a job holds; processes on a CPU share that one."""
    return entry.devices if entry.device == "cuda" else 1


def length_of_window_s(configuration: Configuration, phase_s: float) -> float:
    """Return how long a window of whole repetitions of a phase is, when it is long enough."""
    return phase_s * max(configuration.REPETITIONS, math.ceil(configuration.energy.min_window_s / phase_s))


def _median_ratio(pairs: list[tuple[float, float]]) -> float:
    return median(measured / estimated for measured, estimated in pairs) if pairs else 1.0


def _figure(value: float | None, unit: readable.Unit) -> str:
    return "?" if value is None else unit.digits(value)
