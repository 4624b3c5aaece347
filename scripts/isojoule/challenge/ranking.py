"""Rank the systems of all submissions: their energies on the target, their scores, fronts and ranks, with intervals."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from isojoule import readable
from isojoule.challenge.judging import Judged
from isojoule.challenge.ranks import COVERAGE, TOLD_APART, ranks
from isojoule.errors import InputError
from isojoule.normalization.user_repeats import repeats_on
from isojoule.normalization.user_rows import DISAGREEING_FACTOR
from isojoule.normalization.user_system import Target
from isojoule.records.challenge import Kit, Measured

Values = NDArray[np.float64]
COLUMNS = (
    *("team", "system", "energy_kwh", "low_kwh", "high_kwh", "energy_kind"),
    *("quality", "quality_low", "quality_high", "own_energy_kwh", "own_energy_kind", "device", "doubts", "refused"),
)
SHOWN = 10
# half the width of a normal distribution's interval of this coverage, in standard deviations
DEVIATIONS = {0.9: 1.6449, 0.95: 1.96}
# where nothing tells how wrong a normalized energy may be, it is taken for known within this factor
UNKNOWN_FACTOR = 2.0


def rank(
    kit: Kit,
    study: pd.DataFrame,
    judged: Sequence[Judged],
    draws: int,
    seed: int,
    told: Callable[[int, int], None] = lambda _number, _count: None,
) -> pd.DataFrame:
    """Normalize all systems to the target, and rank them by quality per energy.

    Energies are drawn from a lognormal distribution with the interval of their normalization, which has the spread of
    the repeats in it, and qualities from a normal one where a team gave `NAME_low` and `NAME_high`, a 95 % interval.
    Draws are independent of each other, also within a team.

    Args:
        kit: of the organizers.
        study: the table of its study.
        judged: the submissions.
        draws: how many.
        seed: of the draws.
        told: is called with how many submissions are done, and how many there are.

    Returns:
        one row per system, the best first, those without a rank behind them: `team`, `system`, `energy_kwh` on the
        target with `low_kwh` and `high_kwh`, `quality`, `score` with `score_low` and `score_high`, `rank` with
        `rank_low` and `rank_high`, `ahead_of_next`, `on_front`, `front_share` of the draws, `own_energy_kwh`, `device`,
        `doubts`, and `refused` for a submission that is not ranked, which has one row.
    """
    rows: list[dict[str, Any]] = []
    target = Target(study, kit.target, kit.phase)
    for number, of in enumerate(judged):
        rows += _rows(kit, target, of)
        told(number + 1, len(judged))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    numbers = [name for name in COLUMNS if name.endswith("_kwh") or name.startswith("quality")]
    table = table.astype(dict.fromkeys(numbers, "float64"))
    table = _in_per_cent(table, kit.quality)
    energy, quality = table["energy_kwh"].to_numpy(), table["quality"].to_numpy()
    generator = np.random.default_rng(seed)
    half = np.log(table["high_kwh"].to_numpy() / energy)
    half = np.where(np.isnan(half), np.log(UNKNOWN_FACTOR), half)
    shape = draws, len(table)
    drawn_energy = energy * np.exp(half / DEVIATIONS[COVERAGE] * generator.standard_normal(shape))
    deviation = (table["quality_high"] - table["quality_low"]).fillna(0.0).to_numpy() / (2 * DEVIATIONS[0.95])
    drawn_quality = quality + deviation * generator.standard_normal(shape)
    of_baseline = kit.references_kwh[kit.baseline]
    score, drawn = quality * of_baseline / energy, drawn_quality * of_baseline / drawn_energy
    found = ranks(score, drawn)
    tail = (1 - COVERAGE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0) if len(table) else (score, score)
    shares = _on_front(drawn_energy, drawn_quality).mean(axis=0)
    table = table.assign(
        score=score,
        score_low=low,
        score_high=high,
        rank=found.rank,
        rank_low=found.low,
        rank_high=found.high,
        ahead_of_next=found.ahead_of_next,
        on_front=_on_front(energy[None], quality[None])[0],
        front_share=np.where(np.isnan(score), np.nan, shares),
    )
    table = table.sort_values(["rank", "team"], kind="stable", ignore_index=True)
    return table.astype(dict.fromkeys(("rank", "rank_low", "rank_high"), "Int64"))


def in_words(table: pd.DataFrame) -> list[str]:
    """Say who is first, how many are told apart, and who is not ranked and why."""
    ranked = table[table["rank"].notna()]
    unit, sentences = readable.unit("kWh", ranked["energy_kwh"]), []
    for row in ranked.head(SHOWN).itertuples():
        interval = "no interval" if np.isnan(row.low_kwh) else unit.between(row.low_kwh, row.high_kwh)
        sentences.append(
            f"{row.rank} ({row.rank_low} to {row.rank_high}): {row.system} of {row.team}, score {row.score:.3g} "
            f"({row.score_low:.3g} to {row.score_high:.3g}), {unit.shown(row.energy_kwh)} ({interval}) on the target"
        )
    told = int((ranked["ahead_of_next"] >= TOLD_APART).sum())
    pairs = int(ranked["ahead_of_next"].notna().sum())
    noun = "system is" if len(ranked) == 1 else "systems are"
    sentences.append(f"{len(ranked)} {noun} ranked; of {pairs} neighbours in the ranking, {told} are told apart")
    for row in table[table["rank"].isna()].itertuples():
        reason = "it has no quality, and no score" if pd.isna(row.refused) else row.refused
        sentences.append(f"not ranked: {row.system or 'the submission'} of {row.team}: {reason}")
    doubted = table[table["doubts"].fillna("") != ""].drop_duplicates(["team", "doubts"])
    return [*sentences, *(f"doubt: {row.team}: {row.doubts}" for row in doubted.itertuples())]


def _rows(kit: Kit, target: Target, of: Judged) -> list[dict[str, Any]]:
    doubts = "; ".join(of.doubts)
    if of.refused is not None or of.submission is None:
        return [{"team": of.team, "system": "", "refused": of.refused, "doubts": doubts}]
    rows: list[dict[str, Any]] = [
        {"team": of.team, "system": name, "refused": reason, "doubts": doubts}
        for name, reason in of.refused_systems.items()
    ]
    if not of.systems and rows:
        return rows
    if not of.systems:
        others = dict.fromkeys(f"{run.architecture}, {run.phase}" for run in of.submission.systems)
        found = f" ({'; '.join(others)})" if others else ""
        reason = f"found no system with an energy of {kit.phase}{found}"
        return [{"team": of.team, "system": "", "refused": reason, "doubts": doubts}]
    try:
        normalized = repeats_on(target, of.references, of.systems)
    except InputError as error:
        return [{"team": of.team, "system": "", "refused": str(error), "doubts": doubts}]
    for name, result in normalized.items():
        runs = [run for run in of.submission.systems if run.architecture == name and run.phase == kit.phase]
        warnings = [warning for warning in result.warnings if not warning.startswith("kind:")]
        if result.low_kwh is None:
            warnings.append(f"its energy is taken for known within a factor of {UNKNOWN_FACTOR:g}")
        quality, ends, of_quality = _qualities(runs, kit.quality)
        refused = (
            f"found a {kit.quality} of {quality:g}, expected 0 or more" if quality is not None and quality < 0 else None
        )
        warnings += of_quality
        rows.append(
            {
                "team": of.team,
                "system": name,
                "energy_kwh": result.energy_kwh,
                "energy_kind": result.energy_kind,
                "low_kwh": result.low_kwh,
                "high_kwh": result.high_kwh,
                "quality": None if refused else quality,
                "refused": refused,
                **ends,
                "own_energy_kwh": of.systems[name].system.energy_kwh,
                "own_energy_kind": runs[0].energy_kind,
                "device": runs[0].device,
                "doubts": "; ".join(filter(None, [doubts, *warnings])),
            }
        )
    return rows


def _qualities(runs: Sequence[Measured], name: str) -> tuple[float | None, dict[str, float], list[str]]:
    """Return the quality of a system, the ends of its interval where it has one, and what is doubtful of them."""
    quality, low, high = (_quality(runs, f"{name}{end}") for end in ("", "_low", "_high"))
    of_runs = [run.quality[name] for run in runs if name in run.quality]
    doubts = []
    if of_runs and max(of_runs) > DISAGREEING_FACTOR * min(of_runs):
        doubts.append(f"{name} is {min(of_runs):g} to {max(of_runs):g} in its repeats, whose mean is ranked")
    if quality is None or (low is None and high is None):
        return quality, {}, doubts
    if low is None or high is None or not low <= quality <= high:
        ends = " to ".join("nothing" if end is None else f"{end:g}" for end in (low, high))
        return quality, {}, [*doubts, f"{name}: found {quality:g} with an interval of {ends}, which is not used"]
    return quality, {"quality_low": low, "quality_high": high}, doubts


def _in_per_cent(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Doubt qualities above 1 where those of most systems are not: they may be in per cent."""
    is_above = table["quality"] > 1
    if not 0 < is_above.sum() < table["quality"].notna().sum() / 2:
        return table
    doubt = f"{name} is above 1, and that of most systems is not; is it in per cent?"
    doubts = [
        "; ".join(filter(None, [text, doubt])) if above else text
        for text, above in zip(table["doubts"], is_above, strict=True)
    ]
    return table.assign(doubts=doubts)


def _quality(runs: Sequence[Measured], name: str) -> float | None:
    values = [run.quality[name] for run in runs if name in run.quality]
    return float(np.mean(values)) if values else None


def _on_front(energy: Values, quality: Values) -> NDArray[np.bool_]:
    """Whether no other system has less of the one and as much of the other, in every row, (draws, n)."""
    key = np.where(np.isnan(energy) | np.isnan(quality), np.inf, energy)
    worth = np.where(np.isinf(key), -np.inf, quality)
    order = np.lexsort((-worth, key), axis=1)
    sorted_key, sorted_worth = (np.take_along_axis(values, order, axis=1) for values in (key, worth))
    before = np.maximum.accumulate(sorted_worth, axis=1)
    before = np.concatenate([np.full((len(worth), 1), -np.inf), before[:, :-1]], axis=1)
    # of systems that are equal in both, all are on the front, or none
    is_first = np.ones(worth.shape, dtype=bool)
    is_first[:, 1:] = (sorted_key[:, 1:] != sorted_key[:, :-1]) | (sorted_worth[:, 1:] != sorted_worth[:, :-1])
    first = np.maximum.accumulate(np.where(is_first, np.arange(worth.shape[1]), 0), axis=1)
    on_front = np.zeros(worth.shape, dtype=bool)
    np.put_along_axis(on_front, order, np.take_along_axis(sorted_worth > before, first, axis=1), axis=1)
    return on_front
