"""Decode the beginning of a clip, and no more of it than the frames need."""

from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from isojoule.configuration.sections import MelOfBeginning

# what the resampler's filter looks ahead, so that the cut makes no difference
MARGIN_S = 0.1


class UnusableClipError(Exception):
    """A clip without usable samples; the message says why."""


def n_samples(mel: MelOfBeginning) -> int:
    """How many samples, at the configured rate, the first `n_frames` centred frames touch."""
    return int((mel.n_frames - 1) * mel.hop_length + mel.n_fft // 2)


def whole(path: Path, rate_hz: int) -> NDArray[np.float32]:
    """All samples of a clip: (n,) float32, mono, at this rate.

    Raises:
        UnusableClipError: as for `beginning`.
    """
    return _decoded(path, rate_hz, None)


def beginning(path: Path, mel: MelOfBeginning) -> NDArray[np.float32]:
    """The first samples of a clip: mono, at the configured rate, zeros behind the end of a short clip.

    Args:
        path: an audio file that libsndfile reads (wav, flac, ogg, mp3, ...), any rate and channel count.
        mel: the configuration's `mel` section.

    Returns:
        (n_samples,) float32, equal to resampling the whole clip and cutting it.

    Raises:
        UnusableClipError: the file is missing, unreadable, without samples, or holds NaN or infinity.
    """
    wanted = n_samples(mel)
    mono = _decoded(path, mel.sample_rate_hz, wanted)
    padded = np.zeros(wanted, dtype=np.float32)
    padded[: min(wanted, len(mono))] = mono[:wanted]
    return padded


def _decoded(path: Path, rate_hz: int, wanted: int | None) -> NDArray[np.float32]:
    """At least the first `wanted` samples, where the clip has so many; all of them by default."""
    try:
        with soundfile.SoundFile(path) as clip:
            clip_rate_hz = clip.samplerate
            needed = -1 if wanted is None else int(np.ceil((wanted / rate_hz + MARGIN_S) * clip_rate_hz))
            samples = clip.read(needed, dtype="float32", always_2d=True)
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
