"""From one JSON record per cell to one table of measurements."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from isojoule.errors import InputError
from isojoule.records import ComputeRecord, MeasurementRecord, read_record
from isojoule.records.extrapolation import extrapolated
from isojoule.records.flags import of_record, ordered
from isojoule.records.measurement import FINAL
from isojoule.study.cells import architectures, cells, fingerprints
from isojoule.tables import measurements
from isojoule.tables.flags import with_those_of_the_study
from isojoule.units import JOULES_PER_KWH
from isojoule.workloads import interface
from isojoule.workloads.interface import Configuration

# what grows with the work that was done
WITH_THE_WORK = (
    "energy_uncertainty_kwh",
    "net_energy_kwh",
    "integrated_power_energy_kwh",
    "codecarbon_energy_kwh",
    "gpu_energy_kwh",
    "cpu_energy_kwh",
    "ram_energy_kwh",
    "emissions_kg_co2e",
    "audio_s",
    "samples",
)
SHOWN = 10


def aggregate(configuration: Configuration, results: Path) -> pd.DataFrame:
    """The study's table of measurements.

    Every record in the folder `results` is read. Those of cells that the configuration no longer has are left out.

    Raises:
        InputError: naming every record that is of an unknown schema, of another configuration, there twice, or missing;
            or flags are excluded that every cell has.
    """
    records, named = results / "records", architectures(configuration)
    data = interface.data_fingerprint(results / "features")
    if unknown := sorted(set(configuration.QUALITIES) - set(measurements.QUALITIES)):
        raise InputError(
            f"workload {configuration.workload}: QUALITIES: found {unknown[0]}, expected a column with a quality in "
            f"isojoule/tables/measurements.py, such as {', '.join(measurements.QUALITIES)}"
        )
    expected = {(c.gpu, c.architecture, c.phase, c.repeat): c for c in cells(configuration)}
    found: dict[tuple[str, str, str, int], Path] = {}
    rows: dict[tuple[str, str, str, int], dict[str, Any]] = {}
    counts = {name: _counts(results / "compute" / f"{name}.json") for name in named}
    problems = []
    for path in sorted(records.rglob("*.json")):
        try:
            record = read_record(path, MeasurementRecord)
        except InputError as error:
            problems.append(str(error))
            continue
        cell = expected.get(record.identity)
        if cell is None:
            continue
        if record.outcome not in FINAL:
            problems.append(f"{path}: outcome: found {record.outcome}, expected one of {', '.join(FINAL)}")
        elif record.identity in found:
            problems.append(f"{path}: is the same cell as {found[record.identity]} ({cell})")
        elif record.study != configuration.study or not record.is_of(fingerprints(configuration, cell, data, named)):
            problems.append(f"{path}: was measured with other code, configuration or data; start the study again")
        found[record.identity] = path
        times = configuration.whole(cell.architecture, cell.phase)
        rows[record.identity] = {**_row(record), **_carried(record, times), **counts[cell.architecture]}
        if configuration.phases.train is not None and configuration.whole(cell.architecture, "train") != 1:
            # of weights that a part of the training made: not what the energy of the whole training buys
            rows[record.identity] |= dict.fromkeys(record.quality)
    problems += [f"{records}: no record of {cell}" for identity, cell in expected.items() if identity not in found]
    if problems:
        more = [f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
        raise InputError("\n       ".join(problems[:SHOWN] + more))
    table = measurements.table([rows[identity] for identity in expected])
    if configuration.analysis.quality_table is not None:
        table = _with_qualities(table, Path(configuration.analysis.quality_table), configuration.QUALITIES)
    excluded = configuration.analysis.exclude_flags
    flagged = with_those_of_the_study(table, excluded)
    if (table["outcome"] == "ok").any() and not (flagged["outcome"] == "ok").any():
        number = (flagged["outcome"] == "excluded").sum()
        raise InputError(
            f"analysis.exclude_flags: found {', '.join(excluded)}, which leaves out all {number} cells that have an "
            "energy; expected some to be left"
        )
    return flagged


def _with_qualities(table: pd.DataFrame, path: Path, qualities: Collection[str]) -> pd.DataFrame:
    """The table with qualities that others found, such as opinions of listeners, in the rows of the tests.

    Args:
        table: of measurements.
        path: a table of architectures and qualities.
        qualities: that the workload has.

    Raises:
        InputError: `path` is no table of architectures of this study and of qualities that there can be, or has one
            that this study measured.
    """
    found = measurements.read_any(path, "a table of qualities by architecture")
    columns = [name for name in found if name in qualities]
    if "architecture" not in found or not columns:
        known = ", ".join(qualities)
        raise InputError(f"{path}: found the columns {', '.join(found)}, expected architecture and any of {known}")
    if found["architecture"].isna().any():
        raise InputError(f"{path}: found a row without an architecture, expected its name in every row")
    if unknown := sorted(set(found["architecture"]) - set(table["architecture"])):
        raise InputError(f"{path}: architecture: found {unknown[0]}, expected one of this study")
    if found["architecture"].duplicated().any():
        twice = found.loc[found["architecture"].duplicated(), "architecture"].iloc[0]
        raise InputError(f"{path}: found {twice} twice, expected every architecture once")
    for name in columns:
        values = pd.to_numeric(found.set_index("architecture")[name], errors="coerce")
        if (bad := values[~np.isfinite(values)]).size:
            raise InputError(f"{path}: {name} of {bad.index[0]}: expected a number")
        low, high = measurements.COLUMNS[name].bounds
        if (bad := values[(values < low) | (values > high)]).size:
            raise InputError(f"{path}: {name} of {bad.index[0]}: found {bad.iloc[0]:g}, expected {low:g} to {high:g}")
        if table[name].notna().any():
            raise InputError(f"{path}: found {name}, expected qualities that this study did not measure itself")
        tested = (table["phase"] == "test") & (table["outcome"] == "ok") & table["architecture"].isin(values.index)
        table[name] = table["architecture"].map(values).where(tested, table[name]).astype("Float64")
    return table


def _carried(record: MeasurementRecord, times: float) -> dict[str, Any]:
    """What is told of the whole phase, where the record has a part of it: an estimate, beside what was measured.

    Args:
        record: of a part of the phase.
        times: how many times the part the phase is, by the configuration of the table.
    """
    if record.energy is None or record.work is None or times == 1:
        return {}
    row, whole = _row(record), extrapolated(record.energy, record.work, times)
    return {
        **{name: times * row[name] for name in WITH_THE_WORK if row[name] is not None},
        "epochs": row["epochs"] and max(round(times * row["epochs"]), 1),
        "steps": whole.steps,
        "duration_s": whole.duration_s,
        "energy_kwh": whole.energy_kwh,
        "energy_kind": whole.kind,
        "cpu_energy_kind": "estimated" if row["cpu_energy_kind"] == "measured" else row["cpu_energy_kind"],
        "carried_low_kwh": whole.low_kwh,
        "carried_high_kwh": whole.high_kwh,
        "measured_energy_kwh": row["energy_kwh"],
        "measured_energy_kind": row["energy_kind"],
        "measured_duration_s": row["duration_s"],
        "measured_steps": row["steps"],
        "flags": " ".join(ordered(["extrapolated", *(row["flags"] or "").split()])),
    }


def _counts(path: Path) -> dict[str, Any]:
    record = read_record(path, ComputeRecord)
    return {
        "params": record.parameters,
        "flops": record.deepspeed_forward_flops,
        "forward_flops": record.forward_flops,
        "backward_flops": record.backward_flops,
        "training_flops_published": record.training_flops_published,
        "training_flops_exact": record.training_flops_exact,
        "weights_bytes": record.weights_bytes,
        "activations_bytes": record.activations_bytes,
        "optimizer_state_bytes": record.optimizer_state_bytes,
    }


def _row(record: MeasurementRecord) -> dict[str, Any]:
    row: dict[str, Any] = {
        name: getattr(record, name)
        for name in (
            "study",
            "workload",
            "gpu",
            "architecture",
            "family",
            "phase",
            "repeat",
            "outcome",
            "place",
            "precision",
        )
    }
    gpu, software = record.hardware.gpu, record.provenance.software
    row |= {
        "threads": record.threads,
        "devices": record.devices,
        "features": record.settings.get("features"),
        "loss": record.loss,
        **record.quality,
        "device_name": gpu.name if gpu else record.hardware.cpu,
        "device_uuid": gpu.uuid if gpu else None,
        "hostname": record.hardware.hostname,
        "driver": gpu.driver if gpu else None,
        **{name: software.get(name) for name in ("isojoule", "python", "cuda", "torch", "codecarbon")},
        "started_at": record.started_at,
        "ended_at": record.ended_at,
        "attempt": record.provenance.attempt,
        "commit": record.provenance.commit,
        "flags": " ".join(of_record(record)) or None,
    }
    if record.energy is not None and record.work is not None:
        energy = record.energy
        row |= {
            "energy_kwh": energy.computing.energy_kwh,
            "energy_kind": energy.computing.kind,
            "energy_source": energy.computing.source,
            "energy_uncertainty_kwh": energy.computing.uncertainty_kwh,
            "net_energy_kwh": energy.net_energy_kwh,
            "idle_power_w": energy.window.idle_power_w,
            "window_s": energy.window.duration_s,
            "repetitions": energy.window.repetitions,
            "resolution_percent": energy.window.resolution_percent,
            "disagreement_percent": energy.window.disagreement_percent,
            "integrated_power_energy_kwh": energy.integrated_power.energy_kwh if energy.integrated_power else None,
            "codecarbon_energy_kwh": getattr(energy.codecarbon, f"{energy.component}_energy_kwh"),
            "duration_s": energy.duration_s,
            "power_w": energy.computing.energy_kwh * JOULES_PER_KWH / energy.duration_s,
            "gpu_energy_kwh": energy.gpu.energy_kwh if energy.gpu else None,
            "cpu_energy_kwh": energy.cpu.energy_kwh if energy.cpu else None,
            "cpu_energy_kind": energy.cpu.kind if energy.cpu else None,
            "ram_energy_kwh": energy.ram.energy_kwh if energy.ram else None,
            "emissions_kg_co2e": energy.codecarbon.emissions_kg_co2e,
            "country_iso_code": energy.codecarbon.country_iso_code,
            **record.work.model_dump(),
            "real_time_factor": record.work.audio_s / energy.duration_s if record.work.audio_s else None,
        }
    if record.gpu_statistics is not None:
        statistics = record.gpu_statistics
        row |= {
            "gpu_utilization_percent": statistics.utilization_percent,
            "gpu_memory_utilization_percent": statistics.memory_utilization_percent,
            "gpu_peak_memory_bytes": statistics.peak_memory_bytes,
            "gpu_start_temperature_c": statistics.start_temperature_c,
            "gpu_max_temperature_c": statistics.max_temperature_c,
            "gpu_sm_clock_mhz": statistics.sm_clock_mhz,
            "gpu_throttle_reasons": " ".join(statistics.throttled_percent) or None,
        }
    return row
