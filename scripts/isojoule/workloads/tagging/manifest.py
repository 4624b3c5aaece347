"""The manifest, which has one row per clip."""

import csv
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from io import StringIO
from pathlib import Path
from typing import Any

from isojoule.files import write_text
from isojoule.workloads.manifest_rows import read_clips

MANIFEST = "manifest.tsv"
SPLITS = ("train", "test", "train,test")


@dataclass(frozen=True, slots=True)
class Clip:
    """One row of the manifest.

    Attributes:
        path: the audio file.
        split: `train`, `test` or `train,test`.
        labels: class names, separated by commas.
        duration_s: length of the whole clip.
        sample_rate_hz: sample rate of the file.
        channels: channels of the file.
        sha256: hash of the file; empty in manifests of before.
    """

    path: str
    split: str
    labels: str
    duration_s: float
    sample_rate_hz: int
    channels: int
    sha256: str = ""

    def is_in(self, split: str) -> bool:
        """Return whether the clip belongs to the split `train` or `test`."""
        return split in self.split.split(",")


def read_manifest(path: Path) -> list[Clip]:
    """Read a manifest.

    Raises:
        InputError: the file is missing or not a manifest.
    """
    return read_clips(path, _clip)


def _clip(row: dict[str, str]) -> Clip:
    clip = Clip(
        row["path"],
        row["split"],
        row["labels"],
        float(row["duration_s"]),
        int(row["sample_rate_hz"]),
        int(row["channels"]),
        row.get("sha256", ""),
    )
    if clip.split not in SPLITS:
        raise ValueError(f"split: found {clip.split}, expected one of {'; '.join(SPLITS)}")
    if not 0 < clip.duration_s < math.inf:
        raise ValueError(f"duration_s: found {clip.duration_s}, expected a number above 0")
    return clip


def write_manifest(path: Path, clips: Iterable[Clip]) -> None:
    """Write `clips` as a manifest, whole or not at all."""
    write_text(path, tsv([field.name for field in fields(Clip)], (asdict(clip) for clip in clips)))


def tsv(columns: Iterable[str], rows: Iterable[dict[str, Any]]) -> str:
    """Format rows as tab-separated text with a header."""
    text = StringIO()
    writer = csv.DictWriter(text, list(columns), delimiter="\t", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
