"""The manifest, which has one row per clip."""

import csv
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from io import StringIO
from pathlib import Path

from isojoule.errors import InputError
from isojoule.files import write_text

MANIFEST = "manifest.tsv"
# samples per mel frame; the model spreads a frame over as many
HOP = 256


@dataclass(frozen=True, slots=True)
class Clip:
    """One row of the manifest.

    Attributes:
        path: the audio file.
        split: `train` or `test`.
        n_frames: number of mel frames; silence fills up the last one.
    """

    path: str
    split: str
    n_frames: int


def read_manifest(path: Path) -> list[Clip]:
    """Read a manifest.

    Raises:
        InputError: the file is missing or not a manifest.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file, delimiter="\t")
            return [Clip(row["path"], row["split"], int(row["n_frames"])) for row in rows]
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; isojoule prepare-dataset writes it") from error
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise InputError(f"{path}: is not a manifest as isojoule prepare-dataset writes it") from error


def write_manifest(path: Path, clips: Iterable[Clip]) -> None:
    """Write `clips` as a manifest, whole or not at all."""
    text = StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Clip)], delimiter="\t", lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(clip) for clip in clips)
    write_text(path, text.getvalue())
