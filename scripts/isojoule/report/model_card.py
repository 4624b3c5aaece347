"""What a model card says of a training: Hugging Face's metadata of emissions, and sentences on energy."""

from dataclasses import replace
from typing import Any

import pandas as pd
import yaml

from isojoule import readable
from isojoule.errors import InputError
from isojoule.normalization import references
from isojoule.normalization.pairs import pair
from isojoule.normalization.user_system import Normalized, System, normalize
from isojoule.tables.energy import energy_table
from isojoule.tables.work import work_of

TRAINING_TYPES = ("pre-training", "fine-tuning")
VERBS = {"train": "Training", "test": "Testing"}


def emissions(
    frame: pd.DataFrame,
    architecture: str,
    gpu: str,
    training_type: str = TRAINING_TYPES[0],
    location: str | None = None,
    kg_per_kwh: float | None = None,
) -> str:
    """Write the YAML of `co2_eq_emissions` for one training, in grams (huggingface.co/docs/hub/model-cards-co2).

    Args:
        frame: a table of measurements.
        architecture: an architecture of the table.
        gpu: a GPU of the table.
        training_type: `pre-training` or `fine-tuning`.
        location: where it was trained; by default the country of CodeCarbon's estimate.
        kg_per_kwh: emission factor for the energy of the component that computes, in place of CodeCarbon's estimate of
            all components.

    Raises:
        InputError: the architecture was not trained on that GPU, or nothing tells its emissions.
    """
    rows = _rows_of_cell(frame, architecture, gpu, "train")
    if kg_per_kwh:
        source, country = f"{kg_per_kwh:g} kg CO2e/kWh x {_kinds(rows)} energy", ""
        emissions_kg = kg_per_kwh * rows["energy_kwh"].mean()
    elif rows["emissions_kg_co2e"].notna().all():
        versions = ", ".join(rows["codecarbon"].dropna().unique())
        source = f"CodeCarbon {versions}" if versions else "emissions_kg_co2e of the table"
        country = ", ".join(rows["country_iso_code"].dropna().unique())
        emissions_kg = rows["emissions_kg_co2e"].mean()
    else:
        told = rows["emissions_kg_co2e"].notna().sum()
        raise InputError(
            f"emissions_kg_co2e: found it for {told} of {len(rows)} trainings of {architecture} on {gpu}, expected "
            "all; --kg-per-kwh tells it otherwise"
        )
    runs = f"mean of {len(rows)} trainings" if len(rows) > 1 else "one training"
    if rows["measured_energy_kwh"].notna().any():
        runs += f", {work_of(rows)}"
    content = {
        "emissions": float(f"{1000 * emissions_kg:.4g}"),
        "source": f"{source}, {runs}",
        "training_type": training_type,
        "geographical_location": location or country or "unknown",
        "hardware_used": f"{_gpu_count(rows)} x {_device(rows, gpu)}",
    }
    return yaml.safe_dump({"co2_eq_emissions": content}, sort_keys=False, allow_unicode=True, width=1000)


def sentence(frame: pd.DataFrame, architecture: str, gpu: str, phase: str, target: str | None = None) -> str:
    """State energy, interval and GPU of a phase in one sentence, and the energy on another GPU in a second one.

    Args:
        frame: a table of measurements.
        architecture: an architecture of the table.
        gpu: a GPU of the table.
        phase: `train` or `test`.
        target: another GPU of the table, to normalize the energy to.

    Raises:
        InputError: the architecture was not measured on that GPU, or its energy cannot be normalized.
    """
    rows = _rows_of_cell(frame, architecture, gpu, phase)
    work = f" ({description})" if (description := work_of(rows)) else ""
    verb = "took" if rows["measured_energy_kwh"].isna().all() else "would take"
    statistics = energy_table(rows).iloc[0]
    measured = (
        f"{VERBS[phase]} {architecture}{work} {verb} {readable.shown(statistics['energy_mean_kwh'], 'kWh')} "
        f"({_kinds(rows)}; {_interval_in_words(rows, statistics)}) on {_device(rows, gpu)}."
    )
    if target is None:
        return measured
    return f"{measured} {_normalized_sentence(frame, architecture, gpu, phase, target)}"


def _interval_in_words(rows: pd.DataFrame, statistics: pd.Series) -> str:
    """Describe the interval of a cell's energy, by its repeats or by the repetitions of its only run.

    Args:
        rows: the repeats of the cell in the table of measurements.
        statistics: the cell's row in the table of energy.
    """
    repeats, unit = int(statistics["repeats"]), readable.unit("kWh", [statistics["energy_mean_kwh"]])
    if repeats > 1:
        low_kwh, high_kwh = statistics["energy_ci95_low_kwh"], statistics["energy_ci95_high_kwh"]
        return f"95 % interval {unit.between(low_kwh, high_kwh)}, {readable.counted(repeats, 'run')}"
    if rows["carried_low_kwh"].notna().all():
        low_kwh, high_kwh = rows[["carried_low_kwh", "carried_high_kwh"]].iloc[0]
        return f"one run, 95 % interval {unit.between(low_kwh, high_kwh)} by its repetitions"
    return "one run, no interval"


def _normalized_sentence(frame: pd.DataFrame, architecture: str, gpu: str, phase: str, target: str) -> str:
    normalized = _normalize(frame, architecture, gpu, phase, target)
    interval, unit = "no interval", readable.unit("kWh", [normalized.energy_kwh])
    if normalized.low_kwh is not None and normalized.high_kwh is not None:
        coverage = f"{100 * normalized.coverage:.0f} %"
        interval = f"{coverage} interval {unit.between(normalized.low_kwh, normalized.high_kwh)}"
    device = _device(frame[frame["gpu"] == target], target)
    references = readable.counted(len(normalized.references), "reference")
    energy = f"{unit.shown(normalized.energy_kwh)} ({normalized.energy_kind}; {interval})"
    return f"Normalized to {device} by {references}: {energy}."


def _normalize(frame: pd.DataFrame, architecture: str, gpu: str, phase: str, target: str) -> Normalized:
    """Normalize as if the GPU were a user's own, so that the interval rests on the study's other GPUs."""
    if target == gpu:
        raise InputError(f"target: found {target}, expected another GPU than the one it was measured on")
    both = pair(frame, phase, gpu, target)
    others = both.systems.drop(index=architecture, errors="ignore")
    chosen = references.choose_recommended(others, min(references.SUGGESTED_COUNT, len(others)))
    reference_systems = {str(name): _system(row) for name, row in others.iloc[chosen].iterrows()}
    own_system = _system(pair(frame, phase, gpu, gpu).systems.loc[architecture])
    normalized = normalize(frame[frame["gpu"] != gpu], target, phase, reference_systems, own_system)
    return replace(normalized, own_kinds=both.kinds)


def _system(row: Any) -> System:
    values = (row[name] for name in ("energy_kwh", "duration_s", "flops", "params"))
    energy_kwh, *others = (None if pd.isna(value) else float(value) for value in values)
    return System(energy_kwh or 0.0, *others)


def _rows_of_cell(frame: pd.DataFrame, architecture: str, gpu: str, phase: str) -> pd.DataFrame:
    for column, wanted in (("architecture", architecture), ("gpu", gpu)):
        if wanted not in set(frame[column]):
            present = ", ".join(map(str, frame[column].unique()[:8]))
            raise InputError(f"{column}: found {wanted}, expected one of the table, such as {present}")
    is_cell = (frame["architecture"] == architecture) & (frame["gpu"] == gpu) & (frame["phase"] == phase)
    rows = frame[is_cell & (frame["outcome"] == "ok")]
    if rows.empty:
        raise InputError(f"{architecture} on {gpu}: found no energy of phase {phase}, expected one that ended well")
    return rows


def _device(rows: pd.DataFrame, gpu: str) -> str:
    device = ", ".join(rows["device_name"].dropna().unique())
    return f"{device} ({gpu})" if device else gpu


def _gpu_count(rows: pd.DataFrame) -> int:
    """Return how many GPUs trained together; several processes on a CPU are still one device."""
    return int(rows["devices"].fillna(1).max()) if rows["gpu_energy_kwh"].notna().any() else 1


def _kinds(rows: pd.DataFrame) -> str:
    return " and ".join(rows["energy_kind"].unique())
