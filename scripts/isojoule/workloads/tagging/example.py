"""The batch and the loss that a training step needs beside the model."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits


def example(settings: dict[str, Any], batch_size: int, device: torch.device | str) -> tuple[tuple[Tensor], Tensor]:
    """Make a batch of zeros: inputs (batch_size, 1, n_mels, n_frames) and targets (batch_size, n_classes).

    Args:
        settings: the workload's `compute_settings`.
        batch_size: examples in the batch.
        device: where to make the batch.
    """
    inputs = torch.zeros(batch_size, 1, settings["n_mels"], settings["n_frames"], device=device)
    return (inputs,), torch.zeros(batch_size, settings["n_classes"], device=device)


def loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean binary cross-entropy over examples and classes; several classes may sound at once.

    Args:
        logits: (batch, n_classes).
        targets: (batch, n_classes), 0 or 1.
    """
    return binary_cross_entropy_with_logits(logits, targets)
