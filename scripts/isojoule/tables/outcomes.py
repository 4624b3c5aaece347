"""What became of the cells of a table: which have no energy and why, and which another study measured."""

import pandas as pd

from isojoule.readable import counted

SHOWN = 10


def without_energy(frame: pd.DataFrame, shown: int = SHOWN, name: str = "architecture") -> list[str]:
    """Name the cells that have no energy, with the number of each outcome; nothing where every cell has one.

    A platform without any energy is named once for all of its cells, and so is an architecture without any on the other
    platforms.

    Args:
        frame: a table of measurements, or any other with `outcome`.
        shown: how many names there are at most; the last line then counts the others.
        name: column with the names of the architectures.
    """
    lines: list[str] = []
    if (frame["outcome"] == "ok").all():
        return lines
    for column in [key for key in ("gpu", name) if key in frame]:
        for value, cells in frame.groupby(column, sort=False):
            if not (cells["outcome"] == "ok").any():
                lines.append(f"{value}: {_all(len(cells))} ({_counts(cells)})")
                frame = frame[frame[column] != value]
    for values, cells in frame.groupby([key for key in (name, "gpu") if key in frame], sort=False):
        rest = cells[cells["outcome"] != "ok"]
        if len(rest):
            lines.append(
                f"{' on '.join(map(str, values))}: {len(rest)} of {counted(len(cells), 'cell')} ({_counts(rest)})"
            )
    more = [f"and {len(lines) - shown} more"] if len(lines) > shown else []
    return lines[:shown] + more


def taken_from(frame: pd.DataFrame) -> dict[str, int]:
    """Count the cells that other studies measured, by the name of the study; their records were taken.

    Args:
        frame: a table of measurements.
    """
    is_taken = (frame["record_study"] != frame["study"]).fillna(False)
    counts: dict[str, int] = frame.loc[is_taken, "record_study"].value_counts().to_dict()
    return counts


def _all(cells: int) -> str:
    return "the only cell" if cells == 1 else f"all of {counted(cells, 'cell')}"


def _counts(cells: pd.DataFrame) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in cells["outcome"].value_counts().items())
