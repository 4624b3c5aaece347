"""Do the intervals around normalized energies hold what they say? Tried on tables of others, as a user would ask.

The user has a platform, some references and one system that the study has not seen. In the scenario `own` the study has
the user's platform as well, in the scenario `new` it does not.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from isojoule.errors import InputError
from isojoule.normalization import references
from isojoule.normalization.intervals import COVERAGE
from isojoule.normalization.pairs import DESCRIPTIONS, pairs
from isojoule.normalization.reference_tables import ReferenceTable
from isojoule.normalization.splits import Split, leaving_families_out, splits
from isojoule.normalization.user_system import System, Target
from isojoule.tables.columns import PHASES

SCENARIOS = ("own", "new")
COUNTS = (2, 3, 4, 6, 10)
# shares of energies that the intervals are to hold, and how much wider than a constant width they may be
LEAST_COVERAGE, MOST_COVERAGE = 0.88, 0.94
WIDEST_RATIO = 1.3
# columns of a table that an answer depends on; all others would be carried along a thousand times
USED = ("gpu", "architecture", "family", "phase", "outcome", "energy_kwh", "energy_kind", "duration_s")
# splits that the questions are drawn from, and most systems that are asked for in each
SPLITS, MOST_ASKED = 20, 5


def interval_coverage(table: ReferenceTable, questions: int, seed: int, counts: Sequence[int] = COUNTS) -> pd.DataFrame:
    """Ask for systems that were held out, of pairs of platforms at random, and see which intervals hold the truth.

    Args:
        table: the table.
        questions: pairs and splits to ask in, for each scenario and number of references: up to five systems in each.
        seed: of the questions.
        counts: numbers of references.

    Returns:
        one row per scenario and number of references: `table`, `title`, `scenario`, `references`, `asked` (systems),
        `without_interval` (their share that got none), `coverage` (share of the intervals that hold the energy),
        `width` (median of high / low), `constant_width` (high / low of the constant interval that would hold 90 % of
        the energies), `nominal_coverage`.

    Raises:
        InputError: nothing in the table can be normalized.
    """
    rows = []
    for count in counts:
        answers = pd.DataFrame(list(_answers(table, count, questions, seed)))
        for scenario, of_scenario in answers.groupby("scenario", sort=False) if len(answers) else []:
            has_interval = of_scenario["low_kwh"].notna()
            shown = of_scenario[has_interval]
            log_errors = np.log(shown["truth_kwh"] / shown["energy_kwh"]).abs()
            is_held = (shown["low_kwh"] <= shown["truth_kwh"]) & (shown["truth_kwh"] <= shown["high_kwh"])
            rows.append(
                {
                    "table": table.name,
                    "title": table.description.heading,
                    "scenario": scenario,
                    "references": count,
                    "asked": len(of_scenario),
                    "without_interval": 1 - has_interval.mean(),
                    "coverage": is_held.mean() if len(shown) else np.nan,
                    "width": (shown["high_kwh"] / shown["low_kwh"]).median(),
                    "constant_width": np.exp(2 * log_errors.quantile(COVERAGE)),
                    "nominal_coverage": COVERAGE,
                }
            )
    if not rows:
        raise InputError(f"{table.name}: found nothing to normalize, expected platforms that share systems")
    return pd.DataFrame(rows)


def _answers(table: ReferenceTable, count: int, questions: int, seed: int) -> Iterator[dict[str, object]]:
    """Yield what `normalize` answers for systems drawn at random, in both scenarios, beside the true energy."""
    generator = np.random.default_rng((seed, count))
    frame = table.frame[[*USED, *DESCRIPTIONS]]
    all_pairs = [of_pair for phase in PHASES if (frame["phase"] == phase).any() for of_pair in pairs(frame, phase)]
    tried = [(of_pair, split) for split in _splits(table, seed) for of_pair in all_pairs]
    asked = 0
    for number in generator.permutation(len(tried)):
        if asked == questions:
            return
        of_pair, split = tried[number]
        is_tested = of_pair.systems.index.isin(split.test)
        if not is_tested.any() or (~is_tested).sum() < count:
            continue
        systems = of_pair.systems[~is_tested]
        names = systems.index[references.choose_recommended(systems, count)]
        tested = np.flatnonzero(is_tested)
        positions = generator.choice(tested, min(MOST_ASKED, len(tested)), replace=False)
        if of_pair.systems.loc[names, "energy_kwh"].nunique() < 2:
            continue
        known = frame[~frame["architecture"].isin(split.test)]
        own = {name: _system(of_pair.systems.loc[name]) for name in names}
        for scenario, study in zip(SCENARIOS, (known, known[known["gpu"] != of_pair.source]), strict=True):
            on_target = Target(study, of_pair.target, of_pair.phase)
            for position in positions:
                answer = on_target.normalize(own, _system(of_pair.systems.iloc[position]))
                yield {
                    "scenario": scenario,
                    "truth_kwh": of_pair.target_kwh[position],
                    "energy_kwh": answer.energy_kwh,
                    "low_kwh": np.nan if answer.low_kwh is None else answer.low_kwh,
                    "high_kwh": np.nan if answer.high_kwh is None else answer.high_kwh,
                }
        asked += 1


def _splits(table: ReferenceTable, seed: int) -> list[Split]:
    frame = table.frame
    if "families" not in table.description.held_out:
        return splits(list(frame["architecture"].unique()), SPLITS, seed)
    return leaving_families_out(frame.groupby("architecture", sort=False)["family"].first().astype(str).to_dict())


def _system(row: pd.Series) -> System:
    known = {name: float(row[name]) for name in ("duration_s", "flops", "params") if pd.notna(row.get(name))}
    return System(float(row["energy_kwh"]), **known)


def in_words(table: pd.DataFrame) -> list[str]:
    """Print coverage and width, and say of each goal that is not met by how much.

    Args:
        table: as `interval_coverage` returns it, of one table or several below each other.
    """
    lines = [
        f"intervals of {COVERAGE:.0%}: share that holds the energy, of so many systems, and median width (high / "
        "low) beside the constant width that these errors would need"
    ]
    names = {"own": "my GPU is in the study", "new": "my GPU is new"}
    for _, row in table.iterrows():
        label = f"{row['title']}, {names[row['scenario']]}, {row['references']} references"
        if row["without_interval"] == 1:
            lines.append(f"{label}: no interval, since nothing supports one")
            continue
        none = f", no interval for {row['without_interval']:.0%}" if row["without_interval"] else ""
        held, width = f"{row['coverage']:.0%} of {row['asked']:.0f}", f"width {row['width']:.2f}"
        lines.append(f"{label}: {held}, {width} beside {row['constant_width']:.2f}{none}")
        missed = []
        if not LEAST_COVERAGE <= row["coverage"] <= MOST_COVERAGE:
            missed.append(f"{LEAST_COVERAGE:.0%} to {MOST_COVERAGE:.0%} are to hold the energy")
        if row["width"] > WIDEST_RATIO * row["constant_width"]:
            missed.append(f"the width is to be at most {WIDEST_RATIO:g} times the constant one")
        if missed:
            lines[-1] += f"; not met: {', and '.join(missed)}"
    return lines
