"""Checks of the sections of a configuration that several workloads have."""

from typing import Any

from isojoule.errors import InputError


def check_mel(mel: dict[str, Any], source: str) -> None:
    """Refuse a mel spectrogram that there cannot be.

    Args:
        mel: the section.
        source: what messages call the configuration.

    Raises:
        InputError: naming the key, what was found and what was expected.
    """
    if mel["win_length"] > mel["n_fft"]:
        raise InputError(
            f"{source}: mel.win_length: found {mel['win_length']}, expected at most n_fft ({mel['n_fft']})"
        )
    if not mel["f_min_hz"] < mel["f_max_hz"] <= mel["sample_rate_hz"] / 2:
        raise InputError(
            f"{source}: mel.f_max_hz: found {mel['f_max_hz']}, expected more than f_min_hz ({mel['f_min_hz']}) "
            f"and at most half of sample_rate_hz ({mel['sample_rate_hz'] / 2:g})"
        )
