"""What a value can be: of the type of its column, a number of the right sign, a word of a closed list."""

from collections.abc import Iterable
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from isojoule.errors import InputError
from isojoule.records.base import LARGEST, LARGEST_KWH, LARGEST_S
from isojoule.tables.columns import COLUMNS, Column
from isojoule.tables.text_file import in_one_line

# quantities of a run that took place, none of which can be 0
ABOVE_ZERO = (
    *("energy_kwh", "duration_s", "window_s", "power_w", "params", "flops", "forward_flops", "backward_flops"),
    *("training_flops_published", "training_flops_exact", "weights_bytes", "samples", "steps", "epochs"),
    *("batch_size", "repetitions", "threads", "devices", "emissions_kg_co2e"),
)
# quantities that may be below 0
ANY_SIGN = ("net_energy_kwh", "loss", "gpu_start_temperature_c", "gpu_max_temperature_c")

# the most that a number of a unit can be, as in records; beyond, sums, ratios and products are no numbers any more
LARGEST_OF_UNIT = {"kWh": LARGEST_KWH, "s": LARGEST_S}

# values that a conversion would turn into numbers that they are not
NO_NUMBERS = (bool, np.bool_, complex, np.complexfloating, date, timedelta, np.datetime64, np.timedelta64)


def origin_of(frame: pd.DataFrame) -> str:
    """What a table is called in messages: its file, where `reading.read_any` read it."""
    return str(frame.attrs.get("origin", "the table"))


def place(frame: pd.DataFrame, position: int) -> str:
    """Say where a row stands: by its line in a text file, by its number in any other table.

    Args:
        frame: a table as `reading.read_any` returns it, or some of its rows.
        position: of the row in `frame`, from 0.
    """
    label = frame.index[position]
    if not isinstance(label, int | np.integer):
        return f"row {label}"
    lines = frame.attrs.get("lines")
    return f"line {lines[label]}" if lines else f"row {label + 1}"


def refuse(frame: pd.DataFrame, name: str, is_wrong: object, expected: str) -> None:
    """Refuse the first row that is wrong, and name the file, the column and the row.

    Args:
        frame: a table as `reading.read_any` returns it, or some of its rows.
        name: the column.
        is_wrong: for every row whether it is.
        expected: what would be right.

    Raises:
        InputError: a row is wrong.
    """
    positions = np.flatnonzero(np.asarray(is_wrong, dtype=bool))
    if len(positions):
        position = int(positions[0])
        value = frame[name].iloc[position]
        found, where = "nothing" if pd.isna(value) else in_one_line(str(value)), place(frame, position)
        raise InputError(f"{origin_of(frame)}: column {name}: found {found} in {where}, expected {expected}")


def numbers(frame: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """The numbers of a column, (rows,), NaN where there is none.

    Raises:
        InputError: a value is no number, such as true or a time, is infinite, or is further from 0 or nearer to it than
            anything that is calculated with.
    """
    if pd.api.types.is_bool_dtype(frame[name]) or not pd.api.types.is_numeric_dtype(frame[name]):
        is_other = [isinstance(value, NO_NUMBERS) and not pd.isna(value) for value in frame[name]]
        refuse(frame, name, is_other, "a number")
    column = pd.to_numeric(frame[name], errors="coerce").astype("float64")
    values: NDArray[np.float64] = column.to_numpy(dtype=np.float64, na_value=np.nan)
    refuse(frame, name, frame[name].notna() & np.isnan(values), "a number")
    refuse(frame, name, np.isinf(values), "a finite number")
    unit = COLUMNS[name].unit if name in COLUMNS else ""
    largest = LARGEST_OF_UNIT.get(unit, LARGEST)
    refuse(frame, name, np.abs(values) > largest, f"a number up to {largest:g} {unit}".strip())
    refuse(frame, name, (values != 0) & (np.abs(values) < 1 / LARGEST), f"0 or a number of {1 / LARGEST:g} or more")
    return values


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with every column that has a meaning in the type of that column, and checked.

    Args:
        frame: any table with some of `COLUMNS`.

    Raises:
        InputError: a number is none, is infinite, has the wrong sign or is out of bounds, a count is no whole number
            below 2^63, or a word is none of the list.
    """
    known = {name: column for name, column in COLUMNS.items() if name in frame}
    for name, column in known.items():
        _check(frame, name, column)
    return frame.astype({name: column.dtype for name, column in known.items()})


def _check(frame: pd.DataFrame, name: str, column: Column) -> None:
    if column.values:
        is_listed = frame[name].isna() | frame[name].isin(column.values)
        refuse(frame, name, ~is_listed, f"one of {', '.join(column.values)}")
    if column.dtype == "string":
        return
    values = numbers(frame, name)
    if column.dtype == "Int64":
        refuse(frame, name, values % 1 > 0, "a whole number")
        refuse(frame, name, np.abs(values) >= 2.0**63, "a whole number below 2^63")
    low, high = column.bounds
    if column.quality:
        expected = f"{low:g} to {high:g}" if np.isfinite(low) and np.isfinite(high) else "a number"
        refuse(frame, name, (values < low) | (values > high), expected)
    elif name in ABOVE_ZERO:
        refuse(frame, name, values <= 0, "a number above 0")
    elif name not in ANY_SIGN:
        refuse(frame, name, values < 0, "a number of 0 or more")


def check_costs(frame: pd.DataFrame, names: Iterable[str]) -> None:
    """Refuse costs that would be free: an energy of 0 under any name is no measurement, and would be optimal.

    Args:
        frame: any table.
        names: columns of which less is better; those that the table lacks are ignored.

    Raises:
        InputError: a value is no finite number above 0.
    """
    for name in names:
        if name in frame:
            expected = f"a number above 0; isojoule front takes a cost that can be 0 or less by --any-sign {name}"
            refuse(frame, name, numbers(frame, name) <= 0, expected)
