"""What a training step needs beside the model: a batch of the right shape, the loss, the optimizers."""

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits


def _uncompiled(optimizer: type[torch.optim.Optimizer]) -> type[torch.optim.Optimizer]:
    """The same optimizer, step by step, without torch's compiler.

    torch wraps these methods so that its compiler leaves them alone, and imports all of it to say so: more than a
    second in every job. What is wrapped is called here as it is; nothing of it is compiled either way.
    """
    called = {name: inspect.unwrap(getattr(optimizer, name)) for name in ("add_param_group", "zero_grad")}
    step = torch.no_grad()(inspect.unwrap(optimizer.step))
    return type(optimizer.__name__, (optimizer,), {**called, "step": step})


OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": _uncompiled(torch.optim.Adam),
    "adamw": _uncompiled(torch.optim.AdamW),
    "sgd": _uncompiled(torch.optim.SGD),
}


def example(settings: dict[str, Any], batch_size: int, device: torch.device | str) -> tuple[Tensor, Tensor]:
    """A batch of zeros: inputs (batch_size, 1, n_mels, n_frames) and targets (batch_size, n_classes).

    Args:
        settings: the workload's `compute_settings`.
        batch_size: examples in the batch.
        device: where to make it.
    """
    inputs = torch.zeros(batch_size, 1, settings["n_mels"], settings["n_frames"], device=device)
    return inputs, torch.zeros(batch_size, settings["n_classes"], device=device)


def loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean binary cross-entropy over examples and classes, several of which may sound at once."""
    return binary_cross_entropy_with_logits(logits, targets)
