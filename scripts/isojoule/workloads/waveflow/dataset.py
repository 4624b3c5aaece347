"""Find and check the clips of a study, in the layout of LJSpeech or made from a seed, and list them in a manifest."""

import math
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from isojoule.errors import InputError
from isojoule.workloads.audio import UnusableClipError, decode_whole
from isojoule.workloads.waveflow import synthetic
from isojoule.workloads.waveflow.description import Configuration
from isojoule.workloads.waveflow.description.sections import Synthetic
from isojoule.workloads.waveflow.manifest import HOP, MANIFEST, Clip, write_manifest
from isojoule.workloads.whole_clip import properties

SHOWN = 20


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
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        checks = list(pool.map(lambda path: _n_frames(path, rate_hz), paths))
    problems = [f"{path}: {check}" for path, check in zip(paths, checks, strict=True) if isinstance(check, str)]
    if problems:
        more = [f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
        listed = "\n       ".join(problems[:SHOWN] + more)
        raise InputError(f"dataset: {len(problems)} files are wrong\n       {listed}")
    first_test = len(names) - dataset.test_clips
    clips = [
        Clip(str(path), "test" if number >= first_test else "train", int(n_frames))
        for number, (path, n_frames) in enumerate(zip(paths, checks, strict=True))
    ]
    write_manifest(folder / MANIFEST, clips)
    return f"{len(clips)} clips, {first_test} to train on, {dataset.test_clips} to test on"


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


def _n_frames(path: Path, rate_hz: int) -> int | str:
    """Return the number of mel frames of a clip, or what is wrong with it."""
    try:
        properties(path)
        return math.ceil(len(decode_whole(path, rate_hz)) / HOP)
    except UnusableClipError as error:
        return str(error)
