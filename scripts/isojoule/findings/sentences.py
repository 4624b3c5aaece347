"""Rules that make sentences from the tables of a study; a rule is silent where the data does not support its sentence.

Energies of cells that ran once have no interval, so that nothing is said of their differences.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pandas as pd

from isojoule import readable
from isojoule.flags.of_record import MEANINGS
from isojoule.readable import counted
from isojoule.tables.columns import PHASES
from isojoule.tables.devices import only_device
from isojoule.tables.energy import energy_table
from isojoule.tables.qualities import QUALITIES

WORDS = {"train": "training", "test": "test"}
# of a best quality q, those of at least q - 0.01 |q| are near
NEAR = 0.01
# members of a front are named that are on it in this share of the draws, where these are from enough runs
USUAL, FEWEST_RUNS = 0.95, 3
# a coefficient of determination of fewer architectures says little
FEWEST_EXPLAINED = 10
MOST_NAMED = 6
# the flag of what the kinds of energy tell
ESTIMATED = "estimated"
FRONTS, EXPLAINED, REFERENCES = "pareto/fronts.csv", "compute-energy/explained.csv", "normalization/references.csv"
ENERGY, MEASUREMENTS, FLAGS = "tables/energy.csv", "measurements.csv", "tables/flags.csv"


class Finding(NamedTuple):
    """One sentence.

    Attributes:
        topic: what it is about, one word.
        sentence: what was found, with its figure.
        section: anchor of the section of the page that has more.
        table: the table below the study's results that it was made from.
    """

    topic: str
    sentence: str
    section: str
    table: str


def findings(frame: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> list[Finding]:
    """Make the sentences.

    Args:
        frame: a table of measurements.
        tables: tables by their path below the study's results: `FRONTS`, `EXPLAINED` and `REFERENCES`; a table that is
            not given, or has no row, says nothing.

    Returns:
        one to eight of them, the answers to what a reader asks first before what to know about them.
    """
    fronts, explained, references = (tables.get(name, pd.DataFrame()) for name in (FRONTS, EXPLAINED, REFERENCES))
    energies = energy_table(frame)
    return [
        *_choice(fronts),
        *_front(fronts, energies),
        *_explained(explained),
        *_carried_over(references, frame),
        *_spread(energies),
        *_kinds(frame),
        *_missing(frame),
        *_flagged(frame),
    ]


def fronts_of_energy(fronts: pd.DataFrame) -> tuple[str, str, dict[str, pd.DataFrame]]:
    """Return phase, quality and rows by platform of the fronts of its own energies; training first."""
    if fronts.empty:
        return "", "", {}
    rows = fronts[(fronts["cost"] == "energy_kwh") & (fronts["normalized_to"].fillna("") == "")]
    phase = next((phase for phase in PHASES if (rows["phase"] == phase).any()), "")
    rows = rows[rows["phase"] == phase]
    if rows.empty:
        return "", "", {}
    quality = str(rows["quality"].iloc[0])
    by_gpu = rows[rows["quality"] == quality].groupby("gpu", sort=False)
    return phase, quality, {str(gpu): part.set_index("architecture") for gpu, part in by_gpu}


def _choice(fronts: pd.DataFrame) -> Iterator[Finding]:
    """Name the cheapest model within 1 % of the best quality, and what it saves, on the first platform that tells."""
    phase, quality, by_gpu = fronts_of_energy(fronts)
    choices = {gpu: cheapest_near_best(rows) for gpu, rows in by_gpu.items() if _is_told_apart(rows)}
    if not choices:
        return
    gpu, (cheapest, best) = next(iter(choices.items()))
    rows = by_gpu[gpu]
    energy_kwh, best_kwh = rows.loc[[cheapest, best], "cost_mean"]
    value, best_value = rows.loc[[cheapest, best], "quality_mean"]
    low, high = (readable.digits(rows.loc[cheapest, f"quality_ci95_{end}"]) for end in ("low", "high"))
    best_shown = readable.digits(best_value)
    sure = f", 95 % interval {low} to {high}" if low else ""
    unit, name = readable.unit("kWh", [energy_kwh]), _quality(quality)
    energy = f"{unit.shown(energy_kwh)} ({rows['energy_kind'].iloc[0]}) for its {WORDS[phase]}"
    if cheapest == best:
        sentence = (
            f"{best} has the best {name} on {gpu}, {best_shown}{sure}, and no model within 1 % of it takes less "
            f"energy: {energy}"
        )
    else:
        sentence = (
            f"{cheapest} is the cheapest model within 1 % of the best {name} on {gpu} "
            f"({readable.digits(value)}{sure}, and {best_shown} of {best}): it takes {energy}, which is "
            f"{readable.digits(100 * (1 - energy_kwh / best_kwh))} % less than the best"
        )
    if len(by_gpu) > 1:
        same = sum(choice[0] == cheapest for choice in choices.values())
        sentence += f"; it is the choice on {_of_platforms(same, len(by_gpu))}{_kinds_of(by_gpu)}"
    if rivals := _rivals(rows, cheapest, best):
        sentence += f". By the intervals {named(rivals, 'or')} could be as near the best for less"
    yield Finding("choice", sentence, "fronts", FRONTS)


def least_near(rows: pd.DataFrame) -> float:
    """Return the least quality that is near the best one of a front."""
    best = float(rows["quality_mean"].max())
    return best - NEAR * abs(best)


def cheapest_near_best(rows: pd.DataFrame) -> tuple[str, str]:
    """Return the cheapest model near the best quality of a front, and the cheapest of the best."""
    near = rows[rows["quality_mean"] >= least_near(rows)]
    best = rows[rows["quality_mean"] == rows["quality_mean"].max()]
    return str(near["cost_mean"].idxmin()), str(best["cost_mean"].idxmin())


def _rivals(rows: pd.DataFrame, cheapest: str, best: str) -> list[str]:
    """Name the cheaper models that the mean quality leaves out, and its intervals do not; the dearest first."""
    cheaper = rows[rows["cost_mean"] < rows.loc[cheapest, "cost_mean"]].sort_values("cost_mean", ascending=False)
    # a comparison with a missing end is false
    is_near = cheaper["quality_ci95_high"] >= rows.loc[best, "quality_ci95_low"]
    return [str(name) for name in cheaper.index[is_near & (cheaper["quality_mean"] < least_near(rows))]]


def _is_told_apart(rows: pd.DataFrame) -> bool:
    """Tell whether qualities differ, and energies tell the cheapest model near the best from the others near it."""
    if rows["quality_mean"].nunique() < 2:
        return False
    near = rows[rows["quality_mean"] >= least_near(rows)]
    cheapest = near["cost_mean"].idxmin()
    high = near.loc[cheapest, "cost_ci95_high"]
    # a comparison with a missing end is false
    return pd.notna(high) and bool((near.drop(index=cheapest)["cost_ci95_low"] > high).all())


def _front(fronts: pd.DataFrame, energies: pd.DataFrame) -> Iterator[Finding]:
    """Say what the front is, on how many platforms it holds, and which of its members nearly all draws have."""
    phase, quality, by_gpu = fronts_of_energy(fronts)
    # a single model is not compared with any
    if not by_gpu or any(len(rows) < 2 or rows["probability_optimal"].isna().all() for rows in by_gpu.values()):
        return
    front = f"the front of {WORDS[phase]} energy and {_quality(quality)}"
    optimal = {gpu: set(rows.index[rows["verdict"] == "optimal"]) for gpu, rows in by_gpu.items()}
    if len(by_gpu) == 1:
        gpu = next(iter(by_gpu))
        sentence = f"{len(optimal[gpu])} of {len(by_gpu[gpu])} models are on {front} on {gpu}"
    else:
        union, common = set.union(*optimal.values()), set.intersection(*optimal.values())
        models, platforms = (
            counted(len(union), "model is", "models are"),
            _all_platforms(len(by_gpu)) + _kinds_of(by_gpu),
        )
        if union == common:
            which = f"The same {models} on {front} on {platforms}"
        else:
            which = f"{models} on {front} on some platform, and {len(common)} of them on {platforms}"
        sentence = which
    yield Finding("front", sentence + _usual(by_gpu, optimal, energies), "fronts", FRONTS)


def _usual(by_gpu: Mapping[str, pd.DataFrame], optimal: Mapping[str, set[Any]], energies: pd.DataFrame) -> str:
    """Name the members of the front in nearly all draws on each platform; nothing where too few runs are drawn from."""
    names = list(dict.fromkeys(name for rows in by_gpu.values() for name in rows.sort_values("cost_mean").index))
    drawn_from = energies[energies["architecture"].isin(names) & energies["gpu"].isin(by_gpu)]
    runs = drawn_from.loc[drawn_from["repeats"] > 0, "repeats"].min()
    # without a cell there is no number of runs
    if not runs >= FEWEST_RUNS:
        return ""
    usual = [
        name
        for name in names
        if all(
            name in optimal[gpu] and rows["probability_optimal"].get(name, 0) >= USUAL for gpu, rows in by_gpu.items()
        )
    ]
    each = " on each" if len(by_gpu) > 1 else ""
    return (
        f"; in at least {_percent(USUAL)} % of the draws from {runs:.0f} runs of a cell{each}: {named(usual) or 'none'}"
    )


def _explained(explained: pd.DataFrame) -> Iterator[Finding]:
    """Say how much of the energy FLOPs explain."""
    if explained.empty:
        return
    rows = explained[(explained["families"] == "all") & (explained["predictors"] == "flops")]
    phase = next((phase for phase in PHASES if (rows["phase"] == phase).any()), "")
    rows = rows[(rows["phase"] == phase) & (rows["n"] >= FEWEST_EXPLAINED) & rows["r2"].notna()]
    if rows.empty:
        return
    first = rows.iloc[0]
    sentence = (
        f"A line over FLOPs explains {_percent(first['r2'])} % of the variance of the {WORDS[phase]} energies of "
        f"{first['n']:.0f} architectures on {first['gpu']} ({first['energy_kind']})"
    )
    if len(rows) > 1:
        least, most = _percent(rows["r2"].min()), _percent(rows["r2"].max())
        on = f"{len(rows)} platforms{_kinds_of({'': rows})}"
        sentence += f", and {least if least == most else f'{least} to {most}'} % on {on}"
    yield Finding("compute", sentence, "claims", EXPLAINED)


def _carried_over(references: pd.DataFrame, frame: pd.DataFrame) -> Iterator[Finding]:
    """Say how well energies carry over to a GPU that the study does not have, and with how many references."""
    # settings of one device do not tell what another would take
    if references.empty or only_device(frame[frame["outcome"] == "ok"]):
        return
    phase = next(phase for phase in PHASES if (references["phase"] == phase).any())
    rows = references[(references["phase"] == phase) & references["mdape_percent"].notna()]
    chosen = rows[rows["to_publish"]]
    if chosen.empty:
        return
    row = chosen.iloc[0]
    yield Finding(
        "normalization",
        f"{row['references']:.0f} reference architectures carry the {WORDS[phase]} energies over to a platform that "
        f"the study does not have with a median error of {readable.digits(row['mdape_percent'])} % (90 % interval "
        f"{readable.digits(row['mdape_low_percent'])} to {readable.digits(row['mdape_high_percent'])} %)",
        "normalization",
        REFERENCES,
    )


def _spread(energies: pd.DataFrame) -> Iterator[Finding]:
    """Say how far the repeats of a cell differ, which is how sure an energy is."""
    variation = energies["energy_cv_percent"].astype("float64").dropna()
    if variation.empty:
        return
    runs = energies.loc[variation.index, "repeats"]
    fewest, most = int(runs.min()), int(runs.max())
    yield Finding(
        "spread",
        f"The energies of the {fewest if fewest == most else f'{fewest} to {most}'} runs of a cell have a standard "
        f"deviation of {readable.digits(variation.median())} % in the median of {counted(len(variation), 'cell')}, and "
        f"of {readable.digits(variation.max())} % in the worst",
        "energy",
        ENERGY,
    )


def _kinds(frame: pd.DataFrame) -> Iterator[Finding]:
    """Say how many energies were measured, and how many were not."""
    kinds = frame.loc[frame["outcome"] == "ok", "energy_kind"].value_counts()
    if kinds.empty:
        return
    total, by_kind = int(kinds.sum()), {str(kind): int(count) for kind, count in kinds.items()}
    unmeasured = "" if "measured" in by_kind else ": no instrument measured any of them"
    if len(by_kind) == 1:
        whole = "The only energy is" if total == 1 else f"All {total:,} energies are"
        sentence = f"{whole} {next(iter(by_kind))}{unmeasured if total > 1 else ''}"
    else:
        sentence = (
            f"Of {total:,} energies {' and '.join(f'{n:,} are {kind}' for kind, n in by_kind.items())}{unmeasured}"
        )
    yield Finding("kinds", sentence, "how", MEASUREMENTS)


def _missing(frame: pd.DataFrame) -> Iterator[Finding]:
    """Say how many cells have no energy, and why."""
    outcomes = frame.loc[frame["outcome"] != "ok", "outcome"].value_counts()
    if len(outcomes):
        reasons = ", ".join(f"{count:,} {outcome}" for outcome, count in outcomes.items())
        sentence = f"{outcomes.sum():,} of {len(frame):,} cells are not in these results ({reasons})"
        yield Finding("missing", sentence, "how", MEASUREMENTS)


def _flagged(frame: pd.DataFrame) -> Iterator[Finding]:
    """Say how many records have a flag besides that of an estimate, which the kinds tell, and which one most have."""
    every = frame.loc[frame["outcome"] == "ok", "flags"].dropna().str.split().explode().dropna()
    flags = every[every != ESTIMATED]
    if flags.empty:
        return
    counts: Any = flags.value_counts()
    flag, count = str(counts.index[0]), int(counts.iloc[0])
    meaning = f": {MEANINGS[flag]}" if flag in MEANINGS else ""
    energies = (frame["outcome"] == "ok").sum()
    flagged = flags.index.nunique()
    share = (
        f"All {energies:,} energies"
        if flagged == energies
        else f"{flagged:,} of {counted(energies, 'energy', 'energies')}"
    )
    besides = " besides that of an estimate" if len(flags) < len(every) else ""
    sentence = f"{share} have a flag{besides}; the most frequent is {flag}, on {count:,}{meaning}"
    yield Finding("flags", sentence, "how", FLAGS)


def _quality(name: str) -> str:
    label = QUALITIES.get(name, name.replace("_", " "))
    return label[0].lower() + label[1:]


def named(names: list[str], last: str = "") -> str:
    """Name the first few, and count the others; a word may stand before the last name."""
    if len(names) > MOST_NAMED:
        return f"{', '.join(names[:MOST_NAMED])} {last or 'and'} {len(names) - MOST_NAMED} more"
    if last and len(names) > 1:
        return f"{', '.join(names[:-1])} {last} {names[-1]}"
    return ", ".join(names)


def _kinds_of(by_gpu: Mapping[str, pd.DataFrame]) -> str:
    """Name the kinds of energy in brackets where platforms differ in them."""
    kinds = [kind for rows in by_gpu.values() for kind in rows["energy_kind"].dropna().unique()]
    return f" ({', '.join(dict.fromkeys(kinds))})" if len(set(kinds)) > 1 else ""


def _all_platforms(count: int) -> str:
    return "both platforms" if count == 2 else f"all {count} platforms"


def _of_platforms(part: int, count: int) -> str:
    return _all_platforms(count) if part == count else f"{part} of {count} platforms"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"
