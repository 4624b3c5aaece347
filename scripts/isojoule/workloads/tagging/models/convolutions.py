"""The convolutional layers that CNN and CRNN share; each layer halves bands and frames."""

from itertools import pairwise

from torch import nn

from isojoule.errors import InputError


def convolutions(n_mels: int, n_frames: int, layers: int, channels: int) -> tuple[nn.Sequential, int]:
    """Make the convolutional layers, and say how many positions of band and frame their output has.

    Args:
        n_mels: mel bands of the input.
        n_frames: frames of the input.
        layers: number of layers.
        channels: channels per layer.

    Raises:
        InputError: the input is too small for so many layers.
    """
    n_bands_left, n_frames_left = n_mels // 2**layers, n_frames // 2**layers
    if not n_bands_left or not n_frames_left:
        raise InputError(
            f"{layers} convolutional layers: found an input of {n_mels} x {n_frames} (n_mels x n_frames), "
            f"expected at least {2**layers} x {2**layers}, as every layer halves both"
        )
    widths = [1] + [channels] * layers
    layered = nn.Sequential(
        *(
            nn.Sequential(nn.Conv2d(before, after, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
            for before, after in pairwise(widths)
        )
    )
    return layered, n_bands_left * n_frames_left
