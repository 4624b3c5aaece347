"""The tables of the analysis that the page shows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from isojoule import readable
from isojoule.findings import reading as findings
from isojoule.fronts import of_study
from isojoule.normalization import ranking
from isojoule.normalization.splits import SCHEMES
from isojoule.tables.columns import PHASES
from isojoule.tables.expected import Expected

RANKS_SHOWN = 10
# name on the page: path of the table below the study's results, and what the page shows of it
TABLES = {
    "findings": ("findings.csv", findings.TABLE),
    "fronts": ("pareto/fronts.csv", of_study.TABLE),
    "summary": ("pareto/summary.csv", of_study.SUMMARY),
    "stability": ("pareto/stability.csv", of_study.STABILITY),
    "claims": (
        "compute-energy/claims.csv",
        Expected(
            "the claims of isojoule link-compute-energy",
            words=("gpu", "energy_kind", "section", "claim", "criterion", "found", "holds"),
        ),
    ),
    "ranking": ("normalization/ranking.csv", ranking.TABLE),
    "references": (
        "normalization/references.csv",
        Expected(
            "the references of isojoule choose-references",
            words=("reference_names",),
            numbers=("references", "mdape_percent", "mdape_low_percent", "mdape_high_percent"),
            flags=("to_publish",),
            choices={"phase": PHASES},
        ),
    ),
    "literature": (
        "literature/training.csv",
        Expected(
            "the trainings of isojoule literature",
            words=("model", "gpu"),
            numbers=("gpus", "power_w", "hours", "energy_kwh", "emissions_kg_co2e", "us_person_days"),
        ),
    ),
}


def read_tables(tables: Mapping[str, Path]) -> dict[str, pd.DataFrame]:
    """Read the tables that the page shows.

    Args:
        tables: tables by their path below the study's results.

    Returns:
        the tables by their name on the page; a table that is not given has no row.

    Raises:
        InputError: a table cannot be read, or is another one.
    """
    read = {
        name: expected.read(tables[path]) if path in tables else pd.DataFrame()
        for name, (path, expected) in TABLES.items()
    }
    return {**read, "ranking": _best_methods(read["ranking"])}


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table for the template."""
    return [dict(row) for row in table.to_dict("records")]


def default_beside_the_best(table: pd.DataFrame) -> str:
    """Say in a sentence how the error of our default compares with that of the best, over all numbers of references.

    Args:
        table: the ranking as the page shows it, which may have no row.
    """
    if table.empty or not table["default"].any():
        return ""
    errors = table.groupby([table["default"], "phase", "references"])["mdape_median_percent"].min()
    ratios = (errors[True] / errors.groupby(["phase", "references"]).min()).dropna()
    low, high = (readable.digits(ratio) for ratio in (ratios.min(), ratios.max()))
    between = low if low == high else f"{low} to {high}"
    return (
        "Which try comes first is known only when the energies are, and was not used to choose our default: its median "
        f"error is {between} times that of the first"
    )


def _best_methods(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the best methods over all pairs, for each number of references, and our default."""
    if table.empty:
        return table
    over_all_pairs = table[(table["pair"] == ranking.ALL_PAIRS) & table["scheme"].isin(list(SCHEMES))]
    return over_all_pairs[(over_all_pairs["rank"] <= RANKS_SHOWN) | over_all_pairs["default"]]
