"""What a training step needs beside the model: a batch of segments of the right shape, the loss."""

import math
from typing import Any

import torch
from torch import Tensor

from isojoule.workloads.waveflow.manifest import HOP


def example(
    settings: dict[str, Any], batch_size: int, device: torch.device | str
) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """A batch of silence: audio (batch_size, n_samples) and mel spectrogram (batch_size, n_mels, segment_frames).

    The targets (batch_size, 2, n_samples) are zeros, which a flow does not look at: its noise is to be likely.

    Args:
        settings: the workload's `compute_settings`.
        batch_size: segments in the batch.
        device: where to make it.
    """
    frames = settings["segment_frames"]
    audio = torch.zeros(batch_size, frames * HOP, device=device)
    mel = torch.zeros(batch_size, settings["n_mels"], frames, device=device)
    return (audio, mel), torch.zeros(batch_size, 2, frames * HOP, device=device)


def loss(outputs: Tensor, _: Tensor) -> Tensor:
    """Mean negative log-likelihood of a sample, in nats: of the noise it comes from, less the logarithm of the slope.

    Args:
        outputs: (batch, 2, n_samples), as `WaveFlow` gives them.
    """
    noise, log_derivative = outputs[:, 0], outputs[:, 1]
    return (0.5 * noise.square() - log_derivative).mean() + 0.5 * math.log(2 * math.pi)
