"""Read labels of clips in the layouts of DESED: weak ones, a row per clip, and strong ones, a row per event."""

import csv
import math
import posixpath
from dataclasses import dataclass
from pathlib import Path

from isojoule.errors import InputError
from isojoule.progress import listed

NAME = "filename"
WEAK = "event_labels"
EVENT = "event_label"
TIMES = ("onset", "offset")
EXPECTED = f"the columns {NAME} and {WEAK}, or {NAME}, {', '.join(TIMES)} and {EVENT}"

DESED_CLASSES = [
    "Alarm_bell_ringing",
    "Blender",
    "Cat",
    "Dishes",
    "Dog",
    "Electric_shaver_toothbrush",
    "Frying",
    "Running_water",
    "Speech",
    "Vacuum_cleaner",
]


@dataclass(frozen=True)
class Labels:
    """What a table of labels says.

    Attributes:
        of_clips: the classes by the file name of the clip, in the order of the table; a clip may have none.
        broken_rows: why a row cannot be read, by its line; the clips that it may belong to are not in `of_clips`.
        events: number of events where the table has a row for each, else None.
    """

    of_clips: dict[str, list[str]]
    broken_rows: dict[int, str]
    events: int | None


def read_labels(path: Path, classes: list[str]) -> Labels:
    """Read the labels of clips; rows of one file are joined, whichever way its name is written.

    Args:
        path: a TSV file with the columns `filename` and `event_labels` (weak), or `filename`, `onset`, `offset` and
            `event_label` (strong), where a clip has the classes of all of its events.
        classes: the class names of the study.

    Raises:
        InputError: the file cannot be read, has another header or no rows, or names a class that is not in `classes`.
    """
    header, *rows = _rows(path) or [[]]
    is_strong = not {*TIMES, EVENT}.isdisjoint(header)
    name, label, *times = _columns(path, header, is_strong)
    of_clips: dict[str, list[str]] = {}
    broken_rows, broken_names, unknown, events = {}, [], [], 0
    for number, row in enumerate(rows, start=2):
        if not any(row):
            continue
        if reason := _broken(row, header, name, label, times):
            broken_rows[number] = reason
            broken_names += [_same_name(value) for value in row]
            continue
        classes_of_row = [text.strip() for text in row[label].split(",") if text.strip()]
        strange = [text for text in classes_of_row if text not in classes]
        unknown += [f"line {number}: {row[name]} has the unknown class {text}" for text in strange]
        of_clip = of_clips.setdefault(_same_name(row[name]), [])
        of_clip += [text for text in dict.fromkeys(classes_of_row) if text not in of_clip]
        events += len(classes_of_row)
    if unknown:
        raise InputError(f"{path}: {listed(unknown)}; the classes are {', '.join(classes)}")
    if not of_clips and not broken_rows:
        raise InputError(f"{path}: found no labelled clip, expected at least one row below the header")
    # a row that lost its tab begins with the name of its clip, whose other rows do not tell all of its classes
    spoiled = [clip for clip in of_clips if any(text.startswith(clip) for text in broken_names)]
    complete = {clip: labels for clip, labels in of_clips.items() if clip not in spoiled}
    return Labels(complete, broken_rows, events if is_strong else None)


def _rows(path: Path) -> list[list[str]]:
    """Read all fields of a table, without the blanks around them."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            return [[value.strip() for value in row] for row in rows]
    except FileNotFoundError as error:
        raise InputError(f"{path}: is missing, expected a table of labels ({NAME}, tab, {WEAK})") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a table of labels: {error}") from error


def _columns(path: Path, header: list[str], is_strong: bool) -> list[int]:
    """Return the numbers of the columns of names and labels, and of a strong table those of onset and offset."""
    label = EVENT if EVENT in header else WEAK
    needed = [NAME, label, *(TIMES if is_strong else ())]
    if not set(needed) <= set(header):
        raise InputError(f"{path}: found the header {header}, expected {EXPECTED}")
    if any(header.count(column) > 1 for column in needed) or {EVENT, WEAK} <= set(header):
        raise InputError(f"{path}: found the header {header}, expected each of {', '.join(needed)} once")
    return [header.index(column) for column in needed]


def _broken(row: list[str], header: list[str], name: int, label: int, times: list[int]) -> str:
    """Say why a row cannot be read; nothing where it can."""
    if len(row) != len(header):
        return f"found {len(row)} columns, expected the {len(header)} of the header"
    if not row[name]:
        return "found no file name"
    if times and row[label]:
        onset, offset = (row[column] for column in times)
        if not _is_event(onset, offset):
            return f"found an event from {onset or 'nothing'} to {offset or 'nothing'}, expected two times in seconds"
    return ""


def _is_event(onset: str, offset: str) -> bool:
    try:
        return 0 <= float(onset) <= float(offset) < math.inf
    except ValueError:
        return False


def _same_name(name: str) -> str:
    """Return the shortest way to write the path of a clip, so that `./a.wav` and `b/../a.wav` are `a.wav`."""
    return posixpath.normpath(name)
