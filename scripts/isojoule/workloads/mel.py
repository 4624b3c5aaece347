"""Log-mel spectrograms of clips, the same to the bit whatever else is installed.

The definition is torchaudio's, which the tests compare: frames are centred, the edge is reflected, the mel scale is
HTK's, and filters are not normalized. The code is our own since torchaudio does not import beside a CPU build of torch,
and for speed: it never transforms a frame that is cut off, and multiplies a filter with the bins around it alone.
"""

import math
import threading
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import pad

from isojoule.configuration.shared_sections import Mel

FLOOR = 1e-6
# few neighbouring filters to a product skip most zeros, many make the products large
FILTERS_PER_BAND = 16


def log_mel(mel: Mel) -> Callable[[Tensor], Tensor]:
    """Make the transform that a configuration's `mel` section describes; without `n_frames` it keeps all frames.

    Returns:
        a function from samples (batch, n_samples) to the natural logarithm of the mel power spectrogram plus 1e-6,
        (batch, n_mels, n_frames), float32.
    """
    power = mel_power(mel)
    return lambda samples: power(samples).add_(FLOOR).log_().transpose(1, 2).contiguous()


def mel_power(mel: Mel) -> Callable[[Tensor], Tensor]:
    """Make a function from samples (batch, n_samples or more) to mel power spectrograms (batch, n_frames, n_mels)."""
    window, bands = _window(mel), _bands(mel_filters(mel).T)
    of_thread = threading.local()

    def buffers(count: int) -> tuple[Tensor, Tensor]:
        # each thread keeps its buffers: giving memory back to the system and asking anew costs more than the transform
        if getattr(of_thread, "count", None) != count:
            spectrum = torch.empty(count, mel.n_fft // 2 + 1, dtype=torch.complex64)
            of_thread.count, of_thread.buffers = count, (torch.empty(count, mel.n_fft), spectrum)
        windowed_and_spectrum: tuple[Tensor, Tensor] = of_thread.buffers
        return windowed_and_spectrum

    def of_clip(frames: Tensor) -> Tensor:
        windowed, spectrum = buffers(len(frames))
        torch.mul(frames, window, out=windowed)
        torch.fft.rfft(windowed, out=spectrum)
        squares = torch.view_as_real(spectrum).flatten(1).square_()
        return torch.cat([squares[:, parts] @ filters for parts, filters in bands], dim=-1)

    def spectrogram(samples: Tensor) -> Tensor:
        centred = pad(samples, (mel.n_fft // 2, 0), mode="reflect")
        frames = centred.unfold(-1, mel.n_fft, mel.hop_length)[:, : mel.n_frames]
        # one clip at a time: the frames of several do not fit into the processor's cache
        return torch.stack([of_clip(clip) for clip in frames])

    return spectrogram


def mel_filters(mel: Mel) -> Tensor:
    """Make triangular filters (n_mels, n_fft // 2 + 1) between points equally far apart on the HTK mel scale."""
    low, high = (2595 * math.log10(1 + f_hz / 700) for f_hz in (mel.f_min_hz, mel.f_max_hz))
    points_hz = 700 * (10 ** (torch.linspace(low, high, mel.n_mels + 2, dtype=torch.float64) / 2595) - 1)
    bins_hz = torch.linspace(0, mel.sample_rate_hz / 2, mel.n_fft // 2 + 1, dtype=torch.float64)
    left_hz, centre_hz, right_hz = points_hz[:-2, None], points_hz[1:-1, None], points_hz[2:, None]
    rising, falling = (bins_hz - left_hz) / (centre_hz - left_hz), (right_hz - bins_hz) / (right_hz - centre_hz)
    return torch.minimum(rising, falling).clamp(min=0).float()


def _bands(filters: Tensor) -> list[tuple[slice, Tensor]]:
    """Cut `filters` (bins, n_mels) into groups of neighbouring columns, each with the rows where it is not zero.

    A bin has two rows, for its real and its imaginary part: a filter weighs the squares of both alike.
    """
    bands = []
    for columns in filters.repeat_interleave(2, dim=0).split(FILTERS_PER_BAND, dim=1):
        used = columns.any(dim=1).nonzero().flatten().tolist() or [0]
        parts = slice(used[0], used[-1] + 1)
        bands.append((parts, columns[parts].contiguous()))
    return bands


def _window(mel: Mel) -> Tensor:
    """Make the window (n_fft,) of `win_length` samples with zeros around them."""
    window = {"hann": torch.hann_window, "hamming": torch.hamming_window}[mel.window](mel.win_length)
    before = (mel.n_fft - mel.win_length) // 2
    return pad(window, (before, mel.n_fft - mel.win_length - before))
