"""Train WaveFlow, or generate with it: segments and noise on the device before the window, plain steps inside it."""

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from isojoule.configuration.sections import Mel
from isojoule.errors import InputError
from isojoule.files import read_json, written_whole
from isojoule.records.measurement import Work
from isojoule.workloads import building
from isojoule.workloads.interface import Architecture
from isojoule.workloads.mel import FLOOR, log_mel
from isojoule.workloads.optimizers import OPTIMIZERS
from isojoule.workloads.team import Team
from isojoule.workloads.waveflow.example import loss as criterion
from isojoule.workloads.waveflow.extraction import FULL_SCALE
from isojoule.workloads.waveflow.manifest import HOP
from isojoule.workloads.weights import Weights

WARM_UP = {"train": 3, "test": 1}
# different ones that are kept on the device, 0.7 GB at a batch of 8; a longer training sees them again
MOST_BATCHES = 1000
# of the test data that the likelihood is computed on
LIKELIHOOD_SEGMENTS = 16
# what a log-mel spectrogram has where nothing sounds
SILENCE = math.log(FLOOR)
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
        self._ends = np.cumsum(self.clips[:, 1])
        # of the split: behind it may be the clips of the other one
        self._end = int(self.clips.sum(axis=1).max())

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
        clip = int(np.searchsorted(self._ends, number, side="right"))
        return int(self.clips[clip, 0] + number - (self._ends[clip] - self.clips[clip, 1]))

    def _pieces(self, starts: list[int], frames: int) -> tuple[Tensor, Tensor]:
        parts = [(start, min(start + frames, self._end)) for start in starts]
        audio = np.stack([_padded(self._audio[HOP * start : HOP * end], HOP * frames) for start, end in parts])
        mels = np.stack([_padded(self._mels[start:end], frames, SILENCE) for start, end in parts])
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
        rank: of this device among those that train together; the others are started by the first.
    """

    flags: tuple[str, ...] = ()

    def __init__(
        self,
        model: nn.Module,
        configuration: dict[str, Any],
        phase: str,
        features: Path,
        device: torch.device,
        rank: int = 0,
    ) -> None:
        self._size = configuration["gpu"].get("devices", 1) if phase == "train" else 1
        settings = configuration["settings"]
        self._phase, self._device = phase, device
        self._mel = Mel.model_validate(settings["mel"])
        self._frames, self._batch_size = settings["segment_frames"], settings["batch_size"]
        self._bf16 = configuration["gpu"]["precision"] == "bf16"
        self._speech = Speech(features, phase)
        self._generator = torch.Generator().manual_seed(configuration["seed"])
        if not callable(getattr(model, "generate", None)):
            name = configuration["architecture"]["name"]
            raise InputError(f"architecture {name}: found no method generate(noise, mel), expected one beside forward")
        model.train(phase == "train")
        self._weights = Weights(model) if phase == "train" else None
        self.model: Any = model.to(device)
        self._runs = self._done = 0
        of_phase = configuration["phases"][phase]
        if phase == "train":
            self._count = of_phase["steps"]
            self._batches = min(self._count, MOST_BATCHES)
            segments = self._speech.segments(self._frames, self._batches * self._batch_size, self._generator)
            share = self._batch_size // self._size
            mine = slice(rank * share, (rank + 1) * share)
            self._audio, self._mels = (
                values.unflatten(0, (self._batches, self._batch_size))[:, mine].to(device) for values in segments
            )
            optimizer = settings["optimizer"]
            self._optimizer = OPTIMIZERS[optimizer["name"]](model.parameters(), lr=optimizer["learning_rate"])
            self._losses = torch.zeros(self._count, device=device)
        else:
            self._count = of_phase["clips"]
            frames = math.ceil(of_phase["clip_s"] * self._mel.sample_rate_hz / HOP)
            self._mels = self._speech.first(frames, self._count)[1].to(device)
            noise = torch.randn(self._count, frames * HOP, generator=self._generator)
            self._noise, self._generated = noise.to(device), torch.zeros_like(noise, device=device)
        self._team, self._trained = None, self.model
        if self._size > 1:
            self._team = Team(self._size, device.type, _member, configuration, features) if rank == 0 else None
            try:
                self._trained = DistributedDataParallel(model, _ids(device))
            except BaseException as error:
                reason = self._team.failure() if self._team and isinstance(error, RuntimeError) else None
                self.close()
                if reason:
                    raise RuntimeError(reason) from error
                raise

    @property
    def work(self) -> Work:
        """What `run` does: steps over segments, or clips one after the other."""
        if self._phase == "train":
            return Work(steps=self._count, samples=self._count * self._batch_size, batch_size=self._batch_size)
        # parts of a segment as well, which FLOPs are counted of
        segments = self._count * self._mels.shape[-1] / self._frames
        audio_s = self._noise.numel() / self._mel.sample_rate_hz
        return Work(steps=self._count, samples=segments, batch_size=1, audio_s=audio_s)

    def example(self) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """What the model is called with, and the shape of what it gives, of one segment."""
        audio, mels = self._speech.first(self._frames, 1)
        inputs = audio.to(self._device), mels.to(self._device)
        return inputs, torch.zeros(1, 2, audio.shape[1], device=self._device)

    def warm_up(self) -> None:
        """Take a few steps, or one clip, that are not counted, then put weights and optimizer back to their start."""
        with self._together("warm_up"):
            for number in range(min(WARM_UP[self._phase], self._count)):
                self._step(number)
            if self._weights:
                self._weights.back_to_start(self._optimizer)

    def run(self) -> None:
        """Everything that the window measures: the steps of the training, or the clips.

        A window may need the same work again, and again: training goes on then, and `settle` takes back what that did.
        """
        with self._together("run"):
            if self._runs == 1 and self._weights:
                self._kept_losses = self._losses.clone()
                self._weights.keep()
            for number in range(self._count):
                self._step(number)
                self._done += 1
            self._runs += 1

    def settle(self) -> None:
        """Put weights and losses to where the first `run` left them."""
        if self._weights is None:
            return
        with self._together("settle"):
            self._weights.settle()
            self._losses = self._kept_losses if self._runs > 1 else self._losses
            if self._size > 1:
                distributed.all_reduce(self._losses)
                self._losses /= self._size

    def close(self) -> None:
        """End the processes of the other devices."""
        if self._team:
            self._team.close()

    @contextmanager
    def _together(self, method: str) -> Iterator[None]:
        """Let the other devices do the same meanwhile, and wait for them."""
        if self._team is None:
            yield
            return
        self._team.tell(method)
        try:
            yield
        except RuntimeError as error:
            raise RuntimeError(self._team.failure() or str(error)) from error
        self._team.wait()

    def keep(self, folder: Path) -> None:
        """Write what was generated as wav files, 16 bit, in place of those that an earlier measurement wrote."""
        if self._phase == "train":
            return
        stale, digits = set(folder.glob("*.wav")), max(len(str(self._count - 1)), 2)
        for number, samples in enumerate(self._generated.cpu().numpy()):
            content, rate_hz = BytesIO(), self._mel.sample_rate_hz
            soundfile.write(content, samples.clip(-1, 1), rate_hz, subtype="PCM_16", format="WAV")
            path = folder / f"{number:0{digits}d}.wav"
            with written_whole(path) as temporary:
                temporary.write_bytes(content.getvalue())
            stale.discard(path)
        for path in stale:
            with suppress(OSError):
                path.unlink()

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
            self._optimizer.zero_grad(set_to_none=True)
            with self._autocast():
                batch = number % self._batches
                loss = criterion(self._trained(self._audio[batch], self._mels[batch]), self._audio)
            loss.backward()
            self._optimizer.step()
            self._losses[number] = loss.detach()
        else:
            chosen = slice(number, number + 1)
            with self._autocast(), torch.no_grad():
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
        padded = nn.functional.pad(self._generated.cpu().float(), (0, self._mel.n_fft // 2))
        frames = self._mels.shape[-1]
        found = log_mel(self._mel)(padded)[:, :, :frames]
        difference = DECIBELS * (found - self._speech.plain(self._mels.cpu()))
        return float(difference.square().mean(dim=1).sqrt().mean())

    def _autocast(self) -> AbstractContextManager[Any]:
        return torch.autocast(self._device.type, torch.bfloat16) if self._bf16 else nullcontext()


def _member(rank: int, configuration: dict[str, Any], features: Path) -> Session:
    """The session of another device, in a process of its own."""
    building.set_precision(configuration["gpu"]["precision"])
    torch.set_num_threads(configuration["gpu"]["threads"])
    torch.manual_seed(configuration["seed"])
    model = building.build(Architecture(**configuration["architecture"]))
    device = torch.device("cuda", rank) if configuration["gpu"]["device"] == "cuda" else torch.device("cpu")
    return Session(model, configuration, "train", features, device, rank)


def _ids(device: torch.device) -> list[int] | None:
    return None if device.index is None else [device.index]


def _padded(values: NDArray[Any], length: int, filling: float = 0) -> NDArray[Any]:
    """The same with this behind it, up to a length."""
    widths = [(0, length - len(values)), *[(0, 0)] * (values.ndim - 1)]
    return np.pad(values, widths, constant_values=filling)
