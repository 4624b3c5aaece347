"""What the commands of normalization share: a table to normalize goes in, and one table per phase comes out."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from isojoule.errors import InputError
from isojoule.tables import measurements
from isojoule.tables.columns import PHASES
from isojoule.tables.writing import write_table


def read(path: Path, kinds: list[str] | None) -> pd.DataFrame:
    """Read a table of measurements to normalize, and print what makes it doubtful.

    Args:
        path: CSV or parquet file.
        kinds: kinds of energy to use together.

    Raises:
        InputError: `measurements.read_unmixed` refuses the table.
    """
    frame, warnings = measurements.read_unmixed(path, kinds)
    for warning in warnings:
        print(f"warning: {warning}")
    return frame


def tables_by_phase(make_table: Callable[[str], pd.DataFrame], *, allow_empty: bool) -> list[pd.DataFrame]:
    """Make one table for each phase that can be normalized, and print why another phase cannot.

    Args:
        make_table: makes the table of a phase.
        allow_empty: whether there may be no table at all.

    Raises:
        InputError: no phase can be normalized, and that is not allowed.
    """
    tables, refusals = [], []
    for phase in PHASES:
        try:
            tables.append(make_table(phase))
        except InputError as error:
            refusals.append(str(error))
    if not tables and not allow_empty:
        raise InputError("; ".join(refusals))
    for refusal in refusals:
        print(refusal)
    return tables


def write(tables: list[pd.DataFrame], path: Path, made_by: str) -> None:
    """Write tables below one another, or a table without rows where there is none.

    Args:
        tables: of the phases.
        path: CSV or parquet file.
        made_by: the command that makes it.
    """
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame({"phase": pd.Series(dtype="str")})
    write_table(table, path, made_by)
