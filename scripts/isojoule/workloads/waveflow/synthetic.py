"""Make a signal like speech from a seed, in LJSpeech's layout: voiced and unvoiced sounds with formants, and pauses.

Nobody says anything in it. It lets a study run anywhere, but its qualities can be compared only with one another.
"""

from io import BytesIO
from pathlib import Path

import numpy as np
import soundfile
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import lfilter

from isojoule.files import write_bytes, write_text

Signal = NDArray[np.float64]

# the first three formants (Hz) of about the vowels a, e, i, o, u, as textbooks of phonetics have them
FORMANTS_HZ = [(730, 1090, 2440), (530, 1840, 2480), (270, 2290, 3010), (570, 840, 2410), (300, 870, 2240)]
BANDWIDTHS_HZ = (80, 100, 140)


def write(folder: Path, clips: int, rate_hz: int, seed: int) -> None:
    """Write `metadata.csv` and `wavs/` into `folder`, the same to the bit for the same arguments.

    Args:
        folder: where the data set goes.
        clips: number of clips, each two to four seconds long.
        rate_hz: sample rate of the files.
        seed: seed of everything random.
    """
    names = [f"made-{number:05d}" for number in range(clips)]
    for number, name in enumerate(names):
        rng = np.random.default_rng([seed, number])
        content = BytesIO()
        soundfile.write(content, _utterance(rng, rate_hz), rate_hz, subtype="PCM_16", format="WAV")
        write_bytes(folder / "wavs" / f"{name}.wav", content.getbuffer())
    write_text(folder / "metadata.csv", "".join(f"{name}|made from a seed|made from a seed\n" for name in names))


def _utterance(rng: Generator, rate_hz: int) -> Signal:
    pitch_hz, length_s = rng.uniform(90, 220), rng.uniform(2, 4)
    parts: list[Signal] = []
    while sum(len(part) for part in parts) < length_s * rate_hz:
        samples = int(rng.uniform(0.06, 0.25) * rate_hz)
        kind = rng.choice(["voiced", "unvoiced", "pause"], p=[0.65, 0.2, 0.15])
        parts.append(_sound(rng, kind, samples, rate_hz, pitch_hz * rng.uniform(0.85, 1.2)))
    signal = np.concatenate(parts)[: int(length_s * rate_hz)]
    return np.asarray(0.7 * signal / np.abs(signal).max() + rng.normal(0, 1e-3, len(signal)))


def _sound(rng: Generator, kind: str, samples: int, rate_hz: int, pitch_hz: float) -> Signal:
    if kind == "pause":
        return np.zeros(samples)
    fade = np.minimum(1, np.minimum(np.arange(samples), np.arange(samples)[::-1]) / (0.01 * rate_hz))
    if kind == "unvoiced":
        return 0.15 * fade * np.diff(rng.normal(size=samples + 1))
    phase = np.cumsum(pitch_hz * (1 + 0.03 * np.sin(2 * np.pi * 5 * np.arange(samples) / rate_hz)) / rate_hz)
    signal = np.diff(np.floor(phase), prepend=0.0)
    for formant_hz, bandwidth_hz in zip(FORMANTS_HZ[rng.integers(len(FORMANTS_HZ))], BANDWIDTHS_HZ, strict=True):
        radius, angle = np.exp(-np.pi * bandwidth_hz / rate_hz), 2 * np.pi * formant_hz / rate_hz
        signal = lfilter([1 - radius], [1, -2 * radius * np.cos(angle), radius**2], signal)
    return np.asarray(fade * signal / np.abs(signal).max())
