"""Train WaveFlow, or generate with it: segments and noise on the device before the window, plain steps inside it."""

import math
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from isojoule.errors import InputError
from isojoule.files import read_json, written_whole
from isojoule.records.measurement import Work
from isojoule.workloads.mel import log_mel
from isojoule.workloads.optimizers import OPTIMIZERS
from isojoule.workloads.waveflow import HOP
from isojoule.workloads.waveflow.example import loss as criterion
from isojoule.workloads.waveflow.extraction import FULL_SCALE
from isojoule.workloads.weights import Weights

WARM_UP = {"train": 3, "test": 1}
# of the test data that the likelihood is computed on
LIKELIHOOD_SEGMENTS = 16
# natural logarithms of power to decibels
DECIBELS = 10 / math.log(10)


class Speech:
    """The extracted clips of a split, one after the other, memory-mapped.

    Args:
        folder: where `extract_study` wrote them.
        split: `train` or `test`.

    Raises:
        InputError: the folder holds no features.
    """

    def __init__(self, folder: Path, split: str) -> None:
        statistics = read_json(folder / "statistics.json")
        self._mean, self._std = float(statistics["mean"]), float(statistics["std"])
        try:
            self._audio = np.load(folder / "audio.npy", mmap_mode="r")
            self._mels = np.load(folder / "mels.npy", mmap_mode="r")
            clips = np.load(folder / "clips.npy")
        except (OSError, ValueError) as error:
            raise InputError(
                f"{folder}: holds no features: {error}; scripts/extract_features.py writes them"
            ) from error
        self.clips = clips[clips[:, 2] == (split == "test")][:, :2]

    def segments(self, frames: int, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Random pieces of the clips: audio (count, frames * 256), standardized mels (count, n_mels, frames).

        Every frame is as likely; a clip that is shorter goes on with what follows it.
        """
        last = max(int(self.clips[:, 1].sum()) - frames, 0)
        starts = torch.randint(last + 1, (count,), generator=generator).tolist()
        return self._pieces([self._frame(start) for start in starts], frames)

    def first(self, frames: int, count: int) -> tuple[Tensor, Tensor]:
        """The first pieces, one after the other, and from the beginning again where there are no more."""
        total = int(self.clips[:, 1].sum())
        starts = [number * frames % max(total - frames + 1, 1) for number in range(count)]
        return self._pieces([self._frame(start) for start in starts], frames)

    def standardized(self, mels: Tensor) -> Tensor:
        """As the model is given them."""
        return (mels - self._mean) / self._std

    def plain(self, standardized: Tensor) -> Tensor:
        """The inverse of `standardized`."""
        return standardized * self._std + self._mean

    def _frame(self, number: int) -> int:
        """Where the frame with this number among those of the split is in the files."""
        ends = np.cumsum(self.clips[:, 1])
        clip = int(np.searchsorted(ends, number, side="right"))
        return int(self.clips[clip, 0] + number - (ends[clip] - self.clips[clip, 1]))

    def _pieces(self, starts: list[int], frames: int) -> tuple[Tensor, Tensor]:
        audio = np.stack([_padded(self._audio[HOP * start : HOP * (start + frames)], HOP * frames) for start in starts])
        mels = np.stack([_padded(self._mels[start : start + frames], frames) for start in starts])
        scaled = torch.from_numpy(audio.astype(np.float32) / FULL_SCALE)
        return scaled, self.standardized(torch.from_numpy(mels).transpose(1, 2)).contiguous()


class Session:
    """The steps of one phase of one cell.

    Args:
        model: the architecture, built, on the CPU.
        configuration: the cell's slice of the configuration.
        phase: `train` or `test`, which generates.
        features: folder of the extracted features.
        device: where to compute.
    """

    # a part of the work stands for all of it: how much its energy differs from time to time must be known
    REPETITIONS = 5
    flags: tuple[str, ...] = ()

    def __init__(
        self, model: nn.Module, configuration: dict[str, Any], phase: str, features: Path, device: torch.device
    ) -> None:
        settings = configuration["settings"]
        self._phase, self._device = phase, device
        self._mel, self._frames, self._batch_size = settings["mel"], settings["segment_frames"], settings["batch_size"]
        self._bf16 = configuration["gpu"]["precision"] == "bf16"
        self._speech = Speech(features, phase)
        self._generator = torch.Generator().manual_seed(configuration["seed"])
        self._weights = Weights(model) if phase == "train" else None
        self.model: Any = model.to(device)
        self._runs = self._done = 0
        of_phase = configuration["phases"][phase]
        if phase == "train":
            self._count = of_phase["steps"]
            segments = self._speech.segments(self._frames, self._count * self._batch_size, self._generator)
            self._audio, self._mels = (values.to(device) for values in segments)
            optimizer = settings["optimizer"]
            self._optimizer = OPTIMIZERS[optimizer["name"]](model.parameters(), lr=optimizer["learning_rate"])
            self._losses = torch.zeros(self._count, device=device)
        else:
            self._count = of_phase["clips"]
            frames = math.ceil(of_phase["clip_s"] * self._mel["sample_rate_hz"] / HOP)
            self._mels = self._speech.first(frames, self._count)[1].to(device)
            noise = torch.randn(self._count, frames * HOP, generator=self._generator)
            self._noise, self._generated = noise.to(device), torch.zeros_like(noise, device=device)

    @property
    def work(self) -> Work:
        """What `run` does: steps over segments, or clips one after the other."""
        at_once = self._batch_size if self._phase == "train" else 1
        audio_s = self._noise.numel() / self._mel["sample_rate_hz"] if self._phase == "test" else None
        return Work(steps=self._count, samples=self._count * at_once, batch_size=at_once, audio_s=audio_s)

    def example(self) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """What the model is called with, and the shape of what it gives, of one segment."""
        audio, mels = self._speech.first(self._frames, 1)
        inputs = audio.to(self._device), mels.to(self._device)
        return inputs, torch.zeros(1, 2, audio.shape[1], device=self._device)

    def warm_up(self) -> None:
        """Take a few steps, or one clip, that are not counted, then put weights and optimizer back to their start."""
        for number in range(min(WARM_UP[self._phase], self._count)):
            self._step(number)
        if self._weights:
            self._weights.back_to_start(self._optimizer)

    def run(self) -> None:
        """Everything that the window measures: the steps of the training, or the clips.

        A window may need the same work again, and again: training goes on then, and `settle` takes back what that did.
        """
        if self._runs == 1 and self._weights:
            self._kept_losses = self._losses.clone()
            self._weights.keep()
        for number in range(self._count):
            self._step(number)
            self._done += 1
        self._runs += 1

    def settle(self) -> None:
        """Put weights and losses to where the first `run` left them."""
        if self._weights:
            self._weights.settle()
            self._losses = self._kept_losses if self._runs > 1 else self._losses

    def keep(self, folder: Path) -> None:
        """Write what was generated as wav files, 16 bit."""
        if self._phase == "train":
            return
        for number, samples in enumerate(self._generated.cpu().numpy()):
            with written_whole(folder / f"{number:02d}.wav") as temporary, temporary.open("wb") as file:
                rate_hz = self._mel["sample_rate_hz"]
                soundfile.write(file, samples.clip(-1, 1), rate_hz, subtype="PCM_16", format="WAV")

    def progress(self) -> str:
        """Where `run` is, in words; asks nothing of the device."""
        again = f"repetition {self._runs + 1}, " if self._runs else ""
        return f"{again}{'step' if self._phase == 'train' else 'clip'} {self._done % self._count}/{self._count}"

    def loss(self) -> float:
        """Mean negative log-likelihood of a sample in nats: of all steps, or of the test data."""
        return float(self._losses.mean()) if self._phase == "train" else -self._log_likelihood

    def quality(self) -> dict[str, float]:
        """Log-likelihood of the test data, and how far the spectra of what was generated are from theirs."""
        if self._phase == "train" or not torch.isfinite(self._generated).all():
            return {}
        found = {"log_likelihood_nats": self._log_likelihood, "spectral_distance_db": self._spectral_distance_db()}
        return {name: value for name, value in found.items() if math.isfinite(value)}

    def _step(self, number: int) -> None:
        if self._phase == "train":
            chosen = slice(number * self._batch_size, (number + 1) * self._batch_size)
            self._optimizer.zero_grad(set_to_none=True)
            with self._autocast():
                loss = criterion(self.model(self._audio[chosen], self._mels[chosen]), self._audio)
            loss.backward()
            self._optimizer.step()
            self._losses[number] = loss.detach()
        else:
            chosen = slice(number, number + 1)
            with self._autocast():
                self._generated[chosen] = self.model.generate(self._noise[chosen], self._mels[chosen])

    @cached_property
    @torch.inference_mode()
    def _log_likelihood(self) -> float:
        """Of a sample of the test data, in nats."""
        segments = zip(*self._speech.first(self._frames, LIKELIHOOD_SEGMENTS), strict=True)
        losses = [
            float(criterion(self.model(audio[None].to(self._device), mels[None].to(self._device)), audio))
            for audio, mels in segments
        ]
        return -sum(losses) / len(losses)

    def _spectral_distance_db(self) -> float:
        """Root mean square over bands of the difference of log-mel spectra in decibels, mean over frames."""
        padded = nn.functional.pad(self._generated.cpu().float(), (0, self._mel["n_fft"] // 2))
        frames = self._mels.shape[-1]
        found = log_mel(self._mel)(padded)[:, :, :frames]
        difference = DECIBELS * (found - self._speech.plain(self._mels.cpu()))
        return float(difference.square().mean(dim=1).sqrt().mean())

    def _autocast(self) -> AbstractContextManager[Any]:
        return torch.autocast(self._device.type, torch.bfloat16) if self._bf16 else nullcontext()


def _padded(values: NDArray[Any], length: int) -> NDArray[Any]:
    """The same with zeros behind it, up to this length."""
    return np.pad(values, [(0, length - len(values)), *[(0, 0)] * (values.ndim - 1)])
