"""Files inside the page, which the browser unpacks."""

import base64
import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

# a table that takes more room than this when packed stays beside the page
MOST_PACKED_BYTES = 2_000_000


class Downloads(NamedTuple):
    """The tables that a reader can save.

    Attributes:
        packed: packed CSV files by name.
        beside: names of the files that stay beside the page.
    """

    packed: dict[str, str]
    beside: list[str]


def packed(content: bytes | str) -> str:
    """Pack content for `unpacked` in page.js: gzip, then base64; the same content is always packed the same."""
    as_bytes = content.encode() if isinstance(content, str) else content
    return base64.b64encode(gzip.compress(as_bytes, mtime=0)).decode()


def downloads(measurements: tuple[Path, pd.DataFrame], energies: pd.DataFrame, tables: Mapping[str, Path]) -> Downloads:
    """Pack the tables of a study.

    Args:
        measurements: the table of measurements, and the file that it is from.
        energies: the table of energy.
        tables: other tables by their path below the study's results; those that are not CSV stay beside the page.
    """
    path, frame = measurements
    files = {"measurements.csv": packed_csv(frame), "tables/energy.csv": packed_csv(energies)}
    files |= {name: packed(table.read_bytes()) for name, table in tables.items() if table.suffix == ".csv"}
    inside = {name: content for name, content in files.items() if len(content) <= MOST_PACKED_BYTES}
    outside = [name for name in dict.fromkeys([*files, *tables]) if name not in inside]
    return Downloads(inside, [path.name if name == "measurements.csv" else name for name in outside])


def packed_csv(frame: pd.DataFrame) -> str:
    """Pack a table as CSV."""
    return packed(frame.to_csv(index=False))
