"""Log-mel spectrograms: by torchaudio where it imports, by torch.stft and the same filters where it does not."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

FLOOR = 1e-6


def log_mel(mel: dict[str, Any]) -> Callable[[Tensor], Tensor]:
    """The transform of the configuration's `mel` section.

    Returns:
        a function from samples (batch, n_samples) to the natural logarithm of the mel power spectrogram plus 1e-6,
        (batch, n_mels, n_frames), float32.
    """
    try:
        from torchaudio.transforms import MelSpectrogram
    except (ImportError, OSError):
        # the registry's torchaudio needs CUDA libraries that a CPU build of torch does not bring
        spectrogram = stft_mel(mel)
    else:
        spectrogram = MelSpectrogram(
            sample_rate=mel["sample_rate_hz"],
            n_fft=mel["n_fft"],
            win_length=mel["win_length"],
            hop_length=mel["hop_length"],
            f_min=mel["f_min_hz"],
            f_max=mel["f_max_hz"],
            n_mels=mel["n_mels"],
            window_fn=_window(mel),
        )
    return lambda samples: torch.log(spectrogram(samples)[..., : mel["n_frames"]] + FLOOR)


def stft_mel(mel: dict[str, Any]) -> Callable[[Tensor], Tensor]:
    """The mel power spectrogram as torchaudio defines it: centred frames, reflected edges, HTK scale, no norm."""
    window, filters = _window(mel)(mel["win_length"]), mel_filters(mel)

    def spectrogram(samples: Tensor) -> Tensor:
        spectrum = torch.stft(
            samples, mel["n_fft"], mel["hop_length"], mel["win_length"], window, center=True, return_complex=True
        )
        return filters @ torch.view_as_real(spectrum).square().sum(dim=-1)

    return spectrogram


def mel_filters(mel: dict[str, Any]) -> Tensor:
    """Triangular filters (n_mels, n_fft // 2 + 1) between points equally far apart on the HTK mel scale."""
    low, high = (2595 * math.log10(1 + f_hz / 700) for f_hz in (mel["f_min_hz"], mel["f_max_hz"]))
    points_hz = 700 * (10 ** (torch.linspace(low, high, mel["n_mels"] + 2, dtype=torch.float64) / 2595) - 1)
    bins_hz = torch.linspace(0, mel["sample_rate_hz"] / 2, mel["n_fft"] // 2 + 1, dtype=torch.float64)
    left, centre, right = points_hz[:-2, None], points_hz[1:-1, None], points_hz[2:, None]
    rising, falling = (bins_hz - left) / (centre - left), (right - bins_hz) / (right - centre)
    return torch.minimum(rising, falling).clamp(min=0).float()


def _window(mel: dict[str, Any]) -> Callable[[int], Tensor]:
    return torch.hann_window if mel["window"] == "hann" else torch.hamming_window
