"""Extraction of features, in clips per second, beside the plain loop and beside decoding alone.

    python benchmarks/extraction.py

The plain loop decodes a whole clip, resamples all of it, transforms all of it and cuts, one clip after the other; it is
given the same number of cores. Clips are noise as ESC-10 and DESED have them: 5 s and 10 s at 44.1 kHz, mono, 16 bit.
"""

import json
import os
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
import yaml
from suite import PROJECT, Row, command, interleaved, run

from isojoule.workloads.tagging.audio import beginning, n_samples
from isojoule.workloads.tagging.extraction import extract
from isojoule.workloads.tagging.manifest import MANIFEST, Clip, write_manifest
from isojoule.workloads.tagging.mel import log_mel

CLIPS = {"5 s clips, as ESC-10": (5, 400, ">= 3.5"), "10 s clips": (10, 400, ">= 6")}
RATE_HZ = 44_100
MANY = 40_000


def measure(rounds: int) -> list[Row]:
    """Clips per second of each, and memory against the number of clips."""
    mel = yaml.safe_load((PROJECT / "config" / "demo.yaml").read_text(encoding="utf-8"))["mel"]
    cores = os.cpu_count() or 1
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for what, (seconds, count, limit) in CLIPS.items():
            paths = clips(folder / str(seconds), seconds, count)
            manifest(folder / str(seconds), paths)
            ways = [
                partial(ours, folder / str(seconds), mel, 1),
                partial(plain, paths, mel),
                partial(decoding, paths, mel),
                partial(ours, folder / str(seconds), mel, cores),
            ]
            one, loop, floor, all_cores = interleaved(rounds, *ways)
            rows += [
                Row(f"{what}, 1 core", one, "plain loop, 1 core", loop, "clips/s", limit),
                Row(f"{what}, 1 core, time per clip", 1e3 / one, "decoding alone", 1e3 / floor, "ms", "<= 1.7"),
                Row(f"{what}, {cores} cores", all_cores, "ours, 1 core", one, "clips/s"),
            ]
        few, many = (memory_mb(folder / f"{count}", paths, count, mel) for count in (400, MANY))
        rows.append(Row(f"peak memory of {MANY:,} clips", many, "400 clips", few, "MB", "<= 1.1"))
    return rows


def clips(folder: Path, seconds: int, count: int) -> list[Path]:
    """Noise that no codec shortens."""
    generator = np.random.default_rng(0)
    folder.mkdir()
    paths = [folder / f"{number}.wav" for number in range(count)]
    for path in paths:
        soundfile.write(path, generator.normal(0, 0.1, seconds * RATE_HZ), RATE_HZ, subtype="PCM_16")
    return paths


def manifest(folder: Path, paths: list[Path]) -> None:
    """As prepare_dataset.py writes it."""
    write_manifest(folder / MANIFEST, [Clip(str(path), "train,test", "Dog", 5.0, RATE_HZ, 1) for path in paths])


def ours(folder: Path, mel: dict, workers: int) -> float:
    """Clips per second of the stage."""
    began_s = time.perf_counter()
    count = extract(folder, mel, ["Dog"], folder / "features", workers)
    return count / (time.perf_counter() - began_s)


def plain(paths: list[Path], mel: dict) -> float:
    """Clips per second of the loop that one would write first."""
    torch.set_num_threads(1)
    # of all frames of the clip
    transform = log_mel({**mel, "n_frames": sys.maxsize})
    began_s = time.perf_counter()
    for path in paths:
        samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
        mono = soxr.resample(samples.mean(axis=1), rate_hz, mel["sample_rate_hz"])
        features = transform(torch.from_numpy(mono[None]))[..., : mel["n_frames"]]
        assert features.shape[1:] == (mel["n_mels"], mel["n_frames"])
    return len(paths) / (time.perf_counter() - began_s)


def decoding(paths: list[Path], mel: dict) -> float:
    """Clips per second of decoding and resampling the needed part alone."""
    began_s = time.perf_counter()
    for path in paths:
        assert len(beginning(path, mel)) == n_samples(mel)
    return len(paths) / (time.perf_counter() - began_s)


def memory_mb(folder: Path, paths: list[Path], count: int, mel: dict) -> float:
    """Peak memory of the stage in a process of its own, over links to the same few clips."""
    folder.mkdir()
    links = [folder / f"{number}.wav" for number in range(count)]
    for number, link in enumerate(links):
        link.hardlink_to(paths[number % len(paths)])
    manifest(folder, links)
    code = (
        "import sys, json; from pathlib import Path; from isojoule.workloads.tagging.extraction import extract; "
        "extract(Path(sys.argv[1]), json.loads(sys.argv[2]), ['Dog'], Path(sys.argv[1]) / 'features', 2)"
    )
    return command([sys.executable, "-c", code, folder, json.dumps(mel)], folder).memory_mb


if __name__ == "__main__":
    run("extraction", __doc__, measure)
