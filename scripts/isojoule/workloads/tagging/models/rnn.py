"""Gated recurrent units."""

from torch import Tensor, nn

from isojoule.errors import InputError


class RNN(nn.Module):
    """GRU layers, then the output layer on the last step.

    Args:
        n_mels: mel bands of the input.
        n_frames: frames of the input.
        n_classes: number of outputs.
        layers: number of GRU layers.
        hidden: units per layer.
        layout: what a step is: with `flattened`, as published, the whole input of n_mels * n_frames values is the only
            step; with `frames` each frame of n_mels values is a step.

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
        """Return the logits (batch, n_classes) of inputs (batch, 1, n_mels, n_frames)."""
        steps = inputs.squeeze(1).transpose(1, 2) if self.layout == "frames" else inputs.flatten(2)
        logits: Tensor = self.output(self.gru(steps)[0][:, -1])
        return logits
