"""WaveFlow folds audio into a few rows and transforms each row given the rows above it (Ping et al., ICML 2020).

Where the paper leaves something open, this code does as the implementation of its authors: weights are normalized, the
last layer of a flow has no residual output, and rows are not dilated at a height of 8 or 16. The numbers of parameters
are the published ones, in millions, cut off after the second decimal.
"""

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, pad
from torch.nn.utils.parametrizations import weight_norm
from torch.nn.utils.parametrize import cached

# dilations over rows, layer by layer, by height: with them the last layer of a flow sees all rows above
HEIGHT_DILATIONS = {32: (1, 2, 4), 64: (1, 2, 4, 8, 16), 128: (1, 2, 4, 8, 16, 32, 64)}
KERNEL = 3
# a mel frame becomes 16 x 16 samples, the hop of 256
UPSAMPLING = (16, 16)
HOP = math.prod(UPSAMPLING)


class WaveFlow(nn.Module):
    """A normalizing flow between audio and Gaussian noise, conditioned on a mel spectrogram.

    Args:
        height: number of rows that the audio is folded into, an even number.
        channels: residual channels of every layer.
        n_mels: number of mel bands.
        flows: number of autoregressive flows, which follow one another; rows change places between them.
        layers: number of dilated convolutions in a flow; the dilation in time doubles from layer to layer.
    """

    def __init__(self, height: int, channels: int, n_mels: int = 80, flows: int = 8, layers: int = 8) -> None:
        super().__init__()
        self.height = height
        self.upsampling = nn.ModuleList(
            weight_norm(nn.ConvTranspose2d(1, 1, (3, 2 * factor), stride=(1, factor), padding=(1, factor // 2)))
            for factor in UPSAMPLING
        )
        self.flows = nn.ModuleList(Flow(height, channels, n_mels, layers) for _ in range(flows))

    def forward(self, audio: Tensor, mel: Tensor) -> Tensor:
        """Transform audio to noise.

        Args:
            audio: (batch, n_samples); n_samples is a multiple of the height and of the hop.
            mel: log-mel spectrogram (batch, n_mels, n_samples / 256).

        Returns:
            (batch, 2, n_samples): the noise that the audio comes from, and the logarithm of its derivative at each
            sample; the sum of these logarithms is the log-determinant.
        """
        rows, condition = self.folded(audio.unsqueeze(1)), self.condition(mel)
        log_derivative = torch.zeros_like(rows)
        for number, flow in enumerate(self.flows):
            rows, log_scale = flow(rows, condition)
            log_derivative = log_derivative + log_scale
            rows, condition, log_derivative = (
                self._reordered(values, number) for values in (rows, condition, log_derivative)
            )
        return torch.cat([self._unfolded(rows), self._unfolded(log_derivative)], dim=1)

    @torch.no_grad()
    def generate(self, noise: Tensor, mel: Tensor) -> Tensor:
        """Transform noise (batch, n_samples) to audio of that shape: the inverse of `forward`, row by row.

        Every layer keeps the rows that its convolution needs again, so that no row is computed twice.

        Args:
            noise: (batch, n_samples).
            mel: log-mel spectrogram (batch, n_mels, n_samples / 256).
        """
        rows = self.folded(noise.unsqueeze(1))
        with cached():
            condition = self.condition(mel)
            for number in range(len(self.flows)):
                condition = self._reordered(condition, number)
            for number, flow in reversed(list(enumerate(self.flows))):
                rows, condition = (self._reordered(values, number) for values in (rows, condition))
                rows = cast(Flow, flow).inverse(rows, condition)
        return self._unfolded(rows).squeeze(1)

    def condition(self, mel: Tensor) -> Tensor:
        """Spread a mel spectrogram (batch, n_mels, n) over all samples: (batch, n_mels, height, n_samples / height)."""
        spread = mel.unsqueeze(1)
        for layer in self.upsampling:
            spread = leaky_relu(layer(spread), 0.4)
        return self.folded(spread.squeeze(1))

    def folded(self, samples: Tensor) -> Tensor:
        """Put neighbouring samples below each other: (batch, channels, n) to (batch, channels, height, n / height)."""
        batch, channels, count = samples.shape
        return samples.reshape(batch, channels, count // self.height, self.height).transpose(-1, -2)

    def _unfolded(self, rows: Tensor) -> Tensor:
        return rows.transpose(-1, -2).flatten(-2)

    def _reordered(self, values: Tensor, number: int) -> Tensor:
        """Reorder the rows behind flow `number`; to do it twice restores their order.

        The first half of the flows reverses all rows, the second half reverses each half of them.
        """
        parts = 1 if number < len(self.flows) // 2 else 2
        return torch.cat([part.flip(2) for part in values.chunk(parts, dim=2)], dim=2)


class Flow(nn.Module):
    """A flow scales and shifts every row but the first, given the rows above it and the condition.

    Args:
        height: number of rows.
        channels: residual channels.
        n_mels: channels of the condition.
        layers: number of dilated convolutions.
    """

    def __init__(self, height: int, channels: int, n_mels: int, layers: int) -> None:
        super().__init__()
        self.start = weight_norm(nn.Conv2d(1, channels, 1))
        cycle = HEIGHT_DILATIONS.get(height, (1,))
        dilations = [(cycle[number % len(cycle)], 2**number) for number in range(layers)]
        self.layers = nn.ModuleList(
            Layer(channels, n_mels, dilation, last=number == layers - 1) for number, dilation in enumerate(dilations)
        )
        # how many rows above a row each layer sees
        self._rows_above = [(KERNEL - 1) * of_rows for of_rows, _ in dilations]
        self.end = nn.Conv2d(channels, 2, 1)
        # with zeros the flow changes nothing, to begin with
        for parameter in self.end.parameters():
            nn.init.zeros_(parameter)

    def forward(self, rows: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Transform `rows`, and return them with the logarithm of their scale, both (batch, 1, height, width)."""
        above = self._nothing_above(rows)
        log_scale, shift, _ = self._scale_and_shift(rows[:, :, :-1], condition[:, :, 1:], above)
        transformed = torch.cat([rows[:, :, :1], rows[:, :, 1:] * log_scale.exp() + shift], dim=2)
        return transformed, pad(log_scale, (0, 0, 1, 0))

    def inverse(self, rows: Tensor, condition: Tensor) -> Tensor:
        """Find the rows (batch, 1, height, width) whose transform is `rows`, one after the other."""
        above = self._nothing_above(rows)
        inverted = [rows[:, :, :1]]
        for row, row_condition in zip(rows.split(1, dim=2)[1:], condition.split(1, dim=2)[1:], strict=True):
            log_scale, shift, above = self._scale_and_shift(inverted[-1], row_condition, above)
            inverted.append((row - shift) * (-log_scale).exp())
        return torch.cat(inverted, dim=2)

    def _nothing_above(self, rows: Tensor) -> list[Tensor]:
        """Make the zeros above the first row, for each layer."""
        batch, channels, width = rows.shape[0], self.end.in_channels, rows.shape[-1]
        return [rows.new_zeros(batch, channels, n_above, width) for n_above in self._rows_above]

    def _scale_and_shift(
        self, rows: Tensor, condition: Tensor, above: list[Tensor]
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Return log scale and shift of the rows below `rows`, and for each layer what is `above` the next rows.

        Args:
            rows: (batch, 1, h, width).
            condition: condition of the rows below, (batch, n_mels, h, width).
            above: for each layer its inputs above `rows`, (batch, channels, rows above, width).
        """
        hidden, skipped, kept = self.start(rows), 0, []
        for layer, n_above, rows_above in zip(self.layers, self._rows_above, above, strict=True):
            seen = torch.cat([rows_above, hidden], dim=2)
            kept.append(seen[:, :, seen.shape[2] - n_above :])
            residual, skip = layer(seen, condition)
            hidden, skipped = hidden + residual, skipped + skip
        log_scale, shift = self.end(skipped).chunk(2, dim=1)
        return log_scale, shift, kept


class Layer(nn.Module):
    """A gated convolution, causal over rows.

    Args:
        channels: residual channels.
        n_mels: channels of the condition.
        dilation: dilation over rows, and over time.
        last: whether this is the last layer of a flow, which has no residual output.
    """

    def __init__(self, channels: int, n_mels: int, dilation: tuple[int, int], last: bool) -> None:
        super().__init__()
        self.last = last
        self.convolution = weight_norm(
            nn.Conv2d(channels, 2 * channels, KERNEL, dilation=dilation, padding=(0, dilation[1]))
        )
        self.condition = weight_norm(nn.Conv2d(n_mels, 2 * channels, 1))
        self.output = weight_norm(nn.Conv2d(channels, channels if last else 2 * channels, 1))

    def forward(self, rows: Tensor, condition: Tensor) -> tuple[Tensor | int, Tensor]:
        """Return residual and skip (batch, channels, h, width) of rows (batch, channels, rows above + h, width)."""
        content, gate = (self.convolution(rows) + self.condition(condition)).chunk(2, dim=1)
        output = self.output(content.tanh() * gate.sigmoid())
        if self.last:
            return 0, output
        residual, skip = output.chunk(2, dim=1)
        return residual, skip
