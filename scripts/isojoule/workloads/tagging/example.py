"""The batch and the loss that a training step needs beside the model."""

from typing import Any

import torch
from torch import Tensor

from isojoule.workloads.tagging.tasks import MULTI_LABEL, SINGLE_LABEL, task_of


def example(settings: dict[str, Any], batch_size: int, device: torch.device | str) -> tuple[tuple[Tensor], Tensor]:
    """Make a batch of zeros: inputs (batch_size, 1, n_mels, n_frames) and targets (batch_size, n_classes).

    The targets are integers where a clip has exactly one class, by which `loss` knows that.

    Args:
        settings: the workload's `compute_settings`.
        batch_size: examples in the batch.
        device: where to make the batch.
    """
    inputs = torch.zeros(batch_size, 1, settings["n_mels"], settings["n_frames"], device=device)
    kind = torch.int64 if task_of(settings) is SINGLE_LABEL else torch.float32
    return (inputs,), torch.zeros(batch_size, settings["n_classes"], dtype=kind, device=device)


def loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean loss over the examples: cross-entropy, or binary cross-entropy of every class.

    Args:
        logits: (batch, n_classes).
        targets: (batch, n_classes), as `example` makes them.
    """
    task = MULTI_LABEL if targets.is_floating_point() else SINGLE_LABEL
    return task.loss(logits, task.expected(targets))
