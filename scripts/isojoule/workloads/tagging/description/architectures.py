"""From grids of layers and hidden sizes to named architectures (Douwes and Serizel, DCASE 2024, table 1)."""

from itertools import product
from typing import Any

from isojoule.study.configuration import Configuration
from isojoule.workloads.interface import Architecture

MODELS = {family: f"isojoule.workloads.tagging.models.{family}" for family in ("mlp", "cnn", "rnn", "crnn")}

DESED_CLASSES = [
    "Alarm_bell_ringing",
    "Blender",
    "Cat",
    "Dishes",
    "Dog",
    "Electric_shaver_toothbrush",
    "Frying",
    "Running_water",
    "Speech",
    "Vacuum_cleaner",
]


def classes(configuration: Configuration) -> list[str]:
    """The class names of the study, in the order of the model's outputs."""
    named: list[str] = configuration["dataset"].get("classes", DESED_CLASSES)
    return named


def architectures(configuration: Configuration) -> list[Architecture]:
    """Expand every grid of the configuration, in its order.

    Names are `mlp-4x1024` (layers x hidden), `rnn-2x128-frames` (not the published layout) and
    `crnn-2+1-512+256` (convolutional + recurrent layers, channels + hidden).
    """
    shape = {
        "n_mels": configuration["mel"]["n_mels"],
        "n_frames": configuration["mel"]["n_frames"],
        "n_classes": len(classes(configuration)),
    }
    expanded = []
    for family, grids in configuration["architectures"].items():
        for grid in grids:
            if family == "custom":
                expanded.append(Architecture(grid["name"], grid["family"], grid["model"], grid["arguments"]))
            else:
                expanded.extend(_grid(family, grid, shape))
    return expanded


def _grid(family: str, grid: dict[str, Any], shape: dict[str, int]) -> list[Architecture]:
    expanded = []
    for layers, hidden in product(_listed(grid["layers"]), _listed(grid["hidden"])):
        if family == "crnn":
            name = f"crnn-{layers[0]}+{layers[1]}-{hidden[0]}+{hidden[1]}"
            sizes = {
                "conv_layers": layers[0],
                "gru_layers": layers[1],
                "channels": hidden[0],
                "hidden": hidden[1],
            }
        else:
            name = f"{family}-{layers}x{hidden}"
            sizes = {"layers": layers, "hidden": hidden}
        if family == "rnn":
            sizes["layout"] = grid["layout"]
            name += "-frames" if grid["layout"] == "frames" else ""
        expanded.append(Architecture(name, family, f"{MODELS[family]}:{family.upper()}", {**shape, **sizes}))
    return expanded


def _listed(sizes: Any) -> list[Any]:
    return sizes if isinstance(sizes, list) else [sizes]
