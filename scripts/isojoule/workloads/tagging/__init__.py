"""Audio tagging: which sound events are in a clip (Douwes and Serizel, DCASE 2024, section 3)."""

from pathlib import Path
from typing import Any

from isojoule.configuration import Configuration
from isojoule.errors import InputError
from isojoule.files import read_json
from isojoule.workloads.tagging.architectures import MODELS as FAMILY_MODELS
from isojoule.workloads.tagging.architectures import architectures, classes

MODELS = tuple(FAMILY_MODELS.values())

__all__ = ["MODELS", "architectures", "classes", "compute_settings", "data_fingerprint", "settings", "shown_settings"]


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


def data_fingerprint(features: Path) -> str:
    """The fingerprint of the features in a folder, with their targets and splits.

    Raises:
        InputError: the folder holds no features.
    """
    path = features / "statistics.json"
    try:
        return str(read_json(path)["fingerprint"])
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: found no fingerprint; scripts/extract_features.py writes it") from error
