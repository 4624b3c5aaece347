"""Make a data set of ten distinguishable domestic sounds from a seed, as audio files in DESED's layout.

Nobody recorded these clips. They let a study run anywhere, but its qualities can be compared only with one another.
"""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import soundfile
from numpy.random import Generator
from numpy.typing import NDArray

from isojoule.files import write_bytes, write_text
from isojoule.workloads.tagging.labels import DESED_CLASSES

Signal = NDArray[np.float64]

# rate (Hz) and channels of the files, as various as a loader meets them
FORMATS = [(16000, 1), (22050, 1), (32000, 2)]
LABELS_PER_CLIP = [0.62, 0.30, 0.08]
# most recordings of homes have speech in them, few have a shaver
WEIGHTS = {"Speech": 0.28, "Dishes": 0.14, "Dog": 0.10, "Alarm_bell_ringing": 0.10, "Cat": 0.09, "Running_water": 0.08}
OTHER_WEIGHT = 0.0525


def write(folder: Path, train_clips: int, test_clips: int, seed: int, task: str = "multi_label") -> None:
    """Write `audio/`, `train.tsv` and `test.tsv` into `folder`, the same to the bit for the same arguments.

    Args:
        folder: where the data set goes.
        train_clips: number of clips to train on, 20 or more; every class occurs in them.
        test_clips: number of clips to test on, 20 or more; every class occurs in them.
        seed: seed of everything random.
        task: `single_label` where a clip must have one class; otherwise it has one to three.
    """
    for split, count in (("train", train_clips), ("test", test_clips)):
        lines = ["filename\tevent_labels"]
        for number in range(count):
            rng = np.random.default_rng([seed, split == "test", number])
            labels = _labels(rng, number, most=1 if task == "single_label" else 3)
            name = f"{split}_{number:05d}.flac"
            _write_clip(folder / "audio" / name, rng, labels)
            lines.append(f"{name}\t{','.join(labels)}")
        write_text(folder / f"{split}.tsv", "\n".join(lines) + "\n")


def _labels(rng: Generator, number: int, most: int) -> list[str]:
    """Draw one to `most` classes; the first clips of a split have one class after the other."""
    weights = np.array([WEIGHTS.get(name, OTHER_WEIGHT) for name in DESED_CLASSES])
    count = min(1 + rng.choice(3, p=LABELS_PER_CLIP), most)
    drawn = [str(name) for name in rng.choice(DESED_CLASSES, count, replace=False, p=weights / weights.sum())]
    if number < len(DESED_CLASSES):
        first = DESED_CLASSES[number]
        drawn = [first, *(name for name in drawn if name != first)][:count]
    return drawn


def _write_clip(path: Path, rng: Generator, labels: list[str]) -> None:
    rate_hz, channels = FORMATS[rng.choice(len(FORMATS), p=[0.6, 0.3, 0.1])]
    # a few clips are shorter than the frames of the model, which must pad them
    duration_s = rng.uniform(0.8, 1.0) if rng.random() < 0.05 else rng.uniform(1.2, 2.4)
    times = np.arange(int(duration_s * rate_hz)) / rate_hz
    mixture = np.zeros(len(times))
    for label in labels:
        event = SOUNDS[label](rng, times)
        mixture += event / (np.sqrt(np.mean(event**2)) + 1e-9) * 10 ** (rng.uniform(-7, 0) / 20)
    background = _noise(rng, len(times), rate_hz, 20, 2000, slope=-1)
    mixture += background * 10 ** (rng.uniform(-24, -8) / 20)
    mixture *= 10 ** (rng.uniform(-20, -3) / 20) / np.abs(mixture).max()
    samples = np.stack([mixture, np.roll(mixture, 7)], axis=1) if channels == 2 else mixture
    content = BytesIO()
    soundfile.write(content, samples, rate_hz, subtype="PCM_16", format="FLAC")
    write_bytes(path, content.getbuffer())


def _alarm(rng: Generator, times: Signal) -> Signal:
    pitch_hz, rate_hz = rng.uniform(1800, 3400), rng.uniform(5, 12)
    gate = np.sin(2 * np.pi * rate_hz * times + rng.uniform(0, 6)) > rng.uniform(-0.3, 0.3)
    return _harmonics(times, np.full(len(times), pitch_hz), [1, 0.4, 0.2]) * gate


def _blender(rng: Generator, times: Signal) -> Signal:
    pitch_hz = rng.uniform(180, 320) * (1 + 0.1 * (1 - np.exp(-times / 0.2)))
    motor = _harmonics(times, pitch_hz, 1 / np.sqrt(np.arange(1, 16)))
    return motor + rng.uniform(2, 4) * _noise(rng, len(times), _rate_hz(times), 800, 6000)


def _cat(rng: Generator, times: Signal) -> Signal:
    start_s, length_s = rng.uniform(0, 0.2), rng.uniform(0.5, 0.9)
    phase = np.clip((times - start_s) / length_s, 0, 1)
    pitch_hz = rng.uniform(450, 650) * (1 + rng.uniform(0.3, 0.6) * np.sin(np.pi * phase))
    return _harmonics(times, pitch_hz, [0.6, 1, 0.7, 0.4, 0.2]) * np.sin(np.pi * phase)


def _dishes(rng: Generator, times: Signal) -> Signal:
    sound = np.zeros(len(times))
    for onset_s in rng.uniform(0, 1, rng.integers(3, 9)):
        after_s = np.clip(times - onset_s, 0, None)
        decay = np.exp(-after_s / rng.uniform(0.02, 0.08)) * (times >= onset_s)
        for pitch_hz in rng.uniform(2200, 7000, 4):
            sound += rng.uniform(0.3, 1) * decay * np.sin(2 * np.pi * pitch_hz * after_s)
    return sound


def _dog(rng: Generator, times: Signal) -> Signal:
    sound = np.zeros(len(times))
    hiss = _noise(rng, len(times), _rate_hz(times), 400, 2500)
    base_hz, onset_s = rng.uniform(380, 700), rng.uniform(0, 0.15)
    for _ in range(rng.integers(2, 4)):
        phase = np.clip((times - onset_s) / rng.uniform(0.1, 0.18), 0, 1)
        bark = _harmonics(times, base_hz * (1.2 - 0.5 * phase), [1, 0.8, 0.6, 0.4, 0.3]) + 1.5 * hiss
        sound += bark * np.sin(np.pi * phase) ** 0.5
        onset_s += rng.uniform(0.25, 0.4)
    return sound


def _shaver(rng: Generator, times: Signal) -> Signal:
    pitch_hz = np.full(len(times), rng.uniform(90, 130))
    return _harmonics(times, pitch_hz, rng.uniform(0.5, 1, 40)) * (1 + 0.2 * np.sin(2 * np.pi * 7 * times))


def _frying(rng: Generator, times: Signal) -> Signal:
    crackle = rng.random(len(times)) < rng.uniform(60, 200) / _rate_hz(times)
    impulses = np.where(crackle, rng.exponential(1, len(times)), 0)
    ring = np.exp(-np.arange(60) / 8) * rng.standard_normal(60)
    return np.convolve(impulses, ring)[: len(times)] + 0.15 * _noise(rng, len(times), _rate_hz(times), 3000, 8000)


def _water(rng: Generator, times: Signal) -> Signal:
    flow = 1 + 0.3 * np.sin(2 * np.pi * rng.uniform(0.5, 2) * times + rng.uniform(0, 6))
    return flow * _noise(rng, len(times), _rate_hz(times), rng.uniform(300, 600), rng.uniform(2500, 5000), slope=-0.3)


def _speech(rng: Generator, times: Signal) -> Signal:
    sound = np.zeros(len(times))
    onset_s, base_hz = rng.uniform(0, 0.1), rng.choice([rng.uniform(95, 140), rng.uniform(170, 250)])
    while onset_s < times[-1] - 0.1:
        length_s = rng.uniform(0.12, 0.25)
        syllable = slice(*np.searchsorted(times, [onset_s, onset_s + length_s]))
        phase = (times[syllable] - onset_s) / length_s
        orders = np.arange(1, int(4000 / base_hz))
        formants_hz = [rng.uniform(300, 800), rng.uniform(900, 2200), rng.uniform(2300, 3000)]
        envelope = sum(np.exp(-(((orders * base_hz - f_hz) / 180) ** 2)) for f_hz in formants_hz)
        pitch_hz = base_hz * (1 + 0.12 * np.sin(np.pi * phase + rng.uniform(0, 3)))
        sound[syllable] += _harmonics(times[syllable], pitch_hz, np.asarray(envelope)) * np.sin(np.pi * phase)
        onset_s += length_s + rng.uniform(0.02, 0.1)
    return sound


def _vacuum(rng: Generator, times: Signal) -> Signal:
    whine = _harmonics(times, np.full(len(times), rng.uniform(550, 800)), [1, 0.3])
    return 0.3 * whine + 2 * _noise(rng, len(times), _rate_hz(times), 60, 1200, slope=-0.5)


SOUNDS: dict[str, Callable[[Generator, Signal], Signal]] = {
    "Alarm_bell_ringing": _alarm,
    "Blender": _blender,
    "Cat": _cat,
    "Dishes": _dishes,
    "Dog": _dog,
    "Electric_shaver_toothbrush": _shaver,
    "Frying": _frying,
    "Running_water": _water,
    "Speech": _speech,
    "Vacuum_cleaner": _vacuum,
}


def _harmonics(times: Signal, pitch_hz: Signal, strengths: object) -> Signal:
    """Add sines at the multiples of a pitch, which may move, up to the highest frequency of the file."""
    turn = np.exp(2j * np.pi * np.cumsum(pitch_hz) / _rate_hz(times))
    highest = int(_rate_hz(times) / 2 / pitch_hz.max())
    harmonic, sound = np.ones_like(turn), np.zeros(len(times))
    for strength in np.asarray(strengths)[:highest]:
        harmonic *= turn
        sound += strength * harmonic.imag
    return sound


def _noise(rng: Generator, count: int, rate_hz: float, low_hz: float, high_hz: float, slope: float = 0) -> Signal:
    """Make noise of unit power between two frequencies, with an amplitude that goes as the frequency to the `slope`."""
    # a transform of a power of two takes a tenth of the time of one of any length
    whole = 1 << (count - 1).bit_length()
    frequencies_hz = np.fft.rfftfreq(whole, 1 / rate_hz)
    shape = np.where(
        (frequencies_hz >= low_hz) & (frequencies_hz <= high_hz), np.maximum(frequencies_hz, 1) ** slope, 0
    )
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(whole)) * shape, whole)[:count]
    unit: Signal = noise / (np.sqrt(np.mean(noise**2)) + 1e-12)
    return unit


def _rate_hz(times: Signal) -> float:
    return 1 / float(times[1] - times[0])
