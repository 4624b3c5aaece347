"""Find and check the clips of a study, whatever their source, and list them in a manifest."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from isojoule.configuration.shared_sections import MelOfBeginning
from isojoule.errors import InputError
from isojoule.files import write_text
from isojoule.progress import listed
from isojoule.readable import counted
from isojoule.workloads import clip_content
from isojoule.workloads.audio import UnusableClipError, decode_beginning
from isojoule.workloads.clip_content import Content
from isojoule.workloads.clip_files import ClipFiles
from isojoule.workloads.tagging import synthetic
from isojoule.workloads.tagging.description import Configuration
from isojoule.workloads.tagging.description.sections import Dataset, Desed, Folder, Synthetic
from isojoule.workloads.tagging.labels import DESED_CLASSES, Labels, read_labels
from isojoule.workloads.tagging.manifest import MANIFEST, Clip, tsv, write_manifest
from isojoule.workloads.whole_clip import Properties, properties

AUDIO_SUFFIXES = {".wav", ".flac", ".ogg", ".oga", ".mp3", ".aiff", ".aif", ".opus"}
LEFT_OUT = "left_out.tsv"


def prepare_study(configuration: Configuration, folder: Path) -> str:
    """Prepare the clips of a study as `prepare` does, and return their numbers in words."""
    clips = prepare(configuration.dataset, configuration.mel, folder, configuration.task)
    train, test = (sum(clip.is_in(split) for clip in clips) for split in ("train", "test"))
    return f"{counted(len(clips), 'clip')}, {train} to train on, {test} to test on"


def prepare(dataset: Dataset, mel: MelOfBeginning, folder: Path, task: str = "multi_label") -> list[Clip]:
    """Check every clip of the study and write `manifest.tsv` (and `left_out.tsv`) into `folder`.

    Args:
        dataset: the configuration's `dataset` section.
        mel: the configuration's `mel` section: how much of each clip must be readable.
        folder: where the manifest goes, and the clips of the synthetic source.
        task: `single_label` where every clip must have exactly one label.

    Returns:
        the usable clips.

    Raises:
        InputError: a label or file is wrong, or, with `on_bad_file: leave_out`, no clip is left to train or test on;
            the message lists what is wrong.
    """
    if isinstance(dataset, Synthetic):
        synthetic.write(folder, dataset.train_clips, dataset.test_clips, dataset.seed, task)
        dataset = Folder(
            source="folder",
            path=str(folder),
            train="train.tsv",
            test="test.tsv",
            classes=DESED_CLASSES,
            on_bad_file=dataset.on_bad_file,
        )
    root = Path(dataset.path)
    audio = root / dataset.audio
    if not audio.is_dir():
        hint = "; config/README.md says how to get DESED" if isinstance(dataset, Desed) else ""
        raise InputError(f"dataset: the audio folder {audio} is missing{hint}")
    tables = _read_tables(root, dataset)
    files = ClipFiles()
    clips, problems, remarks = _checked_clips(audio, tables, dataset, mel, task, files)
    told = [f"{path}: {reason}" for path, reason in problems]
    if problems and dataset.on_bad_file == "stop":
        raise InputError(
            f"dataset: {counted(len(problems), 'file or row is', 'files or rows are')} wrong; mend the data, or set "
            f"dataset.on_bad_file to leave_out\n       {listed(told)}"
        )
    for split in ("train", "test"):
        if not any(clip.is_in(split) for clip in clips):
            raise InputError(f"dataset: no usable clip is left to {split} on\n       {listed(told)}")
    if problems:
        _tell(f"left out, as dataset.on_bad_file says:\n       {listed(told)}")
    for remark in remarks:
        _tell(remark)
    if unused := _count_unused(audio, tables):
        _tell(
            f"{audio}: {counted(unused, 'audio file is', 'audio files are')} not used, since no row names such a file"
        )
    rows = [{"path": path, "reason": reason} for path, reason in problems]
    write_text(folder / LEFT_OUT, tsv(("path", "reason"), rows))
    write_manifest(folder / MANIFEST, clips)
    files.remember(folder / MANIFEST)
    return clips


def _read_tables(root: Path, dataset: Desed | Folder) -> dict[str, Labels]:
    """Read the labels by the name of the table, and tell which table is one of events."""
    names = dict.fromkeys((dataset.train, dataset.test))
    tables = {name: _by_file(root / dataset.audio, read_labels(root / name, dataset.classes)) for name in names}
    for name, table in tables.items():
        if table.events is not None:
            clips = len(table.of_clips)
            _tell(f"{root / name}: has strong labels: each of {clips} clips has the classes of all its events")
    return tables


def _by_file(audio: Path, table: Labels) -> Labels:
    """Join the labels of names that are one file, such as those of links, under the first of these names."""
    first_names: dict[tuple[int, int] | str, str] = {}
    of_clips: dict[str, list[str]] = {}
    for name, classes in table.of_clips.items():
        of_clip = of_clips.setdefault(first_names.setdefault(clip_content.file_of(audio / name), name), [])
        of_clip += [text for text in classes if text not in of_clip]
    return replace(table, of_clips=of_clips)


def _checked_clips(
    audio: Path, tables: dict[str, Labels], dataset: Desed | Folder, mel: MelOfBeginning, task: str, files: ClipFiles
) -> tuple[list[Clip], list[tuple[str, str]], list[str]]:
    """Return the clips that can be used, what cannot (a file or the row of a table, and the reason), and remarks."""
    train, test = tables[dataset.train].of_clips, tables[dataset.test].of_clips
    conflicts = [str(audio / name) for name in train if name in test and set(train[name]) != set(test[name])]
    if conflicts:
        both = f"{dataset.train} and {dataset.test}"
        raise InputError(f"dataset: found other labels in {both} for the same file\n       {listed(conflicts)}")
    labels = test | train
    names = [*train, *(name for name in test if name not in train)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        checks = list(pool.map(lambda name: _check(audio / name, labels[name], mel, task, files), names))
    problems = [
        (f"{Path(dataset.path) / name}, line {line}", reason)
        for name, table in tables.items()
        for line, reason in table.broken_rows.items()
    ]
    clips, sounds = [], []
    for name, check in zip(names, checks, strict=True):
        if isinstance(check, str):
            problems.append((str(audio / name), check))
            continue
        found, sound, sha256 = check
        sounds.append(sound)
        splits = [split for split, of_clips in (("train", train), ("test", test)) if name in of_clips]
        clips.append(
            Clip(
                path=str(audio / name),
                split=",".join(splits),
                labels=",".join(labels[name]),
                duration_s=round(found.duration_s, 6),
                sample_rate_hz=found.rate_hz,
                channels=found.channels,
                sha256=sha256,
            )
        )
    contents = [Content(clip.path, clip.split, sound) for clip, sound in zip(clips, sounds, strict=True)]
    leaks = clip_content.leaks(contents)
    kept = [clip for clip in clips if clip.path not in leaks]
    remarks = clip_content.remarks([content for content in contents if content.path not in leaks])
    return kept, problems + list(leaks.items()), remarks


def _check(
    path: Path, labels: list[str], mel: MelOfBeginning, task: str, files: ClipFiles
) -> tuple[Properties, str | None, str] | str:
    """Return what a clip is, its sound and the hash of its file, or what is wrong with it."""
    if not labels:
        return "has no label"
    if task == "single_label" and len(labels) > 1:
        return f"has the labels {', '.join(labels)}, expected exactly one, since task is single_label"
    try:
        return properties(path), clip_content.sound(decode_beginning(path, mel)), files.hash(path)
    except UnusableClipError as error:
        return str(error)


def _count_unused(audio: Path, tables: dict[str, Labels]) -> int:
    """Count the audio files below the folder `audio` that no table names."""
    used = {os.path.normpath(audio / name) for table in tables.values() for name in table.of_clips}
    files = (path for path in audio.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES and path.is_file())
    return sum(os.path.normpath(path) not in used for path in files)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
