import importlib
import sys
import types

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from isojoule.configuration.shared_sections import MelOfBeginning
from isojoule.workloads.mel import FLOOR, log_mel, mel_filters, mel_power

MEL = MelOfBeginning(
    sample_rate_hz=16000,
    n_fft=2048,
    win_length=2048,
    hop_length=256,
    window="hann",
    n_mels=128,
    n_frames=64,
    f_min_hz=0,
    f_max_hz=8000,
)
VARIANTS = (
    {},
    {"window": "hamming", "win_length": 801},
    {"n_mels": 21, "n_fft": 4096},
    {"sample_rate_hz": 22050, "n_fft": 1024, "win_length": 1024, "n_mels": 80, "f_min_hz": 60},
)


def by_hand(samples, mel):
    """Mel power spectrogram from the definitions, in float64: framing, window, transform, triangles."""
    padded = np.pad(samples, mel.n_fft // 2, mode="reflect")
    count = 1 + (len(padded) - mel.n_fft) // mel.hop_length
    frames = np.stack([padded[i * mel.hop_length :][: mel.n_fft] for i in range(count)])
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(mel.n_fft) / mel.n_fft)
    power = np.abs(np.fft.rfft(frames * window)) ** 2
    to_mel = 2595 * np.log10(1 + np.array([mel.f_min_hz, mel.f_max_hz]) / 700)
    points_hz = 700 * (10 ** (np.linspace(*to_mel, mel.n_mels + 2) / 2595) - 1)
    bins_hz = np.fft.rfftfreq(mel.n_fft, 1 / mel.sample_rate_hz)
    bands = [np.interp(bins_hz, points_hz[i : i + 3], [0, 1, 0]) for i in range(mel.n_mels)]
    return np.array(bands) @ power.T


def test_the_spectrogram_is_its_definition():
    samples = np.random.default_rng(0).standard_normal(17152)
    found = mel_power(MEL)(torch.from_numpy(samples).float()[None])[0].T.numpy()
    np.testing.assert_allclose(found, by_hand(samples, MEL)[:, :64], rtol=2e-4, atol=1e-4)


@pytest.fixture(scope="module")
def torchaudio():
    """torchaudio itself where its binary fits the build of torch, which is one for CUDA; elsewhere its Python code."""
    before = set(sys.modules)
    try:
        module = importlib.import_module("torchaudio")
    except (OSError, RuntimeError):
        binary = types.ModuleType("torchaudio._extension")
        binary._IS_TORCHAUDIO_EXT_AVAILABLE = binary._IS_ALIGN_AVAILABLE = False
        binary.fail_if_no_align = lambda function: function
        sys.modules[binary.__name__] = binary
        module = importlib.import_module("torchaudio")
    yield module
    for name in set(sys.modules) - before:
        if name.startswith("torchaudio"):
            del sys.modules[name]


@pytest.mark.parametrize("changed", VARIANTS)
def test_the_spectrogram_is_that_of_torchaudio(torchaudio, changed):
    mel = MEL.model_copy(update=changed)
    transform = torchaudio.transforms.MelSpectrogram(
        sample_rate=mel.sample_rate_hz,
        n_fft=mel.n_fft,
        win_length=mel.win_length,
        hop_length=mel.hop_length,
        f_min=mel.f_min_hz,
        f_max=mel.f_max_hz,
        n_mels=mel.n_mels,
        window_fn={"hann": torch.hann_window, "hamming": torch.hamming_window}[mel.window],
    )
    torch.testing.assert_close(mel_filters(mel).T, transform.mel_scale.fb, rtol=0, atol=2e-5)
    samples = torch.randn(2, 63 * 256 + mel.n_fft // 2)
    expected = transform(samples)[..., : mel.n_frames]
    torch.testing.assert_close(mel_power(mel)(samples).mT, expected, rtol=1e-4, atol=1e-5 * float(expected.max()))


@pytest.mark.parametrize("changed", VARIANTS)
def test_the_spectrogram_is_that_of_torch_and_dense_filters(changed):
    mel = MEL.model_copy(update=changed)
    samples = torch.randn(3, 63 * 256 + mel.n_fft // 2)
    window = {"hann": torch.hann_window, "hamming": torch.hamming_window}[mel.window](mel.win_length)
    spectrum = torch.stft(samples, mel.n_fft, mel.hop_length, mel.win_length, window, center=True, return_complex=True)
    expected = mel_filters(mel) @ spectrum.abs().square()[..., :64]
    torch.testing.assert_close(mel_power(mel)(samples).mT, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("pitch_hz", [200, 1000, 3000, 6000])
def test_a_sine_peaks_in_the_band_of_its_pitch(pitch_hz):
    samples = torch.sin(2 * torch.pi * pitch_hz * torch.arange(17152) / 16000)
    found = log_mel(MEL)(samples[None])[0]
    assert found.shape == (128, 64)
    points = np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 130)
    expected = np.abs(points[1:-1] - 2595 * np.log10(1 + pitch_hz / 700)).argmin()
    assert abs(int(found[:, 32].argmax()) - int(expected)) <= 1


def test_silence_is_the_floor():
    found = log_mel(MEL)(torch.zeros(1, 17152))
    torch.testing.assert_close(found, torch.full((1, 128, 64), float(np.log(FLOOR))))


@given(n_mels=st.integers(1, 128), low_hz=st.integers(0, 2000), width_hz=st.integers(500, 6000))
def test_filters_are_triangles_between_the_limits(n_mels, low_hz, width_hz):
    values = {"n_mels": n_mels, "f_min_hz": low_hz, "f_max_hz": min(low_hz + width_hz, 8000)}
    mel = MEL.model_copy(update=values)
    filters = mel_filters(mel)
    bins_hz = torch.linspace(0, 8000, 1025)
    assert filters.shape == (n_mels, 1025)
    assert filters.min() >= 0
    assert filters.max() <= 1
    assert filters[:, (bins_hz < mel.f_min_hz) | (bins_hz > mel.f_max_hz)].sum() == 0
