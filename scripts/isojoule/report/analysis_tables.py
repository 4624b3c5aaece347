"""The tables of the analysis that the page shows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from isojoule.errors import InputError
from isojoule.normalization.ranking import ALL_PAIRS
from isojoule.normalization.splits import SCHEMES
from isojoule.tables.reading import read_any

RANKS_SHOWN = 10
# name on the page: path of the table below the study's results, and a column that only this table has
TABLES = {
    "fronts": ("pareto/fronts.csv", "cost_mean"),
    "summary": ("pareto/summary.csv", "hypervolume"),
    "stability": ("pareto/stability.csv", "front_jaccard"),
    "claims": ("compute-energy/claims.csv", "criterion"),
    "ranking": ("normalization/ranking.csv", "mdape_median_percent"),
    "references": ("normalization/references.csv", "reference_names"),
    "literature": ("literature/training.csv", "us_person_days"),
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
    read = {name: _read(tables, path, column) for name, (path, column) in TABLES.items()}
    return {**read, "ranking": _best_methods(read["ranking"])}


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table for the template."""
    return [dict(row) for row in table.to_dict("records")]


def _read(tables: Mapping[str, Path], path: str, column: str) -> pd.DataFrame:
    if path not in tables:
        return pd.DataFrame()
    table = read_any(tables[path], "a table")
    if len(table) and column not in table:
        raise InputError(f"{tables[path]}: found no column {column}, expected a table that isojoule writes")
    return table


def _best_methods(ranking: pd.DataFrame) -> pd.DataFrame:
    """Keep the best methods over all pairs, for each number of references, and our default."""
    if ranking.empty:
        return ranking
    over_all_pairs = ranking[(ranking["pair"] == ALL_PAIRS) & ranking["scheme"].isin(list(SCHEMES))]
    return over_all_pairs[(over_all_pairs["rank"] <= RANKS_SHOWN) | over_all_pairs["default"]]
