"""Is our default never worse than the papers' methods? Errors on a table of others, by the number of references.

A cell is a table, what is held out of it, and a number of references. Its error is the median, over ordered pairs of
platforms and over splits, of the median absolute percentage error on the systems that were held out. The best published
method of a cell is picked when its error is known, so that nobody could have chosen it beforehand.
"""

from collections.abc import Sequence
from functools import partial
from itertools import groupby

import numpy as np
import pandas as pd

from isojoule.errors import InputError
from isojoule.normalization import references
from isojoule.normalization.experiment import experiment
from isojoule.normalization.experiment_plan import Methods, Plan
from isojoule.normalization.methods import DEFAULT, METHODS
from isojoule.normalization.published import PUBLISHED
from isojoule.normalization.reference_tables import ReferenceTable
from isojoule.normalization.split_noise import COVERAGE, ratio_intervals
from isojoule.normalization.splits import Split, leaving_families_out, splits
from isojoule.normalization.study_experiment import COUNTS
from isojoule.tables.columns import PHASES

ALL = "all"
CELL = ["table", "held_out", "phase", "references"]
# how much worse than the best published method the default may be, and how much better it is to be from three up
WORST_RATIO = 1.03
MEAN_RATIO = 0.8
FEWEST_FOR_MEAN = 3
# smaller errors are no difference: measured energies do not repeat so well, and one may be 0
LEAST_PERCENT = 0.1


def errors_by_references(
    table: ReferenceTable, number: int, seed: int, draws: int, workers: int = 1, counts: Sequence[int] = COUNTS
) -> pd.DataFrame:
    """Compute the errors of our default with the references that it recommends, and of the papers' methods with theirs.

    Args:
        table: the table.
        number: number of random splits.
        seed: of splits and of random references.
        draws: number of random choices of references, which the papers' methods are tried on as well.
        workers: number of processes.
        counts: numbers of references; all of them come last.

    Returns:
        one row per cell, method and choice of references: `table`, `title`, `held_out`, `phase`, `kinds`, `references`
        (a number or all), `method`, `sampling`, `published`, `mdape_percent` (the median), `fits` (how many errors
        it is the median of), `default_ratio_low` and `default_ratio_high` (as `ratio_intervals` returns them).

    Raises:
        InputError: the table has fewer than two platforms or five architectures, or families are to be held out and
            there are none.
    """
    divisions = {"architectures": _random_splits, "families": _families}
    tables = []
    for held_out in table.description.held_out:
        of_table = divisions[held_out](table.frame, number, seed)
        if not of_table:
            raise InputError(f"{table.name}: held_out: found families, expected a table with several of them")
        for phase in [phase for phase in PHASES if (table.frame["phase"] == phase).any()]:
            rows = _rows(table.frame, phase, of_table, counts, seed, draws, workers)
            tables.append(rows.assign(table=table.name, title=table.description.heading, held_out=held_out))
    rows = pd.concat(tables, ignore_index=True)
    rows["references"] = rows["references"].astype(str).where(rows["share"] != ALL, ALL)
    groups = rows.groupby([*CELL, "title", "kinds", "method", "sampling"], sort=False, observed=True)["mdape_percent"]
    table_of_errors = groups.agg(["median", "size"]).set_axis(["mdape_percent", "fits"], axis=1).reset_index()
    noise = rows.groupby(CELL, sort=False, observed=True)[["method", "sampling", "split", "mdape_percent"]]
    table_of_errors = table_of_errors.merge(
        noise.apply(partial(ratio_intervals, default=DEFAULT, least=LEAST_PERCENT, seed=seed)).reset_index(),
        on=[*CELL, "method", "sampling"],
        how="left",
    )
    return table_of_errors.assign(published=table_of_errors["method"].isin(list(PUBLISHED)))


def _random_splits(frame: pd.DataFrame, number: int, seed: int) -> list[Split]:
    return splits(list(frame["architecture"].unique()), number, seed)


def _families(frame: pd.DataFrame, _number: int, _seed: int) -> list[Split]:
    return leaving_families_out(frame.groupby("architecture", sort=False)["family"].first().astype(str).to_dict())


def _rows(
    frame: pd.DataFrame, phase: str, of_table: list[Split], counts: Sequence[int], seed: int, draws: int, workers: int
) -> pd.DataFrame:
    """The rows of the experiment of which a cell has its errors, for one phase."""
    schemes = {split.scheme for split in of_table}
    ours: Methods = {DEFAULT: METHODS[DEFAULT]}
    shares = {str(count): count for count in counts}
    plans = [Plan(PUBLISHED, of_table, shares, (), draws, seed, ("min-max",))]
    for sampling, numbers in groupby(counts, key=references.recommended):
        plans.append(Plan(ours, of_table, {}, tuple(numbers), 0, seed, (sampling,)))
    parts = [part for plan in plans for part in experiment(frame, phase, plan, workers) if not part.empty]
    rows = pd.concat([part.astype(dict.fromkeys(part.select_dtypes("category"), "str")) for part in parts])
    rows = rows[rows["scheme"].isin(schemes)]
    # every plan of ours fits all references as well
    return rows.drop_duplicates(["source", "target", "split", "method", "sampling", "references", "draw"])


def compared(errors: pd.DataFrame) -> pd.DataFrame:
    """Hold our default against the best published method of every cell.

    Args:
        errors: as `errors_by_references` returns them, of one table or several below each other.

    Returns:
        one row per cell: `default_mdape_percent`, `published_mdape_percent`, `published_method`, `published_sampling`,
        `ratio` of the two errors (those below 0.1 % count as 0.1 %), `ratio_low` and `ratio_high` (its 90 % interval
        over splits that are drawn again), and `is_met` (whether the default is within 3 % of the best published one).
    """
    rows = []
    for cell, of_cell in errors.groupby([*CELL, "title"], sort=False):
        published = of_cell[of_cell["published"]].dropna(subset="mdape_percent")
        default = of_cell[of_cell["method"] == DEFAULT].dropna(subset="mdape_percent")
        if published.empty or default.empty:
            continue
        best, ours = published.loc[published["mdape_percent"].idxmin()], default.iloc[0]
        rows.append(
            {
                **dict(zip([*CELL, "title"], cell, strict=True)),
                "default_mdape_percent": ours["mdape_percent"],
                "published_mdape_percent": best["mdape_percent"],
                "published_method": best["method"],
                "published_sampling": best["sampling"],
                "ratio": max(ours["mdape_percent"], LEAST_PERCENT) / max(best["mdape_percent"], LEAST_PERCENT),
                "ratio_low": best["default_ratio_low"],
                "ratio_high": best["default_ratio_high"],
            }
        )
    if not rows:
        raise InputError("normalization: found no cell with our default and a published method, expected some")
    table = pd.DataFrame(rows)
    return table.assign(is_met=table["ratio"] <= WORST_RATIO)


def in_words(table: pd.DataFrame) -> list[str]:
    """Print the cells, our error beside the best published one, and say of each goal that is not met by how much.

    Args:
        table: as `compared` returns it.
    """
    columns = list(dict.fromkeys(table["references"]))
    width = max(len(_label(row)) for _, row in table.iterrows())
    lines = ["held-out MdAPE in %, default / best published method, by the number of references"]
    lines.append(" ".join([" " * width, *(f"{column:>13}" for column in columns)]))
    for _, cells in table.groupby(["table", "held_out", "phase"], sort=False):
        errors = {
            cell["references"]: f"{cell['default_mdape_percent']:.1f} / {cell['published_mdape_percent']:.1f}"
            for _, cell in cells.iterrows()
        }
        shown = [errors.get(column, "") for column in columns]
        lines.append(" ".join([f"{_label(cells.iloc[0]):<{width}}", *(f"{cell:>13}" for cell in shown)]))
    for _, cell in table[~table["is_met"]].iterrows():
        lines.append(
            f"not met: {_label(cell)}, {_counted(cell['references'])}: our default leaves "
            f"{100 * (cell['ratio'] - 1):.0f} % more error than {cell['published_method']} "
            f"({cell['published_sampling']}), the best published method there; the goal is at most "
            f"{100 * (WORST_RATIO - 1):.0f} % more, and with the splits drawn again it leaves "
            f"{_more(cell['ratio_low'])} to {_more(cell['ratio_high'])} ({100 * COVERAGE:.0f} % interval)"
        )
    several = table[[count == ALL or int(count) >= FEWEST_FOR_MEAN for count in table["references"]]]
    if len(several):
        mean = float(np.exp(np.log(several["ratio"]).mean()))
        verdict = "met" if mean <= MEAN_RATIO else "not met"
        lines.append(
            f"{verdict}: from {FEWEST_FOR_MEAN} references up the geometric mean of the ratio of the errors is "
            f"{mean:.2f} over {len(several)} cells; the goal is {MEAN_RATIO:g}"
        )
    return lines


def _label(row: pd.Series) -> str:
    return f"{row['title']}, {row['phase']}, {row['held_out']} held out"


def _more(ratio: float) -> str:
    return f"{abs(100 * (ratio - 1)):.0f} % {'more' if ratio >= 1 else 'less'}"


def _counted(count: str) -> str:
    return "all references" if count == ALL else f"{count} references"
