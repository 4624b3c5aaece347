"""Audio tagging: which sound events are in a clip (Douwes and Serizel, DCASE 2024, section 3)."""

from pathlib import Path
from typing import Any

from isojoule.errors import InputError
from isojoule.study.configuration import Configuration
from isojoule.workloads.interface import Extent
from isojoule.workloads.sections import check_mel
from isojoule.workloads.tagging.description.architectures import MODELS as FAMILY_MODELS
from isojoule.workloads.tagging.description.architectures import architectures, classes
from isojoule.workloads.tagging.manifest import MANIFEST, read_manifest

# weakly labelled, real clips of DESED (Douwes and Serizel, DCASE 2024, section 3)
PUBLISHED_CLIPS = 1578
MODELS = tuple(FAMILY_MODELS.values())

QUALITIES = ("macro_f1", "mean_average_precision")
REPETITIONS = 1
FEATURES = ("features.npy", "targets.npy")

__all__ = [
    "FEATURES",
    "MODELS",
    "QUALITIES",
    "REPETITIONS",
    "architectures",
    "check",
    "classes",
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
    """Refuse a mel spectrogram that there cannot be, and what only other workloads can.

    Raises:
        InputError: naming the key, what was found and what was expected.
    """
    check_mel(configuration["mel"], source)
    for name, gpu in configuration["gpus"].items():
        if gpu["devices"] != 1:
            raise InputError(f"{source}: gpus.{name}.devices: found {gpu['devices']}, expected 1 in a study of tagging")


def dataset_settings(configuration: Configuration) -> dict[str, Any]:
    """What decides the manifest."""
    return {"dataset": configuration["dataset"]}


def features_settings(configuration: Configuration) -> dict[str, Any]:
    """What decides the features."""
    return {"dataset": configuration["dataset"], "mel": configuration["mel"]}


def settings(configuration: Configuration) -> dict[str, Any]:
    """What decides a training or test beside the architecture, the GPU, the phase and the seed."""
    return {key: configuration[key] for key in ("dataset", "mel", "batch_size", "optimizer", "features")}


def shown_settings(settings: dict[str, Any]) -> dict[str, str | float]:
    """The settings that a record shows, by name."""
    optimizer = settings["optimizer"]
    return {
        "features": settings["features"],
        "optimizer": optimizer["name"],
        "learning_rate": optimizer["learning_rate"],
    }


def compute_settings(configuration: Configuration) -> dict[str, Any]:
    """What decides the counts of an architecture: the shapes of its input and output, the batch and the optimizer."""
    mel = configuration["mel"]
    return {
        "n_mels": mel["n_mels"],
        "n_frames": mel["n_frames"],
        "n_classes": len(classes(configuration)),
        "batch_size": configuration["batch_size"],
        "optimizer": configuration["optimizer"]["name"],
    }


def extent(configuration: Configuration, results: Path) -> Extent:
    """Clips of training and test: from the manifest, else the configuration, else the published number."""
    path = results / "dataset" / MANIFEST
    dataset, mel = configuration["dataset"], configuration["mel"]
    if path.is_file():
        clips = read_manifest(path)
        examples = {phase: sum(clip.is_in(phase) for clip in clips) for phase in ("train", "test")}
        total, note = len(clips), f"{len(clips):,} clips"
    elif dataset["source"] == "synthetic":
        examples = {"train": dataset["train_clips"], "test": dataset["test_clips"]}
        total, note = sum(examples.values()), f"{sum(examples.values()):,} synthetic clips"
    else:
        examples, total = dict.fromkeys(("train", "test"), PUBLISHED_CLIPS), PUBLISHED_CLIPS
        note = f"assumed: {PUBLISHED_CLIPS:,} clips, as the published data set has, since no data is prepared yet"
    return Extent(examples, 4 * total * mel["n_mels"] * mel["n_frames"], note)


def steps(configuration: Configuration, phase: str, examples: int) -> int:
    """Batches of a phase over this many clips."""
    return int(configuration["phases"][phase]["epochs"] * -(-examples // configuration["batch_size"]))


def whole(configuration: Configuration, name: str, phase: str) -> float:  # noqa: ARG001
    """A training and a test are measured whole."""
    return 1.0
