"""A table of measurements, one row per cell, ours or anybody's: complete, checked, and of the right types."""

from pathlib import Path
from typing import Any

import pandas as pd

from isojoule.errors import InputError
from isojoule.tables.columns import COLUMNS, NOT_STATED
from isojoule.tables.kinds import of_kinds
from isojoule.tables.plausibility import doubts
from isojoule.tables.reading import read_any
from isojoule.tables.values import check, place
from isojoule.units import JOULES_PER_KWH

REQUIRED = ("gpu", "architecture", "phase", "energy_kwh")
IDENTITY = ["gpu", "architecture", "phase", "repeat"]


def read(path: Path) -> pd.DataFrame:
    """Read a table of measurements from parquet or CSV.

    Columns that are absent are filled: repeat 0, 1, ... in the order of the rows of a cell, outcome ok, family the
    architecture, kind not stated, power from energy and duration. Columns that isojoule does not know are kept as they
    are.

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
    if (frame["energy_kind"] == NOT_STATED).any():
        sentences.append("the table does not say how its energies came about (energy_kind): they are not stated")
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
    # rows of one cell that nobody numbered are its repeats, in their order
    defaults["repeat"] = frame.groupby(IDENTITY[:3], sort=False, dropna=False).cumcount()
    for name, column in COLUMNS.items():
        if name not in frame:
            frame[name] = defaults.get(name, pd.NA)
        try:
            frame[name] = frame[name].astype(column.dtype)
        except (OverflowError, TypeError, ValueError) as error:
            raise InputError(f"{origin}: column {name}: {_wrong_value(frame, name, column.dtype)}") from error
    frame["family"] = frame["family"].fillna(frame["architecture"])
    _check(frame, origin)
    frame["power_w"] = frame["power_w"].fillna(frame["energy_kwh"] * JOULES_PER_KWH / frame["duration_s"])
    return frame[[*COLUMNS, *(name for name in frame if name not in COLUMNS)]]


def _wrong_value(frame: pd.DataFrame, name: str, dtype: str) -> str:
    """The first value that is not of this type, where it stands, and what was expected."""
    values = frame[name]
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    is_wrong, expected = values.notna() & numbers.isna(), "a number"
    if not is_wrong.any() and dtype == "Int64":
        is_wrong, expected = numbers.notna() & (numbers % 1 != 0), "a whole number"
    if not is_wrong.any() and dtype == "Int64":
        is_wrong, expected = numbers.abs() >= 2**63, "a whole number below 2^63"
    if not is_wrong.any():
        return f"expected values of type {dtype.lower()}"
    position = int(is_wrong.to_numpy().argmax())
    return f"found {values.iloc[position]} in {place(frame, position)}, expected {expected}"


def _check(frame: pd.DataFrame, origin: str) -> None:
    check(frame, origin)
    is_ok = frame["outcome"] == "ok"
    needed = {
        **{name: frame[name].isna() for name in (*IDENTITY, "outcome")},
        "energy_kwh": is_ok & frame["energy_kwh"].isna(),
        "energy_kind": is_ok & frame["energy_kind"].isna(),
    }
    for name, is_absent in needed.items():
        if is_absent.any():
            position = int(is_absent.to_numpy(dtype=bool).argmax())
            values = COLUMNS[name].values
            expected = f"one of {', '.join(values)}" if values else "a value"
            raise InputError(f"{origin}: column {name}: found nothing in {place(frame, position)}, expected {expected}")
    is_copy = frame.duplicated(IDENTITY).to_numpy()
    if is_copy.any():
        position = int(is_copy.argmax())
        cell_name = " ".join(map(str, frame.iloc[position][IDENTITY]))
        raise InputError(f"{origin}: the cell {cell_name} is there twice, again in {place(frame, position)}")
