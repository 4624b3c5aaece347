"""The qualities of models in the table of measurements: what energy is weighed against."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from isojoule.errors import InputError
from isojoule.tables.columns import COLUMNS
from isojoule.tables.reading import read_any

# names for a reader by column; the one that figures show first is first
QUALITIES = {name: column.quality for name, column in COLUMNS.items() if column.quality}


def qualities_of(frame: pd.DataFrame) -> list[str]:
    """The qualities that a table has values of."""
    return [name for name in QUALITIES if name in frame and frame[name].notna().any()]


def with_quality_table(frame: pd.DataFrame, path: Path, qualities: Collection[str]) -> pd.DataFrame:
    """The table with qualities that others judged, such as opinions of listeners, in the rows of the tests.

    Args:
        frame: a table of measurements.
        path: a table with the column `architecture` and qualities.
        qualities: that the workload has.

    Raises:
        InputError: `path` is no table of architectures of this study and of qualities that there can be, or has one
            that this study measured.
    """
    judged = read_any(path, "a table of qualities by architecture")
    columns = [name for name in judged if name in qualities]
    if "architecture" not in judged or not columns:
        expected = ", ".join(qualities)
        raise InputError(f"{path}: found the columns {', '.join(judged)}, expected architecture and any of {expected}")
    names = judged["architecture"]
    if names.isna().any():
        raise InputError(f"{path}: found a row without an architecture, expected its name in every row")
    if unknown := sorted(set(names) - set(frame["architecture"])):
        raise InputError(f"{path}: architecture: found {unknown[0]}, expected one of this study")
    if names.duplicated().any():
        raise InputError(f"{path}: found {names[names.duplicated()].iloc[0]} twice, expected every architecture once")
    for name in columns:
        values = pd.to_numeric(judged.set_index("architecture")[name], errors="coerce")
        if (wrong := values[~np.isfinite(values)]).size:
            raise InputError(f"{path}: {name} of {wrong.index[0]}: expected a number")
        low, high = COLUMNS[name].bounds
        if (wrong := values[(values < low) | (values > high)]).size:
            raise InputError(
                f"{path}: {name} of {wrong.index[0]}: found {wrong.iloc[0]:g}, expected {low:g} to {high:g}"
            )
        if frame[name].notna().any():
            raise InputError(f"{path}: found {name}, expected qualities that this study did not measure itself")
        is_tested = (frame["phase"] == "test") & (frame["outcome"] == "ok") & frame["architecture"].isin(values.index)
        of_architecture = frame["architecture"].map(values)
        frame = frame.assign(**{name: of_architecture.where(is_tested, frame[name]).astype("Float64")})
    return frame
