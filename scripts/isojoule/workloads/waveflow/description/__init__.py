"""Generation of speech from its mel spectrogram by WaveFlow (Douwes et al., ICASSP 2021, section 5)."""

import math
from itertools import product
from pathlib import Path
from typing import Any

from isojoule.errors import InputError
from isojoule.study.configuration import Configuration
from isojoule.workloads.interface import Architecture, Extent
from isojoule.workloads.sections import check_mel
from isojoule.workloads.waveflow.manifest import MANIFEST, read_manifest

MODELS = ("isojoule.workloads.waveflow.model",)
QUALITIES = ("mean_opinion_score", "log_likelihood_nats")
FEATURES = ("audio.npy", "mels.npy", "clips.npy")
# samples of a mel frame, which the model spreads over as many
HOP = 256
# a part of the work stands for all of it: how much its energy differs from time to time must be known
REPETITIONS = 5
# what energies of generation are given for (Douwes et al., table 2)
AUDIO_S = 100
NEAR_ENOUGH = 0.005

__all__ = [
    "FEATURES",
    "MODELS",
    "QUALITIES",
    "REPETITIONS",
    "architectures",
    "check",
    "compute_settings",
    "dataset_settings",
    "extent",
    "features_settings",
    "settings",
    "shown_settings",
    "steps",
    "whole",
]


def check(configuration: Configuration, source: str) -> None:
    """Refuse what the model cannot fold or spread.

    Raises:
        InputError: naming the key, what was found and what was expected.
    """
    mel = configuration["mel"]
    check_mel(mel, source)
    if "n_frames" in mel:
        raise InputError(
            f"{source}: mel.n_frames: found {mel['n_frames']}, expected none; segment_frames is the length"
        )
    if mel["hop_length"] != HOP:
        raise InputError(
            f"{source}: mel.hop_length: found {mel['hop_length']}, expected {HOP}, as the model spreads it"
        )
    measured_steps = configuration["phases"].get("train", {}).get("steps", 1)
    for family, grids in configuration["architectures"].items():
        for number, grid in enumerate(grids):
            if grid["train_steps"] < measured_steps:
                raise InputError(
                    f"{source}: architectures.{family}.{number}.train_steps: found {grid['train_steps']}, expected at "
                    f"least phases.train.steps ({measured_steps})"
                )
    for name, gpu in configuration["gpus"].items():
        if configuration["batch_size"] % gpu["devices"]:
            raise InputError(
                f"{source}: gpus.{name}.devices: found {gpu['devices']}, expected a divisor of batch_size "
                f"({configuration['batch_size']})"
            )


def architectures(configuration: Configuration) -> list[Architecture]:
    """Expand every grid of the configuration, in its order; names are `waveflow-h16-r64` (height, residual channels).

    Fewer flows or layers than the published 8 are in the name as well: `waveflow-h8-r8-2x3` (flows x layers).
    """
    expanded = []
    for family, grids in configuration["architectures"].items():
        for grid in grids:
            if family == "custom":
                expanded.append(Architecture(grid["name"], grid["family"], grid["model"], grid["arguments"]))
                continue
            for height, channels in product(_listed(grid["height"]), _listed(grid["channels"])):
                size = "" if (grid["flows"], grid["layers"]) == (8, 8) else f"-{grid['flows']}x{grid['layers']}"
                arguments = {"height": height, "channels": channels, "n_mels": configuration["mel"]["n_mels"]}
                arguments |= {key: grid[key] for key in ("flows", "layers")}
                name = f"waveflow-h{height}-r{channels}{size}"
                expanded.append(Architecture(name, "waveflow", f"{MODELS[0]}:WaveFlow", arguments))
    return expanded


def dataset_settings(configuration: Configuration) -> dict[str, Any]:
    """What decides the manifest."""
    return {"dataset": configuration["dataset"], "sample_rate_hz": configuration["mel"]["sample_rate_hz"]}


def features_settings(configuration: Configuration) -> dict[str, Any]:
    """What decides the features."""
    return {"dataset": configuration["dataset"], "mel": configuration["mel"]}


def settings(configuration: Configuration) -> dict[str, Any]:
    """What decides a training or generation beside the architecture, the GPU, the phase and the seed."""
    return {key: configuration[key] for key in ("dataset", "mel", "batch_size", "segment_frames", "optimizer")}


def shown_settings(settings: dict[str, Any]) -> dict[str, str | float]:
    """The settings that a record shows, by name."""
    optimizer = settings["optimizer"]
    return {
        "optimizer": optimizer["name"],
        "learning_rate": optimizer["learning_rate"],
        "segment_frames": settings["segment_frames"],
    }


def compute_settings(configuration: Configuration) -> dict[str, Any]:
    """What decides the counts of an architecture: the size of a segment, the batch and the optimizer."""
    return {
        "n_mels": configuration["mel"]["n_mels"],
        "segment_frames": configuration["segment_frames"],
        "batch_size": configuration["batch_size"],
        "optimizer": configuration["optimizer"]["name"],
    }


def extent(configuration: Configuration, results: Path) -> Extent:
    """Segments to train on and clips to generate, by the configuration; the size of all clips, once prepared."""
    phases, path = configuration["phases"], results / "dataset" / MANIFEST
    examples = {
        "train": phases.get("train", {}).get("steps", 0) * configuration["batch_size"],
        "test": phases.get("test", {}).get("clips", 0),
    }
    if not path.is_file():
        return Extent(examples, 0, "no data is prepared yet")
    clips = read_manifest(path)
    frames = sum(clip.n_frames for clip in clips)
    features_bytes = frames * (2 * HOP + 4 * configuration["mel"]["n_mels"])
    hours = frames * HOP / configuration["mel"]["sample_rate_hz"] / 3600
    return Extent(examples, features_bytes, f"{len(clips):,} clips, {hours:.2g} h")


def steps(configuration: Configuration, phase: str, examples: int) -> int:
    """Training steps; or as many batches of segments as there are in what is generated."""
    if phase == "train":
        return int(configuration["phases"]["train"]["steps"])
    segments = examples * clip_frames(configuration) / configuration["segment_frames"]
    batches: int = math.ceil(segments / configuration["batch_size"])
    return batches


def whole(configuration: Configuration, name: str, phase: str) -> float:
    """How many times the measured work the whole is: the published steps of a training, or 100 s of audio.

    Clips are whole mel frames: 10 of 10 s at 22.05 kHz are 100.08 s, which is near enough to be measured whole.
    """
    settings = configuration["phases"][phase]
    if phase == "train":
        return float(_train_steps(configuration, name) / settings["steps"])
    audio_s = settings["clips"] * clip_frames(configuration) * HOP / configuration["mel"]["sample_rate_hz"]
    return 1.0 if abs(audio_s / AUDIO_S - 1) < NEAR_ENOUGH else float(AUDIO_S / audio_s)


def clip_frames(configuration: Configuration) -> int:
    """Mel frames of a clip to generate, none of them cut."""
    samples = configuration["phases"]["test"]["clip_s"] * configuration["mel"]["sample_rate_hz"]
    frames: int = math.ceil(samples / HOP)
    return frames


def _train_steps(configuration: Configuration, name: str) -> int:
    for family, grids in configuration["architectures"].items():
        for grid in grids:
            part = {**configuration, "architectures": {family: [grid]}}
            if name in (architecture.name for architecture in architectures(part)):
                return int(grid["train_steps"])
    raise InputError(f"architectures: found no {name}")


def _listed(sizes: Any) -> list[Any]:
    return sizes if isinstance(sizes, list) else [sizes]
