"""Add a row to a table in a file, whoever else does so at the same time."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from isojoule.errors import InputError
from isojoule.files import check_named, locked
from isojoule.tables.columns import COLUMNS
from isojoule.tables.measurements import CELL, REQUIRED, completed
from isojoule.tables.reading import read_any
from isojoule.tables.writing import write_table

WHAT = "a table of measurements"


def append(path: Path, values: dict[str, Any]) -> int:
    """Add a row behind those of a table, as the next repeat of its cell; make the table where there is none.

    Args:
        path: parquet or CSV.
        values: by column; columns that the table lacks are added, and those without any value left out.

    Returns:
        the number of the repeat.

    Raises:
        InputError: the table is none, or cannot be written; it stays as it was.
    """
    with locked(path):
        rows = read_appendable(path)
        is_same = pd.Series(True, index=rows.index)
        for name in CELL:
            is_same &= rows[name] == values[name]
        repeat = int(rows.loc[is_same, "repeat"].max()) + 1 if is_same.any() else 0
        row = pd.DataFrame([values | {"repeat": repeat}])
        both = pd.concat([rows.astype(object), row.astype(object)], ignore_index=True)
        both = both[[name for name in both if name in (*REQUIRED, "repeat") or both[name].notna().any()]]
        completed(both, str(path))
        write_table(_typed(both, path), path)
    return repeat


def check_qualities(quality: Mapping[str, float]) -> None:
    """Refuse qualities that would stand for something else in a table, or that cannot be.

    Raises:
        InputError: a name is that of another column, or a value is out of the bounds of this quality.
    """
    for name, value in quality.items():
        column = COLUMNS.get(name)
        if column is None:
            continue
        if not str(column.source).startswith("record.quality."):
            raise InputError(f"quality: found {name}, which is {column.meaning}, expected the name of a quality")
        low, high = column.bounds
        if not low <= value <= high:
            raise InputError(f"quality: found {value:g} for {name}, expected {low:g} to {high:g}")


def check_row(path: Path, quality: Mapping[str, float]) -> None:
    """Refuse, before a run, what could not be added to a table behind it.

    Args:
        path: of the table, which need not be there.
        quality: by name of the metric.

    Raises:
        InputError: the table is none, or a quality cannot be in it.
    """
    check_qualities(quality)
    # a file that is refused gets no lock beside it
    check_ending(path)
    with locked(path):
        rows = read_appendable(path)
    for name in quality:
        if name in rows and name not in COLUMNS:
            with_quality = rows[[name]].astype(object)
            with_quality.loc[len(rows)] = quality[name]
            _typed(with_quality, path)


def check_ending(path: Path) -> None:
    """Refuse a file that is no table by its name.

    Raises:
        InputError: it has another ending than .csv or .parquet.
    """
    check_named(path)
    if path.suffix not in (".csv", ".parquet"):
        raise InputError(f"{path}: found the ending {path.suffix or 'none'}, expected .csv or .parquet")


def read_appendable(path: Path) -> pd.DataFrame:
    """Read the table that a row is to be added to; one without rows where there is no such file.

    Raises:
        InputError: it is no table of measurements, or has another ending.
    """
    check_ending(path)
    if not path.exists():
        return pd.DataFrame(columns=[*REQUIRED, "repeat"])
    return completed(read_any(path, WHAT), str(path))


def _typed(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The table with the types that its columns have; a column that we do not know has one type as well."""
    known = {name: COLUMNS[name].dtype for name in frame if name in COLUMNS}
    typed = frame.astype(known)
    for name in typed.columns.difference(list(known)):
        typed[name] = typed[name].infer_objects()
        if typed[name].dtype == object and not typed[name].dropna().map(lambda value: isinstance(value, str)).all():
            raise InputError(f"{path}: column {name}: found words and numbers, expected one of them")
    return typed
