"""The tables that figures are drawn from: read, checked, and with few enough families to tell them apart."""

from collections.abc import Callable, Collection
from pathlib import Path

import pandas as pd

from isojoule.errors import InputError
from isojoule.tables.energy import energy_table
from isojoule.tables.reading import read_any

MOST_FAMILIES = 12


def reader(expected: str, columns: Collection[str]) -> Callable[[Path], pd.DataFrame]:
    """Make a function that reads the table of a figure, CSV or parquet, and checks its columns.

    Args:
        expected: what the table is, for error messages.
        columns: columns that it must have.

    Returns:
        the function, which raises InputError where the file is unreadable or lacks a column.
    """

    def read(path: Path) -> pd.DataFrame:
        table = read_any(path, expected)
        if missing := [name for name in columns if name not in table]:
            raise InputError(f"{path}: found no column {', '.join(missing)}, expected {expected}")
        return table

    return read


def drawable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table of energy of the cells that have an energy.

    Args:
        frame: a table of measurements.

    Raises:
        InputError: no cell has one.
    """
    table = in_few_families(energy_table(frame))
    table = table[table["repeats"] > 0]
    if table.empty:
        raise InputError("the table of measurements has no row with outcome ok, there is nothing to draw")
    return table


def in_few_families(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table as it is, or with one family for all where colours could not tell its families apart.

    A table from elsewhere that names no families has one for every architecture.
    """
    has_too_many = table["family"].nunique() > MOST_FAMILIES
    return table.assign(family="all") if has_too_many else table
