"""Features of all clips, extracted once: one memory-mapped array, its targets and statistics."""

import shutil
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from isojoule.errors import InputError
from isojoule.files import read_json, write_json, written_whole
from isojoule.heartbeat import heartbeat
from isojoule.workloads.tagging.audio import UnusableClipError, beginning
from isojoule.workloads.tagging.dataset import MANIFEST, Clip, read_manifest
from isojoule.workloads.tagging.labels import listed
from isojoule.workloads.tagging.mel import log_mel

BATCH = 16


def extract(dataset: Path, mel: dict[str, Any], classes: list[str], folder: Path, workers: int) -> int:
    """Write `features.npy`, `targets.npy`, `statistics.json` and the manifest into `folder`.

    Threads take batches of clips each; memory does not grow with the number of clips.

    Args:
        dataset: folder of the manifest.
        mel: the configuration's `mel` section.
        classes: the class names, in the order of the targets.
        folder: where the features go.
        workers: threads that decode.

    Returns:
        the number of clips.

    Raises:
        InputError: listing every clip that cannot be decoded.
    """
    clips = read_manifest(dataset / MANIFEST)
    torch.set_num_threads(1)
    train = np.array([_in(clip, "train") for clip in clips])
    total, squares, problems, done = 0.0, 0.0, [], 0
    shape = (len(clips), mel["n_mels"], mel["n_frames"])
    with (
        written_whole(folder / "features.npy") as temporary,
        temporary.open("wb") as file,
        ThreadPoolExecutor(workers) as pool,
        heartbeat(lambda: f"{done}/{len(clips)} clips"),
    ):
        # written batch by batch: the pages of a memory map would stay in memory until the end
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_2_0(file, header)
        for start, values, unusable in _batches(clips, mel, pool, ahead=2 * workers):
            problems += unusable
            file.write(values.tobytes())
            done = start + len(values)
            chosen = values[train[start : start + BATCH][: len(values)]].astype(np.float64)
            total, squares = total + chosen.sum(), squares + np.square(chosen).sum()
        if problems:
            raise InputError(f"{len(problems)} clips cannot be decoded\n       {listed(problems)}")
    count = int(train.sum()) * shape[1] * shape[2]
    mean = total / count
    deviation = max(float(np.sqrt(max(squares / count - mean**2, 0))), 1e-6)
    write_json(folder / "statistics.json", {"clips": len(clips), "mean": mean, "std": deviation})
    targets = np.array([[label in clip.labels.split(",") for label in classes] for clip in clips], dtype=np.float32)
    with written_whole(folder / "targets.npy") as temporary, temporary.open("wb") as file:
        np.save(file, targets)
    with written_whole(folder / MANIFEST) as temporary:
        shutil.copyfile(dataset / MANIFEST, temporary)
    return len(clips)


class Features:
    """The extracted features of a study.

    Args:
        folder: where `extract` wrote them.
        mel: the configuration's `mel` section.

    Attributes:
        values: (clips, n_mels, n_frames) float32, memory-mapped.
        targets: (clips, n_classes) float32, 0 or 1.
        mean: of all values of the training clips.
        std: standard deviation of the same.
    """

    def __init__(self, folder: Path, mel: dict[str, Any]) -> None:
        self._mel, self._transform = mel, log_mel(mel)
        self._clips = read_manifest(folder / MANIFEST)
        statistics = read_json(folder / "statistics.json")
        self.mean, self.std = float(statistics["mean"]), float(statistics["std"])
        try:
            self.values = np.load(folder / "features.npy", mmap_mode="r")
            self.targets = np.load(folder / "targets.npy")
        except (OSError, ValueError) as error:
            raise InputError(
                f"{folder}: holds no features: {error}; scripts/extract_features.py writes them"
            ) from error

    def rows(self, split: str) -> NDArray[np.int64]:
        """Row numbers of the clips of `train` or `test`."""
        return np.flatnonzero([_in(clip, split) for clip in self._clips])

    def same_clips(self, split: str, other: str) -> bool:
        """Whether two splits are the same clips."""
        return np.array_equal(self.rows(split), self.rows(other))

    def decode(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Decode and transform these clips again; equal to their rows of `values`.

        Raises:
            InputError: a clip can no longer be decoded.
        """
        try:
            samples = [beginning(Path(self._clips[row].path), self._mel) for row in rows]
        except UnusableClipError as error:
            raise InputError(f"a clip of the features can no longer be used: it {error}") from error
        transformed: NDArray[np.float32] = self._transform(torch.from_numpy(np.stack(samples))).numpy()
        return transformed


def _batches(
    clips: list[Clip], mel: dict[str, Any], pool: ThreadPoolExecutor, ahead: int
) -> Iterator[tuple[int, NDArray[np.float32], list[str]]]:
    """First clip, values and problems of every batch in order, some batches ahead of their use."""
    transform = log_mel(mel)

    def extracted(start: int) -> tuple[NDArray[np.float32], list[str]]:
        samples, problems = [], []
        for clip in clips[start : start + BATCH]:
            try:
                samples.append(beginning(Path(clip.path), mel))
            except UnusableClipError as error:
                problems.append(f"{clip.path}: {error}")
        if problems:
            return np.empty((0, mel["n_mels"], mel["n_frames"]), np.float32), problems
        return transform(torch.from_numpy(np.stack(samples))).numpy(), problems

    starts = iter(range(0, len(clips), BATCH))
    waiting = deque((start, pool.submit(extracted, start)) for start in islice(starts, ahead))
    while waiting:
        start, batch = waiting.popleft()
        values, problems = batch.result()
        waiting.extend((following, pool.submit(extracted, following)) for following in islice(starts, 1))
        yield start, values, problems


def _in(clip: Clip, split: str) -> bool:
    return split in clip.split.split(",")
