"""All fronts of a study: every cost against every quality, on each GPU and normalized to one; and their stability."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from isojoule.errors import InputError
from isojoule.fronts.costs import COSTS, NORMALIZED
from isojoule.fronts.normalized_energies import with_normalized_energies
from isojoule.fronts.stability import KEYS, stability
from isojoule.pareto.front import DRAWS, SEPARATOR, VERDICTS, WITHIN_NOISE, Front, find_front
from isojoule.pareto.objectives import Objective
from isojoule.tables.columns import PHASES
from isojoule.tables.expected import Expected
from isojoule.tables.kinds import of_estimate
from isojoule.tables.models import with_quality
from isojoule.tables.qualities import QUALITIES, qualities_of

STATISTICS = ("_mean", "_std", "_ci95_low", "_ci95_high")
# what the readers of the tables of fronts need of them
KEYS_OF_FRONT = {"cost": tuple(COSTS), "phase": ("", *PHASES)}
NUMBERS = (
    *(f"{name}{ending}" for name in ("cost", "quality") for ending in ("_mean", "_ci95_low", "_ci95_high")),
    "probability_optimal",
)
TABLE = Expected(
    "the fronts of isojoule compare-fronts",
    words=("gpu", "quality", "architecture", "family"),
    optional=("normalized_to", "unit", "energy_kind", "dominated_by"),
    numbers=NUMBERS,
    # the page has them as JSON
    finite=NUMBERS,
    choices={**KEYS_OF_FRONT, "verdict": VERDICTS},
)
SUMMARY = Expected(
    "the summary of isojoule compare-fronts",
    words=("gpu", "quality"),
    optional=("normalized_to", "unit", "energy_kind", "left_out"),
    numbers=("models", "optimal", "within_noise", "hypervolume", "cost_reference", "quality_reference"),
    choices=KEYS_OF_FRONT,
)
STABILITY = Expected(
    "the stability of isojoule compare-fronts",
    words=("quality", "gpu_a", "gpu_b"),
    optional=("normalized_to", "both", "only_a", "only_b"),
    numbers=("models", "front_jaccard", "undecided"),
    choices=KEYS_OF_FRONT,
)


@dataclass(frozen=True)
class Fronts:
    """The fronts of a study.

    Attributes:
        table: one row per front and architecture: `KEYS`, `unit` of the cost, `energy_kind`, `architecture`, `family`,
            statistics of the cost (`cost_mean`, ...) and of the quality (`quality_mean`, ...), and the further columns
            of `Front.table`.
        summary: one row per front: the number of models, of optimal ones and of those within noise, the hypervolume and
            its reference point, and what was left out and why.
        stability: one row per cost, phase, quality and pair of GPUs, as `stability` returns it.
        notes: sentences on fronts that there are not, and why.
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
        frame: a table of measurements, whose energies are of one kind on each GPU.
        qualities: columns of which more is better; by default the qualities that isojoule knows and the table has.
        normalize_to: GPU that energies are normalized to; by default the first one with an energy.
        draws: number of draws of the bootstrap over repeats.
        seed: seed of the bootstrap.

    Raises:
        InputError: a quality is no column of numbers, or `normalize_to` is no GPU of the table.
    """
    qualities = list(dict.fromkeys(qualities or qualities_of(frame)))
    _check(frame, qualities, normalize_to)
    ended_well = _ended_well(frame, qualities)
    gpus = [gpu for gpu in frame["gpu"].unique() if gpu not in set(ended_well["gpu"])]
    absent = [quality for quality in qualities if ended_well[quality].isna().all()]
    notes = [f"no front on {gpu}: it has no energy" for gpu in gpus]
    notes += [f"no front against {quality}: no model has it" for quality in absent]
    notes += [] if qualities else [f"no front: no model has a quality, such as {', '.join(QUALITIES)}"]
    tables: list[pd.DataFrame] = []
    summaries: list[dict[str, object]] = []
    for key, rows in _rows_of_fronts(ended_well, normalize_to, notes):
        for quality in (name for name in qualities if name not in absent):
            keys = dict(zip(KEYS, (*key, quality), strict=True))
            if quality not in rows or rows[quality].isna().all():
                notes.append(f"no front of {_in_words(keys)}: no model has that quality there")
                continue
            objectives = [Objective(keys["cost"], logarithmic=True), Objective(quality, maximize=True)]
            try:
                front = find_front(rows, objectives, missing="leave-out", draws=draws, seed=seed)
            except InputError as error:
                notes.append(f"no front of {_in_words(keys)}: {error}")
                continue
            keys |= {"unit": COSTS[keys["cost"]].unit, "energy_kind": _energy_kind(keys["cost"], rows)}
            tables.append(_table(front, keys, rows))
            summaries.append(_summary(front, keys))
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=[*KEYS, "architecture"])
    summary = pd.DataFrame(summaries, columns=None if summaries else KEYS)
    return Fronts(table, summary, stability(table), list(dict.fromkeys(notes)))


def _check(frame: pd.DataFrame, qualities: Sequence[str], normalize_to: str | None) -> None:
    for quality in qualities:
        values = frame[quality].dropna() if quality in frame else None
        if values is None or (len(values) and not pd.api.types.is_numeric_dtype(values)):
            raise InputError(f"qualities: found {quality}, expected columns of numbers, such as {', '.join(QUALITIES)}")
    gpus = list(frame["gpu"].unique())
    if normalize_to is not None and normalize_to not in gpus:
        raise InputError(f"target: found {normalize_to}, expected one of {', '.join(gpus)}")


def _ended_well(frame: pd.DataFrame, qualities: Sequence[str]) -> pd.DataFrame:
    """Return the table with the measured values of cells that ended well alone, on GPUs where some did.

    Counts stay for all cells; a test's quality stands on the rows of its training as well.
    """
    is_ok = frame["outcome"] == "ok"
    measured = [name for name, cost in COSTS.items() if cost.has_phases and name in frame]
    values = {name: frame[name].where(is_ok) for name in (*measured, *qualities)}
    table = with_quality(frame.assign(**values), qualities, "architecture")
    return table[table["gpu"].isin(frame.loc[is_ok, "gpu"])]


# cost, phase, GPU, and the GPU that the cost is normalized to
Key = tuple[str, str, str, str]


def _rows_of_fronts(
    frame: pd.DataFrame, normalize_to: str | None, notes: list[str]
) -> Iterator[tuple[Key, pd.DataFrame]]:
    """Yield for every front to find its key and its rows, one per model and repeat; what cannot be is noted."""
    gpus = list(frame["gpu"].unique())
    phases = [phase for phase in PHASES if (frame["phase"] == phase).any()]
    for name in (name for name in COSTS if name != NORMALIZED):
        if name not in frame or frame[name].isna().all():
            notes.append(f"no front of {name}: the table has no value of it")
            continue
        has_phases = COSTS[name].has_phases
        for phase in phases if has_phases else [""]:
            for gpu in gpus:
                rows = frame[(frame["gpu"] == gpu) & ((frame["phase"] == phase) | (phase == ""))]
                if len(rows):
                    yield (name, phase, gpu, ""), rows if has_phases else _once_per_repeat(rows)
    target = normalize_to or next(iter(gpus), None)
    for phase in phases:
        for gpu in gpus:
            if gpu != target and target:
                try:
                    yield (NORMALIZED, phase, gpu, target), with_normalized_energies(frame, phase, gpu, target)
                except InputError as error:
                    notes.append(f"no front of {phase} on {gpu} normalized to {target}: {error}")


def _once_per_repeat(rows: pd.DataFrame) -> pd.DataFrame:
    """Drop the further phases of a repeat: what does not depend on the phase must not count as several repeats."""
    return rows.drop_duplicates(["architecture", "repeat"])


def _energy_kind(cost: str, rows: pd.DataFrame) -> str:
    """Name the kind of a cost's energies: a derived cost is an estimate, unless its energies are simulated."""
    if not COSTS[cost].has_phases:
        return ""
    kinds = sorted(rows["energy_kind"].dropna().unique())
    return of_estimate(kinds) if COSTS[cost].is_derived else ", ".join(kinds)


def _table(front: Front, keys: dict[str, str], rows: pd.DataFrame) -> pd.DataFrame:
    """Return the table of a front with its keys and families, and with its objectives called cost and quality."""
    new_names = {keys["cost"]: "cost", keys["quality"]: "quality"}
    table = front.table.rename(
        columns={f"{old}{ending}": f"{new}{ending}" for old, new in new_names.items() for ending in STATISTICS}
    )
    families = rows.drop_duplicates("architecture").set_index("architecture")["family"]
    table.insert(1, "family", table["architecture"].map(families))
    for place, (name, value) in enumerate(keys.items()):
        table.insert(place, name, value)
    return table


def _summary(front: Front, keys: dict[str, str]) -> dict[str, object]:
    return {
        **keys,
        "models": len(front.table),
        "optimal": int(front.table["optimal"].sum()),
        "within_noise": int((front.table["verdict"] == WITHIN_NOISE).sum()),
        "hypervolume": front.hypervolume,
        "cost_scale": "decades",
        "cost_reference": front.reference_point[keys["cost"]],
        "quality_reference": front.reference_point[keys["quality"]],
        "left_out": SEPARATOR.join(f"{name}: {reason}" for name, reason in front.left_out.items()),
    }


def _in_words(keys: dict[str, str]) -> str:
    to_target = f" normalized to {keys['normalized_to']}" if keys["normalized_to"] else ""
    return f"{keys['cost']} against {keys['quality']} on {keys['gpu']}{to_target}"
