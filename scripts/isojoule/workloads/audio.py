"""Decode clips: the whole of one, or its beginning and no more than the frames of a model need."""

from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from isojoule.configuration.shared_sections import MelOfBeginning

# the resampler's filter looks ahead, so that a cut right behind the last sample would change it
MARGIN_S = 0.1


class UnusableClipError(Exception):
    """A clip has no usable samples; the message says why."""


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


def _decode(path: Path, rate_hz: int, at_least: int | None) -> NDArray[np.float32]:
    """Decode `at_least` so many samples, or as many as the clip has; all of them where it is None."""
    try:
        with soundfile.SoundFile(path) as clip:
            clip_rate_hz = clip.samplerate
            to_read = -1 if at_least is None else int(np.ceil((at_least / rate_hz + MARGIN_S) * clip_rate_hz))
            samples = clip.read(to_read, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise UnusableClipError(_reason(path, error)) from error
    if not len(samples):
        raise UnusableClipError("has 0 samples")
    mono = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)
    if not np.isfinite(mono).all():
        raise UnusableClipError("holds values that are not finite")
    resampled: NDArray[np.float32] = mono if clip_rate_hz == rate_hz else soxr.resample(mono, clip_rate_hz, rate_hz)
    if not len(resampled):
        raise UnusableClipError(f"is shorter than one sample at {rate_hz} Hz")
    return resampled


def _reason(path: Path, error: BaseException) -> str:
    if not path.exists():
        return "is missing"
    if path.is_file() and not path.stat().st_size:
        return "is empty (0 bytes)"
    detail = str(error).rpartition(": ")[2].strip().rstrip(".")
    return f"cannot be decoded ({detail or type(error).__name__})"
