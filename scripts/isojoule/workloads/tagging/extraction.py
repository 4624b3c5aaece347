"""Extract the features of all clips once, into one array with its targets and statistics."""

import hashlib
import shutil
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from isojoule.configuration.shared_sections import MelOfBeginning
from isojoule.errors import InputError
from isojoule.files import write_bytes, write_json, written_whole
from isojoule.progress import heartbeat, listed
from isojoule.readable import counted
from isojoule.workloads.audio import UnusableClipError, decode_beginning
from isojoule.workloads.mel import log_mel
from isojoule.workloads.tagging.description import Configuration
from isojoule.workloads.tagging.manifest import MANIFEST, Clip, read_manifest

# how many clips a thread takes at a time
BATCH = 4


def extract_study(configuration: Configuration, dataset: Path, folder: Path, workers: int) -> int:
    """Extract the features of a study as `extract` does."""
    return extract(dataset, configuration.mel, configuration.classes, folder, workers)


def extract(dataset: Path, mel: MelOfBeginning, classes: list[str], folder: Path, workers: int) -> int:
    """Write `features.npy`, `targets.npy`, `statistics.json` and the manifest into `folder`.

    Each thread takes batches of clips, so that memory does not grow with their number. The statistics are written last:
    mean and standard deviation of the features to train on, and a hash of the splits.

    Args:
        dataset: folder of the manifest.
        mel: the configuration's `mel` section.
        classes: the class names, in the order of the targets.
        folder: where the features go.
        workers: number of threads that decode.

    Returns:
        the number of clips.

    Raises:
        InputError: clips cannot be decoded; the message lists them.
    """
    clips = read_manifest(dataset / MANIFEST)
    torch.set_num_threads(1)
    train = np.array([clip.is_in("train") for clip in clips])
    total, squares, problems, done = 0.0, 0.0, [], 0
    shape = (len(clips), mel.n_mels, mel.n_frames)
    with (
        written_whole(folder / "features.npy") as temporary,
        temporary.open("wb") as file,
        ThreadPoolExecutor(workers) as pool,
        heartbeat(lambda: f"{done}/{len(clips)} clips"),
    ):
        # we write batch by batch, since the pages of a memory map would stay in memory until the end
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_2_0(file, header)
        for start, values, unusable in _batches(clips, mel, pool, ahead=2 * workers):
            problems += unusable
            file.write(values.data)
            done = start + len(values)
            chosen = values[train[start : start + BATCH][: len(values)]].astype(np.float64)
            total, squares = total + chosen.sum(), squares + np.square(chosen, out=chosen).sum()
        if problems:
            raise InputError(f"{counted(len(problems), 'clip')} cannot be decoded\n       {listed(problems)}")
    count = int(train.sum()) * shape[1] * shape[2]
    # the last digits follow from how the clips were batched, which must not measure anything again
    mean, deviation = (float(f"{value:.9g}") for value in (total / count, _deviation(total, squares, count)))
    targets = np.array([[label in clip.labels.split(",") for label in classes] for clip in clips], dtype=np.float32)
    array = BytesIO()
    np.save(array, targets)
    write_bytes(folder / "targets.npy", array.getbuffer())
    with written_whole(folder / MANIFEST) as temporary:
        shutil.copyfile(dataset / MANIFEST, temporary)
    splits = hashlib.sha256(" ".join(clip.split for clip in clips).encode()).hexdigest()[:16]
    write_json(folder / "statistics.json", {"clips": len(clips), "mean": mean, "std": deviation, "splits": splits})
    return len(clips)


def _deviation(total: float, squares: float, count: int) -> float:
    """Return the standard deviation of `count` values from their sum and the sum of their squares, never 0."""
    return max(float(np.sqrt(max(squares / count - (total / count) ** 2, 0))), 1e-6)


def _batches(
    clips: list[Clip], mel: MelOfBeginning, pool: ThreadPoolExecutor, ahead: int
) -> Iterator[tuple[int, NDArray[np.float32], list[str]]]:
    """Yield for every batch, in order, the number of its first clip, features (n, n_mels, n_frames) and problems.

    Args:
        clips: all clips.
        mel: the configuration's `mel` section.
        pool: threads that decode.
        ahead: how many batches are extracted before they are used.
    """
    transform = log_mel(mel)

    def extract_batch(start: int) -> tuple[NDArray[np.float32], list[str]]:
        samples, problems = [], []
        for clip in clips[start : start + BATCH]:
            try:
                samples.append(decode_beginning(Path(clip.path), mel))
            except UnusableClipError as error:
                problems.append(f"{clip.path}: {error}")
        if problems:
            return np.empty((0, mel.n_mels, mel.n_frames), np.float32), problems
        return transform(torch.from_numpy(np.stack(samples))).numpy(), problems

    starts = iter(range(0, len(clips), BATCH))
    waiting = deque((start, pool.submit(extract_batch, start)) for start in islice(starts, ahead))
    while waiting:
        start, batch = waiting.popleft()
        values, problems = batch.result()
        waiting.extend((following, pool.submit(extract_batch, following)) for following in islice(starts, 1))
        yield start, values, problems
