"""Decode clips: the whole of one, or its beginning and no more than the frames of a model need."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from isojoule.configuration.shared_sections import MelOfBeginning
from isojoule.workloads import mp3

# the resampler's filter looks ahead, so that a cut right behind the last sample would change it
MARGIN_S = 0.1
BLOCK_FRAMES = 2**20
# libsndfile's number of frames where a header does not tell it
UNKNOWN_FRAMES = 2**63 - 1
# integers of 32 bits stay below, and squares of spectra of such samples stay far from the end of float32
LOUDEST = 2.0**32


class UnusableClipError(Exception):
    """A clip has no usable samples; the message says why."""


class Stream(soundfile.SoundFile):  # type: ignore[misc]
    """A clip that is read from its beginning on.

    Other than its base it does not seek after every read, which fails at the end of a clip of unknown length.
    """

    def seekable(self) -> bool:
        """Return False, by which soundfile leaves out its seeks."""
        return False

    @property
    def has_known_length(self) -> bool:
        """Whether the header tells the number of frames; where that of an MP3 file does not, `frames` is a guess."""
        return bool(self.frames != UNKNOWN_FRAMES and (self.format != "MP3" or mp3.says_length(Path(self.name))))

    def beginning(self, needed: int | None) -> NDArray[np.float32]:
        """Decode the first `needed` frames, or all where it is None: (frames, channels), fewer where the clip ends.

        Raises:
            UnusableClipError: the clip ends before its header says.
        """
        missing = self.frames if needed is None else min(needed, self.frames)
        blocks = [np.empty((0, self.channels), dtype=np.float32)]
        while missing and len(block := self.read(min(missing, BLOCK_FRAMES), dtype="float32", always_2d=True)):
            blocks.append(block)
            missing -= len(block)
        if missing and self.has_known_length:
            found = sum(map(len, blocks))
            raise UnusableClipError(f"is cut off: found {found} frames, expected {self.frames} by its header")
        return np.concatenate(blocks)


def n_samples(mel: MelOfBeginning) -> int:
    """Return how many samples, at the configured rate, the first `n_frames` centred frames touch."""
    return int((mel.n_frames - 1) * mel.hop_length + mel.n_fft // 2)


def decode_whole(path: Path, rate_hz: int) -> NDArray[np.float32]:
    """Decode a clip to all its samples: (n,) float32, mono, at this rate.

    Raises:
        UnusableClipError: as for `decode_beginning`.
    """
    return _decode(path, rate_hz, None)


def decode_beginning(path: Path, mel: MelOfBeginning) -> NDArray[np.float32]:
    """Decode the first samples of a clip to mono at the configured rate; zeros follow the end of a short clip.

    Args:
        path: an audio file that libsndfile reads (wav, flac, ogg, mp3, ...), any rate and channel count.
        mel: the configuration's `mel` section.

    Returns:
        (n_samples,) float32, equal to resampling the whole clip and cutting it.

    Raises:
        UnusableClipError: the file is missing, unreadable, without samples, or holds NaN or infinity.
    """
    length = n_samples(mel)
    mono = _decode(path, mel.sample_rate_hz, length)
    padded = np.zeros(length, dtype=np.float32)
    padded[: min(length, len(mono))] = mono[:length]
    return padded


@contextmanager
def opened(path: Path) -> Iterator[Stream]:
    """Open a clip; what libsndfile cannot do with it until it is closed becomes an `UnusableClipError`.

    Raises:
        UnusableClipError: the file is missing, empty, a folder, or cannot be decoded.
    """
    try:
        with Stream(path) as clip:
            yield clip
    except (soundfile.SoundFileError, OSError) as error:
        raise UnusableClipError(_reason(path, error)) from error


def _decode(path: Path, rate_hz: int, at_least: int | None) -> NDArray[np.float32]:
    """Decode `at_least` so many samples, or as many as the clip has; all of them where it is None."""
    with opened(path) as clip:
        clip_rate_hz = clip.samplerate
        needed = None if at_least is None else int(np.ceil((at_least / rate_hz + MARGIN_S) * clip_rate_hz))
        samples = clip.beginning(needed)
    if not len(samples):
        raise UnusableClipError("has 0 samples")
    mono = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)
    if not np.isfinite(mono).all():
        raise UnusableClipError("holds values that are not finite")
    if (peak := float(np.abs(mono).max())) > LOUDEST:
        raise UnusableClipError(f"holds a sample of {peak:.3g}, expected 1 at full scale")
    resampled: NDArray[np.float32] = mono if clip_rate_hz == rate_hz else soxr.resample(mono, clip_rate_hz, rate_hz)
    if not len(resampled):
        raise UnusableClipError(f"is shorter than one sample at {rate_hz} Hz")
    return resampled


def _reason(path: Path, error: BaseException) -> str:
    # these ask nothing of a name that is too long for a file, where a `Path` raises an error
    if not os.path.exists(path):  # noqa: PTH110
        return "is missing"
    if path.is_dir():
        return "is a folder, expected an audio file"
    if path.is_file() and not path.stat().st_size:
        return "is empty (0 bytes)"
    detail = str(error).rpartition(": ")[2].strip().rstrip(".")
    return f"cannot be decoded ({detail or type(error).__name__})"
