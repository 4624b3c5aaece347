"""Read the rows of a manifest, whatever the workload writes into them."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from isojoule.errors import InputError

Clip = TypeVar("Clip")
Row = dict[str, str]
AGAIN = "isojoule prepare-dataset writes it"


def read_clips(path: Path, clip: Callable[[Row], Clip]) -> list[Clip]:
    """Read one clip from each row of a manifest.

    Args:
        path: tab-separated text with a header.
        clip: makes a clip of a row, and raises ValueError or KeyError where the row is none.

    Raises:
        InputError: the file is missing, has no row, or one that is no clip; the message names the line.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, delimiter="\t", strict=True)
            clips = [_clip(path, reader, row, clip) for row in reader]
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; {AGAIN}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: is not a manifest: {error}; {AGAIN}") from error
    if not clips:
        raise InputError(f"{path}: found no clip, expected some; {AGAIN}")
    return clips


def _clip(path: Path, reader: "csv.DictReader[str]", row: Row, clip: Callable[[Row], Clip]) -> Clip:
    where = f"{path}: is not a manifest: line {reader.line_num}"
    if None in row or None in row.values():
        raise InputError(f"{where}: found not as many values as in the header; {AGAIN}")
    try:
        return clip(row)
    except KeyError as error:
        raise InputError(f"{where}: found no column {error.args[0]}; {AGAIN}") from error
    except ValueError as error:
        raise InputError(f"{where}: {error}; {AGAIN}") from error
