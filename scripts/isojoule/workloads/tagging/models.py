"""The four families of networks for audio tagging (Douwes and Serizel, DCASE 2024, section 3 and table 1).

Every network takes (batch, 1, n_mels, n_frames) and returns logits (batch, n_classes).
"""

from itertools import pairwise

from torch import Tensor, nn

from isojoule.errors import InputError


class MLP(nn.Module):
    """Flatten, then Linear and ReLU per layer, then the output layer.

    Args:
        n_mels: mel bands of the input.
        n_frames: frames of the input.
        n_classes: outputs.
        layers: hidden layers.
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
        """Logits (batch, n_classes) of inputs (batch, 1, n_mels, n_frames)."""
        logits: Tensor = self.output(self.hidden(inputs.flatten(1)))
        return logits


class CNN(nn.Module):
    """Convolutional layers that halve bands and frames, then the output layer on all that is left.

    Args:
        n_mels: mel bands of the input.
        n_frames: frames of the input.
        n_classes: outputs.
        layers: convolutional layers.
        hidden: channels per layer.

    Raises:
        InputError: the input is too small for so many layers.
    """

    def __init__(self, n_mels: int, n_frames: int, n_classes: int, layers: int, hidden: int) -> None:
        super().__init__()
        self.convolutions, positions = _convolutions(n_mels, n_frames, layers, hidden)
        self.output = nn.Linear(hidden * positions, n_classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (batch, n_classes) of inputs (batch, 1, n_mels, n_frames)."""
        logits: Tensor = self.output(self.convolutions(inputs).flatten(1))
        return logits


class RNN(nn.Module):
    """GRU layers, then the output layer on the last step.

    Args:
        n_mels: mel bands of the input.
        n_frames: frames of the input.
        n_classes: outputs.
        layers: GRU layers.
        hidden: units per layer.
        layout: `flattened` is one step of n_mels * n_frames values, as published;
            `frames` is n_frames steps of n_mels values.

    Raises:
        InputError: the layout is neither of these.
    """

    def __init__(
        self, n_mels: int, n_frames: int, n_classes: int, layers: int, hidden: int, layout: str = "flattened"
    ) -> None:
        super().__init__()
        if layout not in ("flattened", "frames"):
            raise InputError(f"layout: found {layout}, expected flattened or frames")
        self.layout = layout
        step_size = n_mels if layout == "frames" else n_mels * n_frames
        self.gru = nn.GRU(step_size, hidden, layers, batch_first=True)
        self.output = nn.Linear(hidden, n_classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (batch, n_classes) of inputs (batch, 1, n_mels, n_frames)."""
        steps = inputs.squeeze(1).transpose(1, 2) if self.layout == "frames" else inputs.flatten(2)
        logits: Tensor = self.output(self.gru(steps)[0][:, -1])
        return logits


class CRNN(nn.Module):
    """Convolutional layers, then GRU layers over all positions of band and frame, then the output layer.

    Args:
        n_mels: mel bands of the input.
        n_frames: frames of the input.
        n_classes: outputs.
        conv_layers: convolutional layers.
        gru_layers: GRU layers.
        channels: channels per convolutional layer, the values of one step of the GRU.
        hidden: units per GRU layer.

    Raises:
        InputError: the input is too small for so many convolutional layers.
    """

    def __init__(
        self, n_mels: int, n_frames: int, n_classes: int, conv_layers: int, gru_layers: int, channels: int, hidden: int
    ) -> None:
        super().__init__()
        self.convolutions, _ = _convolutions(n_mels, n_frames, conv_layers, channels)
        self.gru = nn.GRU(channels, hidden, gru_layers, batch_first=True)
        self.output = nn.Linear(hidden, n_classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (batch, n_classes) of inputs (batch, 1, n_mels, n_frames)."""
        positions: Tensor = self.convolutions(inputs).flatten(2).transpose(1, 2)
        logits: Tensor = self.output(self.gru(positions)[0][:, -1])
        return logits


def _convolutions(n_mels: int, n_frames: int, layers: int, channels: int) -> tuple[nn.Sequential, int]:
    """The convolutional layers, and how many positions of band and frame they leave."""
    n_bands_left, n_frames_left = n_mels // 2**layers, n_frames // 2**layers
    if not n_bands_left or not n_frames_left:
        raise InputError(
            f"{layers} convolutional layers: found an input of {n_mels} x {n_frames} (n_mels x n_frames), "
            f"expected at least {2**layers} x {2**layers}, as every layer halves both"
        )
    widths = [1] + [channels] * layers
    convolutions = nn.Sequential(
        *(
            nn.Sequential(nn.Conv2d(before, after, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
            for before, after in pairwise(widths)
        )
    )
    return convolutions, n_bands_left * n_frames_left
