"""The qualities of models in the table of measurements: what energy is weighed against."""

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from isojoule.errors import InputError
from isojoule.tables.columns import COLUMNS
from isojoule.tables.reading import read_any
from isojoule.tables.values import refuse, typed

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
    judged = typed(judged)
    names = judged["architecture"]
    refuse(judged, "architecture", names.isna(), "its name in every row")
    refuse(judged, "architecture", ~names.isin(frame["architecture"]), "an architecture of this study")
    refuse(judged, "architecture", names.duplicated(), "every architecture once")
    for name in columns:
        refuse(judged, name, judged[name].isna(), "a number")
        values = judged.set_index("architecture")[name]
        if frame[name].notna().any():
            raise InputError(f"{path}: found {name}, expected qualities that this study did not measure itself")
        is_tested = (frame["phase"] == "test") & (frame["outcome"] == "ok") & frame["architecture"].isin(values.index)
        of_architecture = frame["architecture"].map(values)
        frame = frame.assign(**{name: of_architecture.where(is_tested, frame[name]).astype("Float64")})
    return frame
