"""The batch of segments and the loss that a training step needs beside the model."""

import math
from typing import Any

import torch
from torch import Tensor

from isojoule.workloads.waveflow.manifest import HOP


def example(
    settings: dict[str, Any], batch_size: int, device: torch.device | str
) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """Make a batch of silence: audio (batch_size, n_samples) and mel spectrogram (batch_size, n_mels, segment_frames).

    The targets (batch_size, 2, n_samples) are zeros, since the loss of a flow does not depend on targets.

    Args:
        settings: the workload's `compute_settings`.
        batch_size: segments in the batch.
        device: where to make the batch.
    """
    frames = settings["segment_frames"]
    audio = torch.zeros(batch_size, frames * HOP, device=device)
    mel = torch.zeros(batch_size, settings["n_mels"], frames, device=device)
    return (audio, mel), torch.zeros(batch_size, 2, frames * HOP, device=device)


def loss(outputs: Tensor, _: Tensor) -> Tensor:
    """Return the mean negative log-likelihood of a sample in nats.

    It is that of the Gaussian noise that the sample comes from, less the logarithm of the derivative.

    Args:
        outputs: (batch, 2, n_samples): noise and logarithm of the derivative, as `WaveFlow` returns them.
    """
    noise, log_derivative = outputs[:, 0], outputs[:, 1]
    return (0.5 * noise.square() - log_derivative).mean() + 0.5 * math.log(2 * math.pi)
