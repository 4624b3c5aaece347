"""WaveFlow: audio folded into a few rows, each transformed given the rows above it (Ping et al., ICML 2020).

What the paper leaves open is as in the implementation of its authors: weights are normalized, the last layer of a flow
has no residual output, a height of 8 or 16 is not dilated. The published numbers of parameters agree, cut off after the
second decimal of millions.
"""

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, pad
from torch.nn.utils.parametrizations import weight_norm
from torch.nn.utils.parametrize import cached

# of the rows, layer by layer, so that the last layer of a flow sees all rows above
HEIGHT_DILATIONS = {32: (1, 2, 4), 64: (1, 2, 4, 8, 16), 128: (1, 2, 4, 8, 16, 32, 64)}
KERNEL = 3
# mel frames to samples: 16 x 16 is the hop of 256
UPSAMPLING = (16, 16)
HOP = math.prod(UPSAMPLING)


class WaveFlow(nn.Module):
    """A normalizing flow between audio and Gaussian noise, conditioned on a mel spectrogram.

    Args:
        height: rows that the audio is folded into; even.
        channels: residual channels of every layer.
        n_mels: mel bands.
        flows: autoregressive flows, one after the other; rows change places between them.
        layers: dilated convolutions of a flow; their dilation in time doubles from layer to layer.
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
        """From audio to noise.

        Args:
            audio: (batch, n_samples); n_samples is a multiple of the height and of the hop.
            mel: log-mel spectrogram (batch, n_mels, n_samples / 256).

        Returns:
            (batch, 2, n_samples): the noise that the audio comes from, and the logarithm of the derivative of each
            sample of it, whose sum is the log-determinant.
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
        """From noise (batch, n_samples) to audio of that shape: the inverse of `forward`, row by row.

        Every layer keeps the rows that its convolution needs again, so that a row costs what it adds.
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
        """The mel spectrogram at every sample: (batch, n_mels, height, n_samples / height)."""
        spread = mel.unsqueeze(1)
        for layer in self.upsampling:
            spread = leaky_relu(layer(spread), 0.4)
        return self.folded(spread.squeeze(1))

    def folded(self, samples: Tensor) -> Tensor:
        """Neighbouring samples below each other: (batch, channels, n) to (batch, channels, height, n / height)."""
        batch, channels, count = samples.shape
        return samples.reshape(batch, channels, count // self.height, self.height).transpose(-1, -2)

    def _unfolded(self, rows: Tensor) -> Tensor:
        return rows.transpose(-1, -2).flatten(-2)

    def _reordered(self, values: Tensor, number: int) -> Tensor:
        """Rows as they lie behind a flow: reversed, in the later half of the flows by halves; its own inverse."""
        parts = 1 if number < len(self.flows) // 2 else 2
        return torch.cat([part.flip(2) for part in values.chunk(parts, dim=2)], dim=2)


class Flow(nn.Module):
    """Scale and shift of every row but the first, given the rows above it and the condition.

    Args:
        height: rows.
        channels: residual channels.
        n_mels: channels of the condition.
        layers: dilated convolutions.
    """

    def __init__(self, height: int, channels: int, n_mels: int, layers: int) -> None:
        super().__init__()
        self.start = weight_norm(nn.Conv2d(1, channels, 1))
        cycle = HEIGHT_DILATIONS.get(height, (1,))
        dilations = [(cycle[number % len(cycle)], 2**number) for number in range(layers)]
        self.layers = nn.ModuleList(
            Layer(channels, n_mels, dilation, last=number == layers - 1) for number, dilation in enumerate(dilations)
        )
        # that each layer sees of what is above a row
        self._rows_above = [(KERNEL - 1) * of_rows for of_rows, _ in dilations]
        self.end = nn.Conv2d(channels, 2, 1)
        # a flow that changes nothing, to begin with
        for parameter in self.end.parameters():
            nn.init.zeros_(parameter)

    def forward(self, rows: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """The transformed rows, and the logarithm of the scale of each, both (batch, 1, height, width)."""
        above = self._nothing_above(rows)
        log_scale, shift, _ = self._scale_and_shift(rows[:, :, :-1], condition[:, :, 1:], above)
        transformed = torch.cat([rows[:, :, :1], rows[:, :, 1:] * log_scale.exp() + shift], dim=2)
        return transformed, pad(log_scale, (0, 0, 1, 0))

    def inverse(self, rows: Tensor, condition: Tensor) -> Tensor:
        """The rows whose transform is `rows`, one after the other."""
        above = self._nothing_above(rows)
        found = [rows[:, :, :1]]
        for row, its_condition in zip(rows.split(1, dim=2)[1:], condition.split(1, dim=2)[1:], strict=True):
            log_scale, shift, above = self._scale_and_shift(found[-1], its_condition, above)
            found.append((row - shift) * (-log_scale).exp())
        return torch.cat(found, dim=2)

    def _nothing_above(self, rows: Tensor) -> list[Tensor]:
        """The zeros above the first row, for each layer."""
        batch, channels, width = rows.shape[0], self.end.in_channels, rows.shape[-1]
        return [rows.new_zeros(batch, channels, needed, width) for needed in self._rows_above]

    def _scale_and_shift(
        self, rows: Tensor, condition: Tensor, above: list[Tensor]
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Log scale and shift of the rows below `rows`, and what each layer will need of these."""
        hidden, skipped, kept = self.start(rows), 0, []
        for layer, needed, rows_above in zip(self.layers, self._rows_above, above, strict=True):
            seen = torch.cat([rows_above, hidden], dim=2)
            kept.append(seen[:, :, seen.shape[2] - needed :])
            residual, skip = layer(seen, condition)
            hidden, skipped = hidden + residual, skipped + skip
        log_scale, shift = self.end(skipped).chunk(2, dim=1)
        return log_scale, shift, kept


class Layer(nn.Module):
    """A gated convolution, causal over rows.

    Args:
        channels: residual channels.
        n_mels: channels of the condition.
        dilation: over rows, and over time.
        last: whether there is no layer behind it that would take a residual.
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
        """Residual and skip (batch, channels, h, width) of rows (batch, channels, those above + h, width)."""
        content, gate = (self.convolution(rows) + self.condition(condition)).chunk(2, dim=1)
        output = self.output(content.tanh() * gate.sigmoid())
        if self.last:
            return 0, output
        residual, skip = output.chunk(2, dim=1)
        return residual, skip
