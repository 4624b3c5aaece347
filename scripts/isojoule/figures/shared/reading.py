"""The tables that figures are drawn from: with something to draw, and few enough families to tell them apart."""

import pandas as pd

from isojoule.figures.shared.empty import NothingError
from isojoule.tables.energy import energy_table

MOST_FAMILIES = 12


def drawable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table of energy of the cells that have an energy.

    Args:
        frame: a table of measurements.

    Raises:
        NothingError: no cell has one.
    """
    table = in_few_families(energy_table(frame))
    table = table[table["repeats"] > 0]
    if table.empty:
        raise NothingError("This study has no energy.")
    return table


def in_few_families(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table as it is, or with one family for all where colours could not tell its families apart.

    A table from elsewhere that names no families has one for every architecture.
    """
    has_too_many = table["family"].nunique() > MOST_FAMILIES
    return table.assign(family="all") if has_too_many else table
