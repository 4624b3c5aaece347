"""Measure how many clips per second the extraction of features takes, beside the plain loop and decoding alone.

    python benchmarks extraction

The plain loop decodes one clip after the other, resamples and transforms the whole clip, and then cuts it; it has the
same number of cores. The clips are those of ESC-10 (Ogg Vorbis, 5 s), or noise in that format where the project has no
ESC-10 beside it, and 10 s of noise as WAV of 16 bit. All are mono at 44.1 kHz.
"""

import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from suite import PROJECT, Row, command, interleaved

from isojoule.configuration.shared_sections import MelOfBeginning
from isojoule.study import reading
from isojoule.workloads.audio import decode_beginning, n_samples
from isojoule.workloads.mel import FLOOR, mel_filters
from isojoule.workloads.tagging.extraction import extract
from isojoule.workloads.tagging.manifest import MANIFEST, Clip, read_manifest, write_manifest

ESC10 = PROJECT.parent / "shared" / "esc10" / "audio"
RATE_HZ = 44_100
COUNT = 400
MANY = 40_000


def measure(rounds: int) -> list[Row]:
    """Measure the clips per second of each way, and the memory for few and many clips."""
    mel = reading.load(PROJECT / "config" / "demo.yaml").mel
    cores = os.cpu_count() or 1
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = {
            "ESC-10" if ESC10.is_dir() else "5 s of noise, Ogg Vorbis": (short(folder / "short"), ">= 3.5"),
            "10 s clips, WAV": (noise(folder / "long", 10, ".wav"), ">= 6"),
        }
        for what, (paths, limit) in sources.items():
            manifest(folder, paths)
            manifest(folder / "first", paths[:16])
            # each way has a process of its own, so that what one leaves in memory costs no other
            ways = [partial(alone, way, folder, mel, workers) for way, workers in (*ONE_CORE, ("ours", cores))]
            one_core, loop, floor, all_cores = interleaved(rounds, *ways)
            clip_ms, floor_ms = ([1e3 / rate for rate in rates] for rates in (one_core, floor))
            rows += [
                Row(f"{what}, 1 core", one_core, "plain loop, 1 core", loop, "clips/s", limit),
                Row(f"{what}, 1 core, time per clip", clip_ms, "decoding alone", floor_ms, "ms", "<= 1.7"),
                Row(f"{what}, {cores} cores", all_cores, "ours, 1 core", one_core, "clips/s", ">= 1"),
            ]
        few, many = ([memory_mb(folder / str(count), paths, count, mel)] for count in (COUNT, MANY))
        rows.append(Row(f"peak memory of {MANY:,} clips", many, f"{COUNT} clips", few, "MB", "<= 1.1"))
    return rows


def short(folder: Path) -> list[Path]:
    """Return clips of five seconds."""
    return sorted(ESC10.glob("*.ogg")) or noise(folder, 5, ".ogg")


def noise(folder: Path, seconds: int, suffix: str) -> list[Path]:
    """Write clips of noise, which no codec can shorten."""
    generator = np.random.default_rng(0)
    folder.mkdir()
    paths = [folder / f"{number}{suffix}" for number in range(COUNT)]
    for path in paths:
        soundfile.write(path, generator.normal(0, 0.1, seconds * RATE_HZ), RATE_HZ)
    return paths


def manifest(folder: Path, paths: list[Path]) -> None:
    """Write the manifest of these clips, as `isojoule prepare-dataset` does."""
    write_manifest(folder / MANIFEST, [Clip(str(path), "train,test", "Dog", 5.0, RATE_HZ, 1) for path in paths])


def alone(way: str, folder: Path, mel: MelOfBeginning, workers: int) -> float:
    """Run a way in a process of its own; return its clips per second by its own clock, which leaves the start out."""
    words = [sys.executable, __file__, way, folder, mel.model_dump_json(), workers]
    return float(subprocess.run(list(map(str, words)), stdout=subprocess.PIPE, text=True, check=True).stdout)


def ours(folder: Path, mel: MelOfBeginning, workers: int) -> int:
    """Extract the clips as the stage does, and return their number."""
    return extract(folder, mel, ["Dog"], folder / "features", workers)


def plain(folder: Path, mel: MelOfBeginning, _: int) -> int:
    """Extract the clips in the loop that one would write first, and return their number."""
    torch.set_num_threads(1)
    window, filters = torch.hann_window(mel.win_length), mel_filters(mel)
    clips = read_manifest(folder / MANIFEST)
    for clip in clips:
        samples, rate_hz = soundfile.read(clip.path, dtype="float32", always_2d=True)
        mono = torch.from_numpy(soxr.resample(samples.mean(axis=1), rate_hz, mel.sample_rate_hz))
        spectrum = torch.stft(mono, mel.n_fft, mel.hop_length, window=window, return_complex=True)
        features = torch.log(filters @ spectrum.abs().square() + FLOOR)[:, : mel.n_frames]
        assert features.shape == (mel.n_mels, mel.n_frames)
    return len(clips)


def decoding(folder: Path, mel: MelOfBeginning, _: int) -> int:
    """Only decode and resample the part of the clips that is needed, and return their number."""
    clips = read_manifest(folder / MANIFEST)
    for clip in clips:
        assert len(decode_beginning(Path(clip.path), mel)) == n_samples(mel)
    return len(clips)


WAYS = {"ours": ours, "plain": plain, "decoding": decoding}
ONE_CORE = [(way, 1) for way in WAYS]


def memory_mb(folder: Path, paths: list[Path], count: int, mel: MelOfBeginning) -> float:
    """Measure the peak memory of the stage in a process of its own, over links to the same few clips."""
    folder.mkdir()
    links = [folder / f"{number}.wav" for number in range(count)]
    for number, link in enumerate(links):
        link.hardlink_to(paths[number % len(paths)])
    manifest(folder, links)
    code = (
        "import sys; from pathlib import Path; from isojoule.workloads.tagging.extraction import extract; "
        "from isojoule.configuration.shared_sections import MelOfBeginning; folder = Path(sys.argv[1]); "
        "mel = MelOfBeginning.model_validate_json(sys.argv[2]); extract(folder, mel, ['Dog'], folder / 'features', 2)"
    )
    return command([sys.executable, "-c", code, folder, mel.model_dump_json()], folder).memory_mb


if __name__ == "__main__":
    way, folder, workers = WAYS[sys.argv[1]], Path(sys.argv[2]), int(sys.argv[4])
    mel = MelOfBeginning.model_validate_json(sys.argv[3])
    way(folder / "first", mel, workers)
    began_s = time.perf_counter()
    count = way(folder, mel, workers)
    print(count / (time.perf_counter() - began_s))
