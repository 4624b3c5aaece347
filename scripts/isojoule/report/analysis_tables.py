"""The tables of the analysis that the page shows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

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


def _best_methods(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the best methods over all pairs, for each number of references, and our default."""
    if table.empty:
        return table
    over_all_pairs = table[(table["pair"] == ranking.ALL_PAIRS) & table["scheme"].isin(list(SCHEMES))]
    return over_all_pairs[(over_all_pairs["rank"] <= RANKS_SHOWN) | over_all_pairs["default"]]
