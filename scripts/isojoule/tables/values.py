"""What a value of a known column can be: a number of the right sign, a word of a closed list."""

import numpy as np
import pandas as pd

from isojoule.errors import InputError
from isojoule.tables.columns import COLUMNS

# quantities of a run that took place, none of which can be 0
ABOVE_ZERO = (
    *("energy_kwh", "duration_s", "window_s", "power_w", "params", "flops", "forward_flops", "backward_flops"),
    *("training_flops_published", "training_flops_exact", "weights_bytes", "samples", "steps", "epochs"),
    *("batch_size", "repetitions", "threads", "devices", "emissions_kg_co2e"),
)
# quantities that may be below 0
ANY_SIGN = ("net_energy_kwh", "loss", "gpu_start_temperature_c", "gpu_max_temperature_c")


def place(frame: pd.DataFrame, position: int) -> str:
    """Say where a row stands: by its line in a text file, by its number in any other table.

    Args:
        frame: a table as `reading.read_any` returns it.
        position: of the row, from 0.
    """
    lines = frame.attrs.get("lines")
    return f"line {lines[position]}" if lines else f"row {position + 1}"


def check(frame: pd.DataFrame, origin: str) -> None:
    """Refuse values that no run can have, in every column that has a meaning.

    Args:
        frame: a table whose columns of `COLUMNS` have their types.
        origin: what the table is called in messages.

    Raises:
        InputError: a number is infinite, has the wrong sign or is out of bounds, or a word is none of the list.
    """
    for name, column in COLUMNS.items():
        if name not in frame:
            continue
        values = frame[name]
        if column.values:
            is_wrong = values.notna() & ~values.isin(column.values)
            _refuse(frame, name, is_wrong, f"one of {', '.join(column.values)}", origin)
        if column.dtype == "string":
            continue
        numbers = values.astype("float64").to_numpy(dtype=np.float64, na_value=np.nan)
        low, high = column.bounds
        is_known = ~np.isnan(numbers)
        _refuse(frame, name, is_known & np.isinf(numbers), "a finite number", origin)
        if column.quality:
            expected = f"{low:g} to {high:g}" if np.isfinite(low) and np.isfinite(high) else "a number"
            _refuse(frame, name, is_known & ((numbers < low) | (numbers > high)), expected, origin)
        elif name in ABOVE_ZERO:
            _refuse(frame, name, is_known & (numbers <= 0), "a number above 0", origin)
        elif name not in ANY_SIGN:
            _refuse(frame, name, is_known & (numbers < 0), "a number of 0 or more", origin)


def _refuse(frame: pd.DataFrame, name: str, is_wrong: object, expected: str, origin: str) -> None:
    positions = np.flatnonzero(np.asarray(is_wrong, dtype=bool))
    if len(positions):
        position = int(positions[0])
        found = frame[name].iloc[position]
        raise InputError(f"{origin}: column {name}: found {found} in {place(frame, position)}, expected {expected}")
