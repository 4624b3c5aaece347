"""The references that a user measured on the user's own GPU, from a file."""

from pathlib import Path

import pandas as pd

from isojoule.errors import InputError
from isojoule.normalization.user_system import System
from isojoule.tables.reading import read_any
from isojoule.tables.values import refuse, typed

# repeats do not differ by this factor: one of them is of another system, phase or unit
DISAGREEING_FACTOR = 2.0


def read_references(path: Path, phase: str) -> dict[str, System]:
    """Read the reference systems; several rows of a system are averaged.

    Args:
        path: CSV or parquet file with the columns `architecture`, `energy_kwh` and, if known, `duration_s`. Where it
            has a column `phase`, only rows of this phase are used; where it has `outcome`, only those that are ok.
        phase: `train` or `test`.

    Returns:
        the systems by name; without durations where one of them has none.

    Raises:
        InputError: the file is unreadable or has no row, a column is missing, or a value is no number above 0.
    """
    frame = read_any(path, "a table of references")
    missing = [name for name in ("architecture", "energy_kwh") if name not in frame]
    if missing:
        raise InputError(f"{path}: found no column {', '.join(missing)}, expected architecture and energy_kwh")
    frame = typed(frame)
    refuse(frame, "architecture", frame["architecture"].isna(), "a name")
    for column, kept in (("phase", phase), ("outcome", "ok")):
        frame = frame[frame[column] == kept] if column in frame else frame
    if frame.empty:
        raise InputError(f"{path}: found no row of {phase} with outcome ok")
    if "gpu" in frame and frame["gpu"].nunique() > 1:
        raise InputError(f"{path}: found the GPUs {', '.join(map(str, frame['gpu'].unique()))}, expected yours alone")
    refuse(frame, "energy_kwh", frame["energy_kwh"].isna(), "a number above 0")
    columns = [name for name in ("energy_kwh", "duration_s") if name in frame]
    groups = frame.groupby("architecture", sort=False)
    _check_repeats(groups["energy_kwh"], path)
    means = groups[columns].mean()
    is_timed = "duration_s" in means and means["duration_s"].notna().all()
    return {
        str(name): System(float(row["energy_kwh"]), float(row["duration_s"]) if is_timed else None)
        for name, row in means.iterrows()
    }


def _check_repeats(energies: pd.api.typing.SeriesGroupBy, path: Path) -> None:
    lowest, highest = energies.min(), energies.max()
    for name in energies.groups:
        low, high = lowest[name], highest[name]
        if high > DISAGREEING_FACTOR * low:
            raise InputError(f"{path}: found {low:g} to {high:g} kWh for {name}, expected repeats that agree")
