"""Find and check the clips of a study, whatever their source, and list them in a manifest."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import soundfile

from isojoule.configuration.shared_sections import MelOfBeginning
from isojoule.errors import InputError
from isojoule.files import write_text
from isojoule.workloads.audio import UnusableClipError, decode_beginning
from isojoule.workloads.tagging import synthetic
from isojoule.workloads.tagging.description import Configuration
from isojoule.workloads.tagging.description.sections import Dataset, Desed, Folder, Synthetic
from isojoule.workloads.tagging.labels import DESED_CLASSES, listed, read_labels
from isojoule.workloads.tagging.manifest import MANIFEST, Clip, tsv, write_manifest

AUDIO_SUFFIXES = {".wav", ".flac", ".ogg", ".oga", ".mp3", ".aiff", ".aif", ".opus"}
LEFT_OUT = "left_out.tsv"


def prepare_study(configuration: Configuration, folder: Path) -> str:
    """Prepare the clips of a study as `prepare` does, and return their numbers in words."""
    clips = prepare(configuration.dataset, configuration.mel, folder)
    train, test = (sum(clip.is_in(split) for clip in clips) for split in ("train", "test"))
    return f"{len(clips)} clips, {train} to train on, {test} to test on"


def prepare(dataset: Dataset, mel: MelOfBeginning, folder: Path) -> list[Clip]:
    """Check every clip of the study and write `manifest.tsv` (and `left_out.tsv`) into `folder`.

    Args:
        dataset: the configuration's `dataset` section.
        mel: the configuration's `mel` section: how much of each clip must be readable.
        folder: where the manifest goes, and the clips of the synthetic source.

    Returns:
        the usable clips.

    Raises:
        InputError: a label or file is wrong, or, with `on_bad_file: leave_out`, no clip is left to train or test on;
            the message lists what is wrong.
    """
    if isinstance(dataset, Synthetic):
        synthetic.write(folder, dataset.train_clips, dataset.test_clips, dataset.seed)
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
    tables = {
        split: read_labels(root / table, dataset.classes)
        for split, table in (("train", dataset.train), ("test", dataset.test))
    }
    names = list(dict.fromkeys(name for table in tables.values() for name in table))
    splits = {name: [split for split, table in tables.items() if name in table] for name in names}
    conflicts = [
        str(audio / name)
        for name in names
        if len(splits[name]) == 2 and set(tables["train"][name]) != set(tables["test"][name])
    ]
    if conflicts:
        both = f"{dataset.train} and {dataset.test}"
        raise InputError(f"dataset: found other labels in {both} for the same file\n       {listed(conflicts)}")
    labelled = {name for table in tables.values() for name, labels in table.items() if labels}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        checks = list(pool.map(lambda name: _check(audio / name, mel) if name in labelled else "has no label", names))
    clips = [
        Clip(str(audio / name), ",".join(splits[name]), ",".join(tables[splits[name][0]][name]), *check)
        for name, check in zip(names, checks, strict=True)
        if not isinstance(check, str)
    ]
    problems = [f"{audio / name}: {check}" for name, check in zip(names, checks, strict=True) if isinstance(check, str)]
    problems += [f"{path}: has no label" for path in _unlabelled(audio, names)]
    if problems and dataset.on_bad_file == "stop":
        raise InputError(
            f"dataset: {len(problems)} files are wrong; mend them, or set dataset.on_bad_file to leave_out\n       "
            + listed(problems)
        )
    for split in tables:
        if not any(clip.is_in(split) for clip in clips):
            raise InputError(f"dataset: no usable clip is left to {split} on\n       {listed(problems)}")
    if problems:
        print(f"left out, as dataset.on_bad_file says:\n       {listed(problems)}", file=sys.stderr, flush=True)
    rows = [dict(zip(("path", "reason"), problem.split(": ", 1), strict=True)) for problem in problems]
    write_text(folder / LEFT_OUT, tsv(("path", "reason"), rows))
    write_manifest(folder / MANIFEST, clips)
    return clips


def _check(path: Path, mel: MelOfBeginning) -> tuple[float, int, int] | str:
    """Return the duration (s), rate (Hz) and number of channels of a clip, or what is wrong with it."""
    try:
        decode_beginning(path, mel)
        file = soundfile.info(path)
    except UnusableClipError as error:
        return str(error)
    return round(file.frames / file.samplerate, 6), file.samplerate, file.channels


def _unlabelled(audio: Path, names: list[str]) -> list[Path]:
    """Return the audio files below the folder `audio` that no table of labels names."""
    labelled = {audio / name for name in names}
    files = (path for path in audio.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
    return sorted(path for path in files if path not in labelled)
