"""Bytes that one step moves between a processor and its memory, from the counts of compute: an estimate, no count.

Weights are read by the forward pass. Training reads them again in the backward pass, writes and reads their gradients,
and the optimizer reads and writes the weights and every slot of its state. What the forward pass keeps is written by
it, read by the backward pass, and its gradient is as large.
"""

from typing import Any


def step_bytes(phase: str, weights: Any, activations: Any, optimizer_state: Any) -> Any:
    """Bytes of one step, at the batch size that the activations were counted for.

    Args:
        phase: `train` or `test`.
        weights: bytes of the weights; a number or an array, as the others.
        activations: bytes that the forward pass of one batch keeps.
        optimizer_state: bytes of the optimizer's slots.
    """
    if phase == "train":
        return 6 * weights + 2 * optimizer_state + 3 * activations
    return weights + activations
