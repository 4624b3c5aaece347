"""All fronts of a study: every cost against every quality, on each GPU and normalized to one; and their stability."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from isojoule.errors import InputError
from isojoule.fronts.stability import KEYS, stability
from isojoule.normalization import references
from isojoule.normalization.corrected import Corrected
from isojoule.normalization.pairs import pair
from isojoule.pareto.front import DRAWS, SEPARATOR, WITHIN_NOISE, Front, find_front
from isojoule.pareto.objectives import Objective
from isojoule.tables.measurements import PHASES, QUALITIES, qualities_of
from isojoule.tables.models import with_quality

NORMALIZED = "normalized_energy_kwh"
# columns of costs, and whether they are a phase's
COSTS = {"energy_kwh": True, "emissions_kg_co2e": True, "flops": False, "params": False}
UNITS = {"energy_kwh": "kWh", NORMALIZED: "kWh", "emissions_kg_co2e": "kg CO2e", "flops": "FLOP", "params": ""}
# counted, so that there is no kind of energy; and what a model makes of energies, which is at best an estimate
COUNTED, DERIVED = ("flops", "params"), (NORMALIZED, "emissions_kg_co2e")
# measured on both GPUs; from here on more of them change little
REFERENCES = 8


@dataclass(frozen=True)
class Fronts:
    """The fronts of a study.

    Attributes:
        table: one row per front and architecture: `KEYS`, `unit` of the cost, `energy_kind`, `architecture`, `family`,
            statistics of the cost (`cost_mean`, ...) and the quality (`quality_mean`, ...), what `Front.table` has.
        summary: one row per front: how many models, how many of them optimal or within noise, hypervolume, its
            reference point, what was left out and why.
        stability: one row per cost, phase, quality and pair of GPUs: members of both fronts among those of either.
        notes: sentences on what there is no front of.
    """

    table: pd.DataFrame
    summary: pd.DataFrame
    stability: pd.DataFrame
    notes: list[str]


def fronts(
    frame: pd.DataFrame,
    qualities: Sequence[str] | None = None,
    normalize_to: str | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Fronts:
    """Find the fronts of a study.

    Args:
        frame: a table of measurements, its energies of one kind on each GPU.
        qualities: columns of which more is better; by default those that we know and the table has.
        normalize_to: GPU that energies are normalized to; by default the first one with an energy.
        draws: of the bootstrap over repeats.
        seed: of the bootstrap.

    Raises:
        InputError: a quality is no column of numbers, or `normalize_to` no GPU of the table.
    """
    gpus, qualities = list(frame["gpu"].unique()), list(dict.fromkeys(qualities or qualities_of(frame)))
    for quality in qualities:
        known = frame[quality].dropna() if quality in frame else None
        if known is None or (len(known) and not pd.api.types.is_numeric_dtype(known)):
            raise InputError(f"qualities: found {quality}, expected columns of numbers, such as {', '.join(QUALITIES)}")
    if normalize_to is not None and normalize_to not in gpus:
        raise InputError(f"normalize_to: found {normalize_to}, expected one of {', '.join(gpus)}")
    ok = frame["outcome"] == "ok"
    ended = [name for name in (*COSTS, *qualities) if COSTS.get(name, True)]
    known = with_quality(frame.assign(**{name: frame[name].where(ok) for name in ended}), qualities, "architecture")
    known = known[known["gpu"].isin(frame.loc[ok, "gpu"])]
    absent = [quality for quality in qualities if known[quality].isna().all()]
    parts: list[pd.DataFrame] = []
    summaries: list[dict[str, object]] = []
    notes = [f"no front on {gpu}: it has no energy" for gpu in gpus if gpu not in set(known["gpu"])]
    notes += [f"no front against {quality}: no model has it" for quality in absent]
    notes += [] if qualities else [f"no front: no model has a quality, such as {', '.join(QUALITIES)}"]
    for key, rows in _sets(known, normalize_to, notes):
        for quality in (name for name in qualities if name not in absent):
            named = dict(zip(KEYS, (*key, quality), strict=True))
            objectives = [Objective(key[0], logarithmic=True), Objective(quality, maximize=True)]
            if quality not in rows or rows[quality].isna().all():
                notes.append(f"no front of {_words(named)}: no model has that quality there")
                continue
            try:
                front = find_front(rows, objectives, missing="leave-out", draws=draws, seed=seed)
            except InputError as error:
                notes.append(f"no front of {_words(named)}: {error}")
                continue
            named |= {"unit": UNITS[key[0]], "energy_kind": _kind(key[0], rows)}
            parts.append(_renamed(front, named, rows))
            summaries.append(_summed(front, named))
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*KEYS, "architecture"])
    summary = pd.DataFrame(summaries, columns=None if summaries else KEYS)
    return Fronts(table, summary, stability(table), list(dict.fromkeys(notes)))


Key = tuple[str, str, str, str]


def _sets(frame: pd.DataFrame, normalize_to: str | None, notes: list[str]) -> Iterator[tuple[Key, pd.DataFrame]]:
    """Cost, phase, GPU and target of every front to be, and its rows: one per model and repeat."""
    gpus = list(frame["gpu"].unique())
    phases = [phase for phase in PHASES if (frame["phase"] == phase).any()]
    for cost, of_phase in COSTS.items():
        if cost not in frame or frame[cost].isna().all():
            notes.append(f"no front of {cost}: the table has no value of it")
            continue
        for phase in phases if of_phase else [""]:
            for gpu in gpus:
                mine = frame[(frame["gpu"] == gpu) & ((frame["phase"] == phase) | (phase == ""))]
                if len(mine):
                    yield (cost, phase, gpu, ""), mine if of_phase else _once_per_repeat(mine)
    target = normalize_to or next(iter(gpus), None)
    for phase in phases:
        for gpu in gpus:
            if gpu != target and target:
                try:
                    yield (NORMALIZED, phase, gpu, target), _normalized(frame, phase, gpu, target)
                except InputError as error:
                    notes.append(f"no front of {phase} on {gpu} normalized to {target}: {error}")


def _once_per_repeat(rows: pd.DataFrame) -> pd.DataFrame:
    """What does not depend on the phase must not count as many repeats as there are phases."""
    return rows.drop_duplicates(["architecture", "repeat"])


def _normalized(frame: pd.DataFrame, phase: str, gpu: str, target: str) -> pd.DataFrame:
    """The phase's rows on a GPU, with the energy of each repeat normalized to the target by our default method.

    Eight references, chosen by the target's energies; their own energies there are taken: they were measured on both.
    """
    both = pair(frame, phase, gpu, target)
    count = min(REFERENCES, len(both.systems) - 2)
    if count < 2:
        raise InputError(f"found {len(both.systems)} models on both, expected 4 or more")
    on_target = pair(frame, phase, target, gpu).systems.loc[both.systems.index]
    chosen = references.choose(references.recommended(count), on_target, count)
    everything = frame[(frame["phase"] == phase) & (frame["gpu"] == gpu)]
    rows = everything[everything["architecture"].isin(both.systems.index) & (everything["outcome"] == "ok")]
    method = Corrected().suited(both.systems)
    asked = both.systems.loc[rows["architecture"]].assign(
        energy_kwh=rows["energy_kwh"].to_numpy(dtype=np.float64),
        duration_s=rows["duration_s"].to_numpy(dtype=np.float64, na_value=np.nan),
    )
    values = method.matrix(both.systems)[chosen]
    if not method.determined(values[None])[0]:
        raise InputError("found references that are all alike, expected at least 2 different energies")
    energy_kwh = method.predictions(values[None], both.target_kwh[chosen][None], method.matrix(asked))[0]
    # a reference was measured on the target; only its spread over repeats is this GPU's
    for place in chosen:
        mine = (rows["architecture"] == both.systems.index[place]).to_numpy()
        ratio = both.target_kwh[place] / both.systems["energy_kwh"].iloc[place]
        energy_kwh[mine] = ratio * asked["energy_kwh"].to_numpy()[mine]
    # those without an energy on either are there to be left out by name
    normalized = pd.Series(energy_kwh, index=rows.index).reindex(everything.index)
    return everything.assign(**{NORMALIZED: normalized})


def _kind(cost: str, rows: pd.DataFrame) -> str:
    """What the energies behind a cost are; of a simulated one nothing is but simulated."""
    kinds = sorted(rows["energy_kind"].dropna().unique())
    if cost in COUNTED:
        return ""
    return "estimated" if cost in DERIVED and "simulated" not in kinds else ", ".join(kinds)


def _renamed(front: Front, named: dict[str, str], rows: pd.DataFrame) -> pd.DataFrame:
    """The front's table, its objectives called cost and quality."""
    prefixes = {named["cost"]: "cost", named["quality"]: "quality"}
    table = front.table.rename(
        columns={
            f"{old}{end}": f"{new}{end}"
            for old, new in prefixes.items()
            for end in ("_mean", "_std", "_ci95_low", "_ci95_high")
        }
    )
    families = rows.drop_duplicates("architecture").set_index("architecture")["family"]
    table.insert(1, "family", table["architecture"].map(families))
    for place, (key, value) in enumerate(named.items()):
        table.insert(place, key, value)
    return table


def _summed(front: Front, named: dict[str, str]) -> dict[str, object]:
    return {
        **named,
        "models": len(front.table),
        "optimal": int(front.table["optimal"].sum()),
        "within_noise": int((front.table["verdict"] == WITHIN_NOISE).sum()),
        "hypervolume": front.hypervolume,
        "cost_scale": "decades",
        "cost_reference": front.reference_point[named["cost"]],
        "quality_reference": front.reference_point[named["quality"]],
        "left_out": SEPARATOR.join(f"{name}: {reason}" for name, reason in front.left_out.items()),
    }


def _words(named: dict[str, str]) -> str:
    to = f" normalized to {named['normalized_to']}" if named["normalized_to"] else ""
    return f"{named['cost']} against {named['quality']} on {named['gpu']}{to}"
