"""The manifest, which has one row per clip."""

import csv
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from io import StringIO
from pathlib import Path

from isojoule.files import write_text
from isojoule.workloads.manifest_rows import read_clips

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
        sha256: hash of the file; empty in manifests of before.
    """

    path: str
    split: str
    n_frames: int
    sha256: str = ""


def read_manifest(path: Path) -> list[Clip]:
    """Read a manifest.

    Raises:
        InputError: the file is missing or not a manifest.
    """
    return read_clips(path, _clip)


def _clip(row: dict[str, str]) -> Clip:
    clip = Clip(row["path"], row["split"], int(row["n_frames"]), row.get("sha256", ""))
    if clip.split not in ("train", "test"):
        raise ValueError(f"split: found {clip.split}, expected train or test")
    if clip.n_frames < 1:
        raise ValueError(f"n_frames: found {clip.n_frames}, expected 1 or more")
    return clip


def write_manifest(path: Path, clips: Iterable[Clip]) -> None:
    """Write `clips` as a manifest, whole or not at all."""
    text = StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Clip)], delimiter="\t", lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(clip) for clip in clips)
    write_text(path, text.getvalue())
