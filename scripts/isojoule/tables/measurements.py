"""A table of measurements, one row per cell, ours or anybody's: complete, checked, and of the right types."""

from pathlib import Path

import pandas as pd

from isojoule.errors import InputError
from isojoule.tables.columns import COLUMNS
from isojoule.tables.kinds import of_kinds
from isojoule.tables.names import check_one_name
from isojoule.tables.questions import questions
from isojoule.tables.reading import read_any
from isojoule.tables.unstated import in_words, with_families, with_kinds, with_repeats
from isojoule.tables.values import refuse, typed
from isojoule.units import JOULES_PER_KWH

REQUIRED = ("gpu", "architecture", "phase", "energy_kwh")
CELL = ("gpu", "architecture", "phase")


def read(path: Path) -> pd.DataFrame:
    """Read a table of measurements from parquet or CSV.

    What the table does not say is filled: repeat 0, 1, ... in the order of the rows of a cell, outcome ok, family the
    architecture, kind not stated, power from energy and duration. Columns that isojoule does not know are kept as they
    are.

    Returns:
        one row per cell with all of `COLUMNS` first.

    Raises:
        InputError: the file cannot be read, a required column is missing, a value has the wrong type or is impossible,
            or a cell is there twice.
    """
    return completed(read_any(path, "a table of measurements"), str(path))


def read_told(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """Read a table for a program that uses all kinds of energy, each by itself.

    Returns:
        its rows, and sentences to show the user.

    Raises:
        InputError: as `read`.
    """
    frame = read(path)
    return frame, [*in_words(frame), *questions(frame)]


def read_unmixed(path: Path, kinds: list[str] | None = None) -> tuple[pd.DataFrame, list[str]]:
    """Read a table for an analysis that mixes no kinds of energy unasked.

    Returns:
        its rows, and sentences to show the user.

    Raises:
        InputError: as `read` and `of_kinds`.
    """
    frame = read(path)
    sentences = in_words(frame)
    frame, left_out = of_kinds(frame, kinds)
    return frame, [*sentences, *filter(None, [left_out]), *questions(frame)]


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
    frame.attrs["origin"] = origin
    frame = frame.assign(**{name: column.default for name, column in COLUMNS.items() if name not in frame})
    frame = typed(frame)
    for name in (*CELL, "outcome"):
        values = COLUMNS[name].values
        refuse(frame, name, frame[name].isna(), f"one of {', '.join(values)}" if values else "a value")
    refuse(frame, "energy_kwh", (frame["outcome"] == "ok") & frame["energy_kwh"].isna(), "a value")
    check_one_name(frame, "architecture")
    frame = with_kinds(with_families(with_repeats(frame, CELL)))
    power_w = frame["energy_kwh"] * JOULES_PER_KWH / frame["duration_s"]
    frame["power_w"] = frame["power_w"].fillna(power_w)
    # where rows stand in the file is for complaints about the file, of which there are no more
    frame.attrs = {}
    return frame[[*COLUMNS, *(name for name in frame if name not in COLUMNS)]]
