"""Read labels in the layout of DESED's weak annotations: filename, tab, comma-separated event labels."""

import csv
from pathlib import Path

from isojoule.errors import InputError

HEADER = ["filename", "event_labels"]
SHOWN = 20

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


def read_labels(path: Path, classes: list[str]) -> dict[str, list[str]]:
    """Read the labels by file name, in the order of the table; rows of one file are joined, and a file may have none.

    Args:
        path: a TSV file with the columns `filename` and `event_labels`.
        classes: the class names of the study.

    Raises:
        InputError: the file cannot be read, has another header or no rows, or names a class that is not in `classes`.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    except FileNotFoundError as error:
        raise InputError(f"{path}: is missing, expected a table of labels (filename, tab, event_labels)") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a table of labels: {error}") from error
    header = rows[0] if rows else []
    if not set(HEADER) <= set(header):
        raise InputError(f"{path}: found the header {header}, expected the columns {' and '.join(HEADER)}")
    name, event_labels = (header.index(column) for column in HEADER)
    labels: dict[str, list[str]] = {}
    problems = []
    for number, row in enumerate(rows[1:], start=2):
        if not any(row):
            continue
        if len(row) <= max(name, event_labels) or not row[name].strip():
            problems.append(f"line {number}: found {len(row)} columns, expected a file name and its labels")
            continue
        labels_of_row = [label.strip() for label in row[event_labels].split(",") if label.strip()]
        unknown = [label for label in labels_of_row if label not in classes]
        problems += [f"line {number}: {row[name]} has the unknown class {label}" for label in unknown]
        labels_of_file = labels.setdefault(row[name].strip(), [])
        labels_of_file += [label for label in labels_of_row if label in classes and label not in labels_of_file]
    if problems:
        raise InputError(f"{path}: {listed(problems)}; the classes are {', '.join(classes)}")
    if not labels:
        raise InputError(f"{path}: found no labelled clip, expected at least one row below the header")
    return labels


def listed(problems: list[str]) -> str:
    """Return the first twenty problems, one below the other, and how many more there are."""
    more = [f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
    return "\n       ".join(problems[:SHOWN] + more)
