"""What a model card says of a training: Hugging Face's metadata of emissions, and one sentence."""

from typing import Any

import pandas as pd
import yaml

from isojoule.errors import InputError
from isojoule.normalization import references, user_system
from isojoule.normalization.pairs import pair
from isojoule.tables.energy import energy_table
from isojoule.tables.measurements import work_of

TRAINING_TYPES = ("pre-training", "fine-tuning")
REFERENCES = 8
DOING = {"train": "Training", "test": "Testing"}


def emissions(
    frame: pd.DataFrame,
    architecture: str,
    gpu: str,
    training_type: str = TRAINING_TYPES[0],
    location: str | None = None,
    kg_per_kwh: float | None = None,
) -> str:
    """The YAML of `co2_eq_emissions` for one training, in grams (huggingface.co/docs/hub/model-cards-co2).

    Args:
        frame: a table of measurements.
        architecture: of the table.
        gpu: of the table.
        training_type: `pre-training` or `fine-tuning`.
        location: where it was trained, by default the country of CodeCarbon's estimate.
        kg_per_kwh: emission factor to take in place of CodeCarbon's estimate, of the component that computes alone.

    Raises:
        InputError: it was not trained there, or nothing tells its emissions.
    """
    rows = _rows(frame, architecture, gpu, "train")
    if kg_per_kwh:
        source, place = f"{kg_per_kwh:g} kg CO2e/kWh x {_kinds(rows)} energy", ""
        kg = kg_per_kwh * rows["energy_kwh"].mean()
    elif rows["emissions_kg_co2e"].notna().all():
        versions = ", ".join(rows["codecarbon"].dropna().unique())
        source = f"CodeCarbon {versions}" if versions else "emissions_kg_co2e of the table"
        kg, place = rows["emissions_kg_co2e"].mean(), ", ".join(rows["country_iso_code"].dropna().unique())
    else:
        raise InputError(f"emissions_kg_co2e: found none of {architecture} on {gpu}, expected --kg-per-kwh")
    runs = f"mean of {len(rows)} trainings" if len(rows) > 1 else "one training"
    if rows["measured_energy_kwh"].notna().any():
        runs += f", {work_of(rows)}"
    content = {
        "emissions": float(f"{1000 * kg:.4g}"),
        "source": f"{source}, {runs}",
        "training_type": training_type,
        "geographical_location": location or place or "unknown",
        "hardware_used": f"{_count(rows)} x {_device(rows, gpu)}",
    }
    return yaml.safe_dump({"co2_eq_emissions": content}, sort_keys=False, allow_unicode=True, width=1000)


def sentence(frame: pd.DataFrame, architecture: str, gpu: str, phase: str, normalize_to: str | None = None) -> str:
    """Energy, interval and GPU of a phase in one sentence, and normalized to another GPU in a second one.

    Args:
        frame: a table of measurements.
        architecture: of the table.
        gpu: of the table.
        phase: `train` or `test`.
        normalize_to: another GPU of the table.

    Raises:
        InputError: it was not measured there, or cannot be normalized.
    """
    rows = _rows(frame, architecture, gpu, phase)
    table = energy_table(rows).iloc[0]
    repeats = int(table["repeats"])
    spread = "one run, no interval"
    if repeats > 1:
        low, high = table["energy_ci95_low_kwh"], table["energy_ci95_high_kwh"]
        spread = f"95 % interval {low:.3g} to {high:.3g} kWh, {repeats} runs"
    elif rows["carried_low_kwh"].notna().all():
        low, high = rows[["carried_low_kwh", "carried_high_kwh"]].iloc[0]
        spread = f"one run, 95 % interval {low:.3g} to {high:.3g} kWh by its repetitions"
    work = f" ({words})" if (words := work_of(rows)) else ""
    took = "took" if rows["measured_energy_kwh"].isna().all() else "would take"
    words = (
        f"{DOING[phase]} {architecture}{work} {took} {table['energy_mean_kwh']:.3g} kWh ({_kinds(rows)}; {spread}) on "
        f"{_device(rows, gpu)}."
    )
    if normalize_to is None:
        return words
    found = _normalized(frame, architecture, gpu, phase, normalize_to)
    interval = "no interval"
    if found.low_kwh is not None and found.high_kwh is not None:
        interval = f"{found.coverage:.0%} interval {found.low_kwh:.3g} to {found.high_kwh:.3g} kWh".replace("%", " %")
    target = _device(frame[frame["gpu"] == normalize_to], normalize_to)
    return f"{words} Normalized to {target} by {len(found.references)} references: {found.energy_kwh:.3g} kWh " + (
        f"(estimated; {interval})."
    )


def _rows(frame: pd.DataFrame, architecture: str, gpu: str, phase: str) -> pd.DataFrame:
    for column, wanted in (("architecture", architecture), ("gpu", gpu)):
        if wanted not in set(frame[column]):
            known = ", ".join(map(str, frame[column].unique()[:8]))
            raise InputError(f"{column}: found {wanted}, expected one of the table, such as {known}")
    cell = (frame["architecture"] == architecture) & (frame["gpu"] == gpu) & (frame["phase"] == phase)
    rows = frame[cell & (frame["outcome"] == "ok")]
    if rows.empty:
        raise InputError(f"{architecture} on {gpu}: found no energy of phase {phase}, expected one that ended well")
    return rows


def _device(rows: pd.DataFrame, gpu: str) -> str:
    device = ", ".join(rows["device_name"].dropna().unique())
    return f"{device} ({gpu})" if device else gpu


def _count(rows: pd.DataFrame) -> int:
    """GPUs that trained together; processes on a CPU are no more of it."""
    return int(rows["devices"].fillna(1).max()) if rows["gpu_energy_kwh"].notna().any() else 1


def _kinds(rows: pd.DataFrame) -> str:
    return " and ".join(rows["energy_kind"].unique())


def _normalized(frame: pd.DataFrame, architecture: str, gpu: str, phase: str, target: str) -> user_system.Normalized:
    """As if the GPU were the reader's own: the interval rests on the study's other GPUs."""
    if target == gpu:
        raise InputError(f"normalize_to: found {target}, expected another GPU than the one it was measured on")
    both = pair(frame, phase, gpu, target)
    others = both.systems.drop(index=architecture, errors="ignore")
    chosen = references.choose(references.recommended(REFERENCES), others, min(REFERENCES, len(others)))
    known = {str(name): _system(row) for name, row in others.iloc[chosen].iterrows()}
    mine = pair(frame, phase, gpu, gpu).systems.loc[architecture]
    return user_system.normalize(frame[frame["gpu"] != gpu], target, phase, known, _system(mine))


def _system(row: Any) -> user_system.System:
    values = (row[name] for name in ("energy_kwh", "duration_s", "flops", "params"))
    energy_kwh, *rest = (None if pd.isna(value) else float(value) for value in values)
    return user_system.System(energy_kwh or 0.0, *rest)
