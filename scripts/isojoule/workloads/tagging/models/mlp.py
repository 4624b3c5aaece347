"""Fully connected layers."""

from itertools import pairwise

from torch import Tensor, nn


class MLP(nn.Module):
    """The input, flattened; then Linear and ReLU per layer; then the output layer.

    Args:
        n_mels: mel bands of the input.
        n_frames: frames of the input.
        n_classes: number of outputs.
        layers: number of hidden layers.
        hidden: units per hidden layer.
    """

    def __init__(self, n_mels: int, n_frames: int, n_classes: int, layers: int, hidden: int) -> None:
        super().__init__()
        widths = [n_mels * n_frames] + [hidden] * layers
        self.hidden = nn.Sequential(
            *(nn.Sequential(nn.Linear(before, after), nn.ReLU()) for before, after in pairwise(widths))
        )
        self.output = nn.Linear(widths[-1], n_classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits (batch, n_classes) of inputs (batch, 1, n_mels, n_frames)."""
        logits: Tensor = self.output(self.hidden(inputs.flatten(1)))
        return logits
