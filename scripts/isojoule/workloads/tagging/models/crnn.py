"""Convolutional layers, then gated recurrent units."""

from torch import Tensor, nn

from isojoule.workloads.tagging.models.convolutions import convolutions


class CRNN(nn.Module):
    """Convolutional layers, then GRU layers over all positions of band and frame, then the output layer.

    Args:
        n_mels: mel bands of the input.
        n_frames: frames of the input.
        n_classes: number of outputs.
        conv_layers: number of convolutional layers.
        gru_layers: number of GRU layers.
        channels: channels per convolutional layer, which are the values of one step of the GRU.
        hidden: units per GRU layer.

    Raises:
        InputError: the input is too small for so many convolutional layers.
    """

    def __init__(
        self, n_mels: int, n_frames: int, n_classes: int, conv_layers: int, gru_layers: int, channels: int, hidden: int
    ) -> None:
        super().__init__()
        self.convolutions, _ = convolutions(n_mels, n_frames, conv_layers, channels)
        self.gru = nn.GRU(channels, hidden, gru_layers, batch_first=True)
        self.output = nn.Linear(hidden, n_classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits (batch, n_classes) of inputs (batch, 1, n_mels, n_frames)."""
        positions: Tensor = self.convolutions(inputs).flatten(2).transpose(1, 2)
        logits: Tensor = self.output(self.gru(positions)[0][:, -1])
        return logits
