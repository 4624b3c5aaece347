"""Convolutional layers."""

from torch import Tensor, nn

from isojoule.workloads.tagging.models.convolutions import convolutions


class CNN(nn.Module):
    """Convolutional layers that each halve bands and frames, then the output layer on all that remains.

    Args:
        n_mels: mel bands of the input.
        n_frames: frames of the input.
        n_classes: number of outputs.
        layers: number of convolutional layers.
        hidden: channels per layer.

    Raises:
        InputError: the input is too small for so many layers.
    """

    def __init__(self, n_mels: int, n_frames: int, n_classes: int, layers: int, hidden: int) -> None:
        super().__init__()
        self.convolutions, positions = convolutions(n_mels, n_frames, layers, hidden)
        self.output = nn.Linear(hidden * positions, n_classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits (batch, n_classes) of inputs (batch, 1, n_mels, n_frames)."""
        logits: Tensor = self.output(self.convolutions(inputs).flatten(1))
        return logits
