"""A table of measurements, one row per cell, ours or anybody's: complete, checked, and of the right types."""

from pathlib import Path
from typing import Any

import pandas as pd

from isojoule.errors import InputError
from isojoule.tables.columns import COLUMNS
from isojoule.tables.kinds import of_kinds
from isojoule.tables.plausibility import doubts
from isojoule.tables.reading import read_any
from isojoule.units import JOULES_PER_KWH

REQUIRED = ("gpu", "architecture", "phase", "energy_kwh")
IDENTITY = ["gpu", "architecture", "phase", "repeat"]
# the `energy_source` of energies whose kind nobody stated
KIND_NOT_STATED = "a table that does not say how (no column energy_kind)"


def read(path: Path) -> pd.DataFrame:
    """Read a table of measurements from parquet or CSV.

    Columns that are absent are filled: repeat 0, outcome ok, family the architecture, kind measured, power from energy
    and duration. Columns that isojoule does not know are kept as they are.

    Returns:
        one row per cell with all of `COLUMNS` first.

    Raises:
        InputError: the file cannot be read, a required column is missing, a value has the wrong type or is impossible,
            or a cell is there twice.
    """
    return completed(read_any(path, "a table of measurements"), str(path))


def read_unmixed(path: Path, kinds: list[str] | None = None) -> tuple[pd.DataFrame, list[str]]:
    """Read a table for an analysis that mixes no kinds of energy unasked.

    Returns:
        its rows, and sentences to show the user.

    Raises:
        InputError: as `read` and `of_kinds`.
    """
    frame, left_out = of_kinds(read(path), kinds)
    sentences = []
    if (frame["energy_source"] == KIND_NOT_STATED).any():
        sentences.append("the table has no column energy_kind: its energies are taken as measured")
    if left_out:
        sentences.append(left_out)
    return frame, [*sentences, *doubts(frame)]


def completed(frame: pd.DataFrame, origin: str) -> pd.DataFrame:
    """A table with all of `COLUMNS`, as `read` gives it, from one that has some of them.

    Args:
        frame: at least the columns in `REQUIRED`.
        origin: what the table is called in messages.

    Raises:
        InputError: as `read`.
    """
    if missing := [name for name in REQUIRED if name not in frame]:
        raise InputError(
            f"{origin}: found no column {', '.join(missing)}, expected at least {', '.join(REQUIRED)}, "
            "separated by commas"
        )
    frame = frame.copy()
    defaults: dict[str, Any] = {name: column.default for name, column in COLUMNS.items() if column.default is not None}
    defaults["family"] = frame["architecture"]
    if "energy_kind" not in frame:
        defaults["energy_source"] = KIND_NOT_STATED
    for name, column in COLUMNS.items():
        if name not in frame:
            frame[name] = defaults.get(name, pd.NA)
        try:
            frame[name] = frame[name].astype(column.dtype)
        except (OverflowError, TypeError, ValueError) as error:
            raise InputError(f"{origin}: column {name}: {_wrong_value(frame[name], column.dtype)}") from error
    _check(frame, origin)
    frame["power_w"] = frame["power_w"].fillna(frame["energy_kwh"] * JOULES_PER_KWH / frame["duration_s"])
    return frame[[*COLUMNS, *(name for name in frame if name not in COLUMNS)]]


def _wrong_value(values: pd.Series, dtype: str) -> str:
    """The first value that is not of this type, its row, and what was expected."""
    numbers = pd.to_numeric(values, errors="coerce")
    is_wrong, expected = values.notna() & numbers.isna(), "a number"
    if not is_wrong.any() and dtype == "Int64":
        is_wrong, expected = numbers.notna() & (numbers % 1 != 0), "a whole number"
    if not is_wrong.any():
        return f"expected values of type {dtype.lower()}"
    row = int(is_wrong.to_numpy().argmax())
    return f"found {values.iloc[row]} in row {row + 1}, expected {expected}"


def _check(frame: pd.DataFrame, origin: str) -> None:
    for name, column in COLUMNS.items():
        if column.values:
            wrong = frame.loc[frame[name].notna() & ~frame[name].isin(column.values), name]
            if len(wrong):
                expected = ", ".join(column.values)
                raise InputError(f"{origin}: column {name}: found {wrong.iloc[0]}, expected one of {expected}")
    is_ok = frame["outcome"] == "ok"
    is_impossible = is_ok & ~((frame["energy_kwh"] > 0) & (frame["energy_kwh"] < float("inf"))).fillna(False)
    if is_impossible.any():
        cell = frame.loc[is_impossible].iloc[0]
        raise InputError(
            f"{origin}: column energy_kwh: found {cell.energy_kwh} for {cell.architecture} on {cell.gpu}, "
            "expected a finite number above 0"
        )
    for name in ("gpu", "architecture", "phase"):
        if (is_unnamed := frame[name].isna()).any():
            raise InputError(f"{origin}: column {name}: found nothing in row {int(is_unnamed.to_numpy().argmax()) + 1}")
    if (has_no_kind := is_ok & frame["energy_kind"].isna()).any():
        cell = frame.loc[has_no_kind].iloc[0]
        raise InputError(
            f"{origin}: column energy_kind: found nothing for {cell.architecture} on {cell.gpu}, expected one of "
            f"{', '.join(COLUMNS['energy_kind'].values)}"
        )
    copies = frame[frame.duplicated(IDENTITY)]
    if len(copies):
        cell_name = " ".join(map(str, copies.iloc[0][IDENTITY]))
        raise InputError(f"{origin}: the cell {cell_name} is there twice, expected once")
