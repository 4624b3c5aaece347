"""Find and check the clips of a study, in the layout of LJSpeech or made from a seed, and list them in a manifest."""

import math
import os
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from isojoule.errors import InputError
from isojoule.progress import listed
from isojoule.readable import counted
from isojoule.workloads import clip_content
from isojoule.workloads.audio import UnusableClipError, decode_whole
from isojoule.workloads.clip_content import Content
from isojoule.workloads.clip_files import ClipFiles
from isojoule.workloads.waveflow import synthetic
from isojoule.workloads.waveflow.description import Configuration
from isojoule.workloads.waveflow.description.sections import Synthetic
from isojoule.workloads.waveflow.manifest import HOP, MANIFEST, Clip, write_manifest
from isojoule.workloads.whole_clip import properties


def prepare_study(configuration: Configuration, folder: Path) -> str:
    """Check every clip of the study, write `manifest.tsv` into `folder`, and return the numbers of clips in words.

    Raises:
        InputError: a file is missing or no audio, or no clip is left to train on; the message names the files.
    """
    dataset, rate_hz = configuration.dataset, configuration.mel.sample_rate_hz
    if isinstance(dataset, Synthetic):
        root = folder
        synthetic.write(folder, dataset.clips, rate_hz, dataset.seed)
    else:
        root = Path(dataset.path)
    names = _names(root / "metadata.csv")
    if not (root / "wavs").is_dir():
        raise InputError(f"dataset.path: found no folder {root / 'wavs'}, expected the clips of metadata.csv in it")
    if len(names) <= dataset.test_clips:
        raise InputError(
            f"dataset.test_clips: found {dataset.test_clips} of the {len(names)} clips of {root / 'metadata.csv'}, "
            "expected some to be left to train on"
        )
    paths = [root / "wavs" / f"{name}.wav" for name in names]
    files = ClipFiles()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        checks = list(pool.map(lambda path: _check(path, rate_hz, files), paths))
    problems = [f"{path}: {check}" for path, check in zip(paths, checks, strict=True) if isinstance(check, str)]
    clips, contents, first_test = [], [], len(names) - dataset.test_clips
    for number, (path, check) in enumerate(zip(paths, checks, strict=True)):
        if not isinstance(check, str):
            split = "test" if number >= first_test else "train"
            n_frames, sound, sha256 = check
            clips.append(Clip(str(path), split, n_frames, sha256))
            contents.append(Content(str(path), split, sound))
    problems += [f"{path}: {reason}" for path, reason in clip_content.leaks(contents).items()]
    if problems:
        raise InputError(f"dataset: {counted(len(problems), 'file is', 'files are')} wrong\n       {listed(problems)}")
    for remark in clip_content.remarks(contents):
        print(remark, file=sys.stderr, flush=True)
    write_manifest(folder / MANIFEST, clips)
    files.remember(folder / MANIFEST)
    return f"{counted(len(clips), 'clip')}, {first_test} to train on, {dataset.test_clips} to test on"


def _names(path: Path) -> list[str]:
    """Read the names of the clips: the first column of metadata.csv, whose columns have | between them."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: cannot be read ({getattr(error, 'strerror', None) or error}); expected the table of LJSpeech, "
            "with the clips of wavs/ in its first column"
        ) from error
    names = [line.split("|")[0].strip() for line in lines if line.strip()]
    if not names or not any("|" in line for line in lines):
        problem = "no clips" if not names else "no line with | in it"
        raise InputError(f"{path}: found {problem}, expected the table of LJSpeech: clip|text|text")
    if repeated := sorted(name for name, count in Counter(names).items() if count > 1):
        raise InputError(f"{path}: found {repeated[0]} twice, expected every clip once")
    return names


def _check(path: Path, rate_hz: int, files: ClipFiles) -> tuple[int, str | None, str] | str:
    """Return the number of mel frames of a clip, its sound and the hash of its file, or what is wrong with it."""
    try:
        properties(path)
        samples = decode_whole(path, rate_hz)
        return math.ceil(len(samples) / HOP), clip_content.sound(samples), files.hash(path)
    except UnusableClipError as error:
        return str(error)
