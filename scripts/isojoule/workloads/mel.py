"""Log-mel spectrograms of the beginning of clips, the same to the bit whatever else is installed.

torchaudio's definition, which the tests compare: centred frames, reflected edge, HTK scale, no norm. Written here since
torchaudio does not import beside a CPU build of torch, and for speed: frames that are cut off are never transformed,
and a filter is multiplied with the bins around it alone.
"""

import math
import threading
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import pad

from isojoule.configuration.sections import Mel

FLOOR = 1e-6
# neighbouring filters that share a product: few enough to skip most zeros, enough to keep the products large
TOGETHER = 16


def log_mel(mel: Mel) -> Callable[[Tensor], Tensor]:
    """The transform of a configuration's `mel` section; all frames where it has no `n_frames`.

    Returns:
        a function from samples (batch, n_samples) to the natural logarithm of the mel power spectrogram plus 1e-6,
        (batch, n_mels, n_frames), float32.
    """
    power = mel_power(mel)
    return lambda samples: power(samples).add_(FLOOR).log_().transpose(1, 2).contiguous()


def mel_power(mel: Mel) -> Callable[[Tensor], Tensor]:
    """From samples (batch, n_samples or more) to the mel power spectrogram (batch, n_frames, n_mels)."""
    window, bands = _window(mel), _bands(mel_filters(mel).T)
    kept = threading.local()

    def memory(count: int) -> tuple[Tensor, Tensor]:
        # a thread's own, used again: given back to the system and asked for anew, it costs more than the transform
        if getattr(kept, "count", None) != count:
            spectrum = torch.empty(count, mel.n_fft // 2 + 1, dtype=torch.complex64)
            kept.count, kept.memory = count, (torch.empty(count, mel.n_fft), spectrum)
        found: tuple[Tensor, Tensor] = kept.memory
        return found

    def of_clip(frames: Tensor) -> Tensor:
        windowed, spectrum = memory(len(frames))
        torch.mul(frames, window, out=windowed)
        torch.fft.rfft(windowed, out=spectrum)
        squares = torch.view_as_real(spectrum).flatten(1).square_()
        return torch.cat([squares[:, parts] @ filters for parts, filters in bands], dim=-1)

    def spectrogram(samples: Tensor) -> Tensor:
        centred = pad(samples, (mel.n_fft // 2, 0), mode="reflect")
        frames = centred.unfold(-1, mel.n_fft, mel.hop_length)[:, : mel.n_frames]
        # one clip after the other: the frames of more do not stay in the processor's cache
        return torch.stack([of_clip(clip) for clip in frames])

    return spectrogram


def mel_filters(mel: Mel) -> Tensor:
    """Triangular filters (n_mels, n_fft // 2 + 1) between points equally far apart on the HTK mel scale."""
    low, high = (2595 * math.log10(1 + f_hz / 700) for f_hz in (mel.f_min_hz, mel.f_max_hz))
    points_hz = 700 * (10 ** (torch.linspace(low, high, mel.n_mels + 2, dtype=torch.float64) / 2595) - 1)
    bins_hz = torch.linspace(0, mel.sample_rate_hz / 2, mel.n_fft // 2 + 1, dtype=torch.float64)
    left, centre, right = points_hz[:-2, None], points_hz[1:-1, None], points_hz[2:, None]
    rising, falling = (bins_hz - left) / (centre - left), (right - bins_hz) / (right - centre)
    return torch.minimum(rising, falling).clamp(min=0).float()


def _bands(filters: Tensor) -> list[tuple[slice, Tensor]]:
    """Some columns of `filters` (bins, n_mels) at a time, and where one of them is not zero.

    Bins count twice, their real and their imaginary part: the filters sum the squares of the two as they weigh them.
    """
    found = []
    for columns in filters.repeat_interleave(2, dim=0).split(TOGETHER, dim=1):
        used = columns.any(dim=1).nonzero().flatten().tolist() or [0]
        parts = slice(used[0], used[-1] + 1)
        found.append((parts, columns[parts].contiguous()))
    return found


def _window(mel: Mel) -> Tensor:
    """The window in the middle of n_fft samples."""
    window = {"hann": torch.hann_window, "hamming": torch.hamming_window}[mel.window](mel.win_length)
    before = (mel.n_fft - mel.win_length) // 2
    return pad(window, (before, mel.n_fft - mel.win_length - before))
