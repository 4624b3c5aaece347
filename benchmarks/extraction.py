"""Extraction of features, in clips per second, beside the plain loop and beside decoding alone.

    python benchmarks extraction

The plain loop decodes a whole clip, resamples all of it, transforms all of it and cuts, one clip after the other; it is
given the same number of cores. Clips are those of ESC-10 (Ogg Vorbis, 5 s) where they are beside the project, else
noise in that format, and 10 s of noise as WAV, 16 bit; all of them at 44.1 kHz, mono.
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
    """Clips per second of each, and memory against the number of clips."""
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
            # each in a process of its own, as the stage is: what one leaves in memory is no cost of another
            ways = [partial(alone, way, folder, mel, workers) for way, workers in (*ONE_CORE, ("ours", cores))]
            one, loop, floor, all_cores = interleaved(rounds, *ways)
            clip_ms, floor_ms = ([1e3 / rate for rate in rates] for rates in (one, floor))
            rows += [
                Row(f"{what}, 1 core", one, "plain loop, 1 core", loop, "clips/s", limit),
                Row(f"{what}, 1 core, time per clip", clip_ms, "decoding alone", floor_ms, "ms", "<= 1.7"),
                Row(f"{what}, {cores} cores", all_cores, "ours, 1 core", one, "clips/s", ">= 1"),
            ]
        few, many = ([memory_mb(folder / str(count), paths, count, mel)] for count in (COUNT, MANY))
        rows.append(Row(f"peak memory of {MANY:,} clips", many, f"{COUNT} clips", few, "MB", "<= 1.1"))
    return rows


def short(folder: Path) -> list[Path]:
    """Clips of five seconds."""
    return sorted(ESC10.glob("*.ogg")) or noise(folder, 5, ".ogg")


def noise(folder: Path, seconds: int, suffix: str) -> list[Path]:
    """Clips that no codec shortens."""
    generator = np.random.default_rng(0)
    folder.mkdir()
    paths = [folder / f"{number}{suffix}" for number in range(COUNT)]
    for path in paths:
        soundfile.write(path, generator.normal(0, 0.1, seconds * RATE_HZ), RATE_HZ)
    return paths


def manifest(folder: Path, paths: list[Path]) -> None:
    """As prepare_dataset.py writes it."""
    write_manifest(folder / MANIFEST, [Clip(str(path), "train,test", "Dog", 5.0, RATE_HZ, 1) for path in paths])


def alone(way: str, folder: Path, mel: MelOfBeginning, workers: int) -> float:
    """Clips per second of a way in a process of its own, by its own clock: without imports and its first clips."""
    words = [sys.executable, __file__, way, folder, mel.model_dump_json(), workers]
    return float(subprocess.run(list(map(str, words)), stdout=subprocess.PIPE, text=True, check=True).stdout)


def ours(folder: Path, mel: MelOfBeginning, workers: int) -> int:
    """The stage; the number of clips."""
    return extract(folder, mel, ["Dog"], folder / "features", workers)


def plain(folder: Path, mel: MelOfBeginning, _: int) -> int:
    """The loop that one would write first."""
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
    """Decoding and resampling the needed part alone."""
    clips = read_manifest(folder / MANIFEST)
    for clip in clips:
        assert len(decode_beginning(Path(clip.path), mel)) == n_samples(mel)
    return len(clips)


WAYS = {"ours": ours, "plain": plain, "decoding": decoding}
ONE_CORE = [(way, 1) for way in WAYS]


def memory_mb(folder: Path, paths: list[Path], count: int, mel: MelOfBeginning) -> float:
    """Peak memory of the stage in a process of its own, over links to the same few clips."""
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
