"""Estimate the bytes that one step moves between a processor and its memory, from the counts of compute.

The forward pass reads the weights. Training reads them again in the backward pass, writes and reads their gradients,
and the optimizer reads and writes the weights and every slot of its state. The forward pass writes the activations that
it keeps, the backward pass reads them, and writes gradients of the same size.
"""

from typing import Any


def step_bytes(phase: str, weights: Any, activations: Any, optimizer_state: Any) -> Any:
    """Estimate the bytes of one step, at the batch size that the activations were counted for.

    Args:
        phase: `train` or `test`.
        weights: bytes of the weights; like the next two, a number or an array.
        activations: bytes that the forward pass of one batch keeps.
        optimizer_state: bytes of the optimizer's slots.
    """
    if phase == "train":
        return 6 * weights + 2 * optimizer_state + 3 * activations
    return weights + activations
