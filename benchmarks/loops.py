"""Measure the loop inside a window, beside the plainest correct loop and beside the published habit.

    python benchmarks loops

The model computes next to nothing, since a loop adds the same to a step of every model, and computation would hide it.
The published habit decodes, resamples and transforms every clip in every epoch. The benchmark shows how much slower
that makes the smallest models, and how many hours the GPUs of the published study would wait for it.
"""

import math
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
import torch
from suite import PROJECT, Row, interleaved, timed

from isojoule.configuration.shared_sections import MelOfBeginning
from isojoule.files import write_json
from isojoule.study import reading
from isojoule.study.cells import Cell, architectures, cells
from isojoule.study.reruns import cell_slice
from isojoule.workloads.building import build
from isojoule.workloads.mel import FLOOR, mel_filters
from isojoule.workloads.tagging.description import PUBLISHED_CLIPS, Configuration
from isojoule.workloads.tagging.features import Features
from isojoule.workloads.tagging.manifest import MANIFEST, Clip, write_manifest
from isojoule.workloads.tagging.sessions import Session

# length of a slice, and of all slices of a pair of loops; quick steps take more turns than the rounds asked for
SLICE_S, SLICES_S = 0.1, 8.0
# assumed power of a GPU that waits, since no GPU was here to measure it
ASSUMED_IDLE_W = 30
HABIT = "decoding in every epoch"
SMALLEST = ("mlp-1x512", "cnn-1x128", "rnn-1x128", "crnn-1+1-64+64")


def measure(rounds: int) -> list[Row]:
    """Measure what our loop adds to a step, and what decoding in every epoch would add."""
    study = reading.load(PROJECT / "config" / "config.yaml")
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_features(folder, study, 8)
        decode = partial(decoded, clips(folder), study.mel)
        decode()
        for phase in PLAIN:
            rows += overhead(folder, study, phase, rounds)
        for architecture in SMALLEST:
            rows += with_decoding(folder, study, architecture, decode, rounds)
        clip_s = [seconds / 8 for seconds in interleaved(rounds, partial(timed, decode))[0]]
    return [*rows, *waiting(study, clip_s)]


def overhead(folder: Path, study: Configuration, phase: str, rounds: int) -> list[Row]:
    """Compare the loops around a model that computes next to nothing."""
    model = torch.nn.Sequential(torch.nn.AvgPool2d(16), torch.nn.Flatten(), torch.nn.Linear(32, 10))
    ours, theirs = steps_per_s(*loops(folder, study, model, phase), rounds)
    return [Row(f"a model of 330 parameters, {phase}", ours, "plain loop", theirs, "steps/s", ">= 0.98")]


def with_decoding(folder: Path, study: Configuration, name: str, decode: Callable[[], None], rounds: int) -> list[Row]:
    """Compare a training with one that decodes its batches."""
    ours, plain, at_once = loops(folder, study, build(architectures(study)[name]), "train")

    def habit() -> None:
        for _ in range(at_once):
            decode()
        plain()

    ours_per_s, habit_per_s = steps_per_s(ours, habit, at_once, rounds)
    return [Row(f"{name}, train", ours_per_s, HABIT, habit_per_s, "steps/s", ">= 0.98")]


def loops(
    folder: Path, study: Configuration, model: torch.nn.Module, phase: str
) -> tuple[Callable[[], None], Callable[[], None], int]:
    """Make our epoch and the plain one, both warm, and return them with their number of steps."""
    name = next(iter(architectures(study)))
    decisive = cell_slice(study, Cell(next(iter(study.gpus)), name, phase, 0), architectures(study))
    decisive["phases"] = {phase: {"epochs": 1}}
    session = Session(model, decisive, phase, folder, torch.device("cpu"))
    session.warm_up()
    plain = PLAIN[phase](model, *in_memory(folder, decisive["settings"]))
    # the second run of a session copies the weights, which later runs do not
    for warm in (session.run, session.run, plain):
        warm()
    return session.run, plain, session.work.steps


def steps_per_s(ours: Callable[[], None], theirs: Callable[[], None], at_once: int, rounds: int) -> list[list[float]]:
    """Measure the steps per second of two loops, in turns; each call of them takes `at_once` steps."""
    calls = max(1, math.ceil(SLICE_S / timed(theirs)))

    def rate(loop: Callable[[], None]) -> float:
        return calls * at_once / timed(lambda: [loop() for _ in range(calls)])

    slice_s = timed(lambda: rate(theirs))
    rounds = max(rounds, min(100, int(SLICES_S / 2 / slice_s)))
    return interleaved(rounds, partial(rate, ours), partial(rate, theirs))


def plain_training(model: torch.nn.Module, values: torch.Tensor, targets: torch.Tensor) -> Callable[[], None]:
    """Make an epoch of training as one would write it first."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = torch.nn.BCEWithLogitsLoss()

    def epoch() -> None:
        model.train()
        for chosen in torch.randperm(len(values)).split(8):
            optimizer.zero_grad()
            loss = criterion(model(values[chosen]), targets[chosen])
            loss.backward()
            optimizer.step()

    return epoch


def plain_test(model: torch.nn.Module, values: torch.Tensor, targets: torch.Tensor) -> Callable[[], None]:
    """Make a pass over the test data as one would write it first."""
    criterion = torch.nn.BCEWithLogitsLoss()

    def epoch() -> None:
        model.eval()
        logits, total = [], 0.0
        with torch.no_grad():
            for start in range(0, len(values), 8):
                output = model(values[start : start + 8])
                total += criterion(output, targets[start : start + 8]).item()
                logits.append(output)
        torch.cat(logits)

    return epoch


PLAIN = {"train": plain_training, "test": plain_test}


def in_memory(folder: Path, settings: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """Load standardized values (clips, 1, n_mels, n_frames) and targets (clips, n_classes)."""
    features = Features(folder, MelOfBeginning.model_validate(settings["mel"]))
    values = (torch.from_numpy(np.array(features.values)) - features.mean) / features.std
    return values.unsqueeze(1), torch.from_numpy(features.targets)


def write_features(folder: Path, study: Configuration, count: int) -> None:
    """Write noise in the shape of the study's features; the clips to train and to test on are the same."""
    generator = np.random.default_rng(0)
    shape = (count, study.mel.n_mels, study.mel.n_frames)
    np.save(folder / "features.npy", generator.normal(size=shape).astype(np.float32))
    np.save(folder / "targets.npy", np.eye(10, dtype=np.float32)[np.arange(count) % 10])
    write_json(folder / "statistics.json", {"mean": 0.0, "std": 1.0, "fingerprint": "noise"})
    write_manifest(folder / MANIFEST, [Clip("none", "train,test", "Dog", 5.0, 44_100, 1) for _ in range(count)])


def clips(folder: Path) -> list[Path]:
    """Write a batch of eight clips of ten seconds."""
    generator = np.random.default_rng(0)
    paths = [folder / f"{number}.wav" for number in range(8)]
    for path in paths:
        soundfile.write(path, generator.normal(0, 0.1, 10 * 44_100), 44_100)
    return paths


def decoded(paths: list[Path], mel: MelOfBeginning) -> None:
    """Make a batch as the published loop does: decode whole clips, one after the other."""
    window, filters = torch.hann_window(mel.win_length), mel_filters(mel)
    for path in paths:
        samples, rate_hz = soundfile.read(path, dtype="float32")
        mono = torch.from_numpy(soxr.resample(samples, rate_hz, mel.sample_rate_hz))
        spectrum = torch.stft(mono, mel.n_fft, mel.hop_length, window=window, return_complex=True)
        assert torch.log(filters @ spectrum.abs().square() + FLOOR)[:, : mel.n_frames].isfinite().all()


def waiting(study: Configuration, clip_s: list[float]) -> list[Row]:
    """Project what decoding in every epoch costs the published study, from the time of one clip on one core."""
    times = sum(PUBLISHED_CLIPS * getattr(study.phases, cell.phase).epochs for cell in cells(study))
    once_h = [PUBLISHED_CLIPS * seconds / 3600 for seconds in clip_s]
    always_h = [times * seconds / 3600 for seconds in clip_s]
    kwh = ASSUMED_IDLE_W / 1000
    wait, habit = "GPUs waiting for decoding, whole published study (projected)", HABIT
    return [
        Row(wait, once_h, habit, always_h, "h", "<= 0.1"),
        Row(
            f"energy of that wait at {ASSUMED_IDLE_W} W a GPU (estimated)",
            [hours * kwh for hours in once_h],
            habit,
            [hours * kwh for hours in always_h],
            "kWh",
        ),
    ]
