"""The extracted features of a study, memory-mapped."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from isojoule.configuration.shared_sections import MelOfBeginning
from isojoule.errors import InputError
from isojoule.workloads import extracted
from isojoule.workloads.audio import UnusableClipError, decode_beginning
from isojoule.workloads.mel import log_mel
from isojoule.workloads.tagging.manifest import MANIFEST, read_manifest


class Features:
    """The extracted features of a study.

    Args:
        folder: where `extract` wrote them.
        mel: the configuration's `mel` section.

    Attributes:
        values: (clips, n_mels, n_frames) float32, memory-mapped.
        targets: (clips, n_classes) float32, 0 or 1.
        mean: mean of all values of the training clips.
        std: standard deviation of all values of the training clips.

    Raises:
        InputError: a file is missing or broken, or does not go with the others.
    """

    def __init__(self, folder: Path, mel: MelOfBeginning) -> None:
        self._mel, self._transform = mel, log_mel(mel)
        self._clips = read_manifest(folder / MANIFEST)
        self.mean, self.std = extracted.statistics(folder)
        shape = (len(self._clips), mel.n_mels, mel.n_frames)
        self.values = extracted.array(folder / "features.npy", np.float32, shape)
        self.targets = np.asarray(extracted.array(folder / "targets.npy", np.float32, (shape[0], None)))
        if not ((self.targets == 0) | (self.targets == 1)).all():
            raise InputError(f"{folder / 'targets.npy'}: found other values than 0 and 1; {extracted.AGAIN}")

    def rows(self, split: str) -> NDArray[np.int64]:
        """Return the row numbers (n,) of the clips of `train` or `test`."""
        return np.flatnonzero([clip.is_in(split) for clip in self._clips])

    def shared_clips(self, split: str, other: str) -> int:
        """Return how many clips are in both of two splits."""
        return len(np.intersect1d(self.rows(split), self.rows(other)))

    def decode(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Decode and transform these clips again: (n, n_mels, n_frames), equal to their rows of `values`.

        Args:
            rows: (n,) row numbers.

        Raises:
            InputError: a clip can no longer be decoded.
        """
        try:
            samples = [decode_beginning(Path(self._clips[row].path), self._mel) for row in rows]
        except UnusableClipError as error:
            raise InputError(f"a clip of the features can no longer be used: it {error}") from error
        transformed: NDArray[np.float32] = self._transform(torch.from_numpy(np.stack(samples))).numpy()
        return transformed
