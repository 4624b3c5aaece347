"""Find and check the clips of a study, whatever their source; the result is a manifest."""

import csv
import os
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from io import StringIO
from pathlib import Path
from typing import Any

import soundfile

from isojoule.errors import InputError
from isojoule.files import write_text
from isojoule.workloads.tagging import synthetic
from isojoule.workloads.tagging.audio import UnusableClipError, beginning
from isojoule.workloads.tagging.labels import listed, read_labels

AUDIO_SUFFIXES = {".wav", ".flac", ".ogg", ".oga", ".mp3", ".aiff", ".aif", ".opus"}
MANIFEST = "manifest.tsv"
LEFT_OUT = "left_out.tsv"


@dataclass(frozen=True)
class Clip:
    """One row of the manifest.

    Attributes:
        path: the audio file.
        split: `train`, `test` or `train,test`.
        labels: class names, separated by commas.
        duration_s: length of the whole clip.
        sample_rate_hz: of the file.
        channels: of the file.
    """

    path: str
    split: str
    labels: str
    duration_s: float
    sample_rate_hz: int
    channels: int


def prepare(dataset: dict[str, Any], mel: dict[str, Any], classes: list[str], folder: Path) -> list[Clip]:
    """Check every clip of the study and write `manifest.tsv` (and `left_out.tsv`) into `folder`.

    Args:
        dataset: the configuration's `dataset` section.
        mel: the configuration's `mel` section: how much of each clip must be readable.
        classes: the class names.
        folder: where the manifest goes, and the clips of the synthetic source.

    Returns:
        the usable clips.

    Raises:
        InputError: listing every label and file that is wrong, or, with `on_bad_file: leave_out`, where nothing is left
            to train or test on.
    """
    if dataset["source"] == "synthetic":
        synthetic.write(folder, dataset["train_clips"], dataset["test_clips"], dataset["seed"])
        dataset = {**dataset, "path": str(folder), "audio": "audio", "train": "train.tsv", "test": "test.tsv"}
    root = Path(dataset["path"])
    audio = root / dataset["audio"]
    if not audio.is_dir():
        hint = "; config/README.md says how to get DESED" if dataset["source"] == "desed" else ""
        raise InputError(f"dataset: the audio folder {audio} is missing{hint}")
    tables = {split: read_labels(root / dataset[split], classes) for split in ("train", "test")}
    names = list(dict.fromkeys(name for table in tables.values() for name in table))
    splits = {name: [split for split, table in tables.items() if name in table] for name in names}
    conflicts = [
        str(audio / name)
        for name in names
        if len(splits[name]) == 2 and set(tables["train"][name]) != set(tables["test"][name])
    ]
    if conflicts:
        both = f"{dataset['train']} and {dataset['test']}"
        raise InputError(f"dataset: found other labels in {both} for the same file\n       {listed(conflicts)}")
    labelled = {name for table in tables.values() for name, labels in table.items() if labels}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        checked = list(
            pool.map(lambda name: _checked(audio / name, mel) if name in labelled else "has no label", names)
        )
    clips = [
        Clip(str(audio / name), ",".join(splits[name]), ",".join(tables[splits[name][0]][name]), *found)
        for name, found in zip(names, checked, strict=True)
        if not isinstance(found, str)
    ]
    bad = [f"{audio / name}: {found}" for name, found in zip(names, checked, strict=True) if isinstance(found, str)]
    problems = bad + [f"{path}: has no label" for path in _unlabelled(audio, names)]
    if problems and dataset["on_bad_file"] == "stop":
        raise InputError(
            f"dataset: {len(problems)} files are wrong; mend them, or set dataset.on_bad_file to leave_out\n       "
            + listed(problems)
        )
    for split in tables:
        if not any(split in clip.split.split(",") for clip in clips):
            raise InputError(f"dataset: no usable clip is left to {split} on\n       {listed(problems)}")
    if problems:
        print(f"left out, as dataset.on_bad_file says:\n       {listed(problems)}", file=sys.stderr, flush=True)
    rows = [dict(zip(("path", "reason"), problem.split(": ", 1), strict=True)) for problem in problems]
    write_text(folder / LEFT_OUT, _tsv(("path", "reason"), rows))
    write_text(folder / MANIFEST, _tsv([field.name for field in fields(Clip)], (asdict(clip) for clip in clips)))
    return clips


def read_manifest(path: Path) -> list[Clip]:
    """Read a manifest.

    Raises:
        InputError: the file is missing or not a manifest.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [
                Clip(
                    row["path"],
                    row["split"],
                    row["labels"],
                    float(row["duration_s"]),
                    int(row["sample_rate_hz"]),
                    int(row["channels"]),
                )
                for row in csv.DictReader(file, delimiter="\t")
            ]
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; scripts/prepare_dataset.py writes it") from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: is not a manifest as scripts/prepare_dataset.py writes it") from error


def _checked(path: Path, mel: dict[str, Any]) -> tuple[float, int, int] | str:
    """Duration, rate and channels of a clip, or what is wrong with it."""
    try:
        beginning(path, mel)
        about = soundfile.info(path)
    except UnusableClipError as error:
        return str(error)
    return round(about.frames / about.samplerate, 6), about.samplerate, about.channels


def _unlabelled(audio: Path, names: list[str]) -> list[Path]:
    named = {audio / name for name in names}
    files = (path for path in audio.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
    return sorted(path for path in files if path not in named)


def _tsv(columns: Iterable[str], rows: Iterable[dict[str, Any]]) -> str:
    text = StringIO()
    writer = csv.DictWriter(text, list(columns), delimiter="\t", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
