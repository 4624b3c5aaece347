"""Expand grids of layers and hidden sizes to named architectures (Douwes and Serizel, DCASE 2024, table 1)."""

from itertools import product
from typing import Any

from isojoule.workloads.interface import Architecture
from isojoule.workloads.tagging.description.sections import (
    Architectures,
    ConvolutionalRecurrentGrid,
    Grid,
    RecurrentGrid,
)

MODELS = {family: f"isojoule.workloads.tagging.models.{family}" for family in ("mlp", "cnn", "rnn", "crnn")}


def expand(families: Architectures, shape: dict[str, int]) -> list[Architecture]:
    """Expand every grid, in the order of the configuration.

    Names are such as `mlp-4x1024` (layers x hidden), `rnn-2x128-frames` (in another layout than the published one) and
    `crnn-2+1-512+256` (convolutional + recurrent layers, channels + hidden).

    Args:
        families: the configuration's `architectures` section.
        shape: `n_mels` and `n_frames` of an input and `n_classes` of an output.
    """
    architectures = []
    for family, grids in families.grids():
        for grid in grids:
            if family == "custom":
                architectures.append(Architecture(grid.name, grid.family, grid.model, grid.arguments))
                continue
            for name, sizes in _pairs(grid) if family == "crnn" else _sizes(family, grid):
                arguments = {**shape, **sizes}
                architectures.append(Architecture(name, family, f"{MODELS[family]}:{family.upper()}", arguments))
    return architectures


def _sizes(family: str, grid: Grid) -> list[tuple[str, dict[str, Any]]]:
    """Return the name and the arguments of every combination of sizes."""
    layout = grid.layout if isinstance(grid, RecurrentGrid) else None
    ending = "-frames" if layout == "frames" else ""
    return [
        (
            f"{family}-{layers}x{hidden}{ending}",
            {"layers": layers, "hidden": hidden, **({"layout": layout} if layout else {})},
        )
        for layers, hidden in product(grid.layers, grid.hidden)
    ]


def _pairs(grid: ConvolutionalRecurrentGrid) -> list[tuple[str, dict[str, Any]]]:
    """Return the name and the arguments of every combination of pairs of sizes."""
    return [
        (
            f"crnn-{conv_layers}+{gru_layers}-{channels}+{hidden}",
            {"conv_layers": conv_layers, "gru_layers": gru_layers, "channels": channels, "hidden": hidden},
        )
        for (conv_layers, gru_layers), (channels, hidden) in product(grid.layers, grid.hidden)
    ]
