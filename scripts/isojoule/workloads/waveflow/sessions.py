"""Train WaveFlow, or generate with it: data goes to the device before the window, plain steps run inside it."""

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

from isojoule.configuration.shared_sections import Mel
from isojoule.errors import InputError
from isojoule.files import write_bytes
from isojoule.records.measurement import Work
from isojoule.workloads import building, extracted
from isojoule.workloads.interface import Architecture, PartDone, unheard
from isojoule.workloads.mel import FLOOR, log_mel
from isojoule.workloads.optimizers import OPTIMIZERS
from isojoule.workloads.precision import set_precision
from isojoule.workloads.switches import set_switches
from isojoule.workloads.team import Team
from isojoule.workloads.waveflow.example import loss as criterion
from isojoule.workloads.waveflow.extraction import FULL_SCALE
from isojoule.workloads.waveflow.manifest import HOP
from isojoule.workloads.weights import Start

WARM_UP = {"train": 3, "test": 1}
# how many batches the device keeps (0.7 GB at a batch of 8); a longer training repeats them
MOST_BATCHES = 1000
# how many segments of the test data the likelihood is computed on
LIKELIHOOD_SEGMENTS = 16
# the value of a log-mel spectrogram where nothing sounds
SILENCE = math.log(FLOOR)
# decibels per unit of the natural logarithm of power
DECIBELS = 10 / math.log(10)


class Speech:
    """The extracted clips of a split, which lie one after the other and are memory-mapped.

    Args:
        folder: where `extract_study` wrote them.
        split: `train` or `test`.

    Raises:
        InputError: a file is missing or broken, or does not go with the others; or the split has no clip.
    """

    def __init__(self, folder: Path, split: str) -> None:
        self._mean, self._std = extracted.statistics(folder)
        clips = np.asarray(extracted.array(folder / "clips.npy", np.int64, (None, 3)))
        starts, lengths, is_test = clips.T
        if (lengths <= 0).any() or (starts != np.cumsum(lengths) - lengths).any() or not np.isin(is_test, (0, 1)).all():
            raise InputError(f"{folder / 'clips.npy'}: found clips that do not follow one another; {extracted.AGAIN}")
        frames = int(lengths.sum())
        self._audio = extracted.array(folder / "audio.npy", np.int16, (frames * HOP,))
        self._mels = extracted.array(folder / "mels.npy", np.float32, (frames, None))
        self.clips = clips[clips[:, 2] == (split == "test")][:, :2]
        if not len(self.clips):
            raise InputError(f"{folder / 'clips.npy'}: found no clip to {split} on, expected some; {extracted.AGAIN}")
        self._ends = np.cumsum(self.clips[:, 1])
        # the clips of the other split may follow behind this frame
        self._end = int(self.clips.sum(axis=1).max())

    def segments(self, frames: int, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw random pieces of the clips: audio (count, frames * 256), standardized mels (count, n_mels, frames).

        Every frame is equally likely to begin a piece. A piece that reaches beyond its clip goes on with the next clip.
        """
        last = max(int(self.clips[:, 1].sum()) - frames, 0)
        starts = torch.randint(last + 1, (count,), generator=generator).tolist()
        return self._pieces([self._frame(start) for start in starts], frames)

    def first(self, frames: int, count: int) -> tuple[Tensor, Tensor]:
        """Return the first `count` pieces, one after the other, from the beginning again where the clips end."""
        total = int(self.clips[:, 1].sum())
        starts = [number * frames % max(total - frames + 1, 1) for number in range(count)]
        return self._pieces([self._frame(start) for start in starts], frames)

    def standardized(self, mels: Tensor) -> Tensor:
        """Standardize mel spectrograms as the model takes them."""
        return (mels - self._mean) / self._std

    def unstandardized(self, standardized: Tensor) -> Tensor:
        """Undo `standardized`."""
        return standardized * self._std + self._mean

    def _frame(self, number: int) -> int:
        """Return which frame of the files is the frame of the split with this number."""
        clip = int(np.searchsorted(self._ends, number, side="right"))
        return int(self.clips[clip, 0] + number - (self._ends[clip] - self.clips[clip, 1]))

    def _pieces(self, starts: list[int], frames: int) -> tuple[Tensor, Tensor]:
        """Return audio and standardized mels of the pieces that begin at these frames of the files."""
        parts = [(start, min(start + frames, self._end)) for start in starts]
        audio = np.stack([_padded(self._audio[HOP * start : HOP * end], HOP * frames) for start, end in parts])
        mels = np.stack([_padded(self._mels[start:end], frames, SILENCE) for start, end in parts])
        scaled = torch.from_numpy(audio.astype(np.float32) / FULL_SCALE)
        return scaled, self.standardized(torch.from_numpy(mels).transpose(1, 2)).contiguous()


class Session:
    """One phase of one cell.

    Args:
        model: the model of the architecture, on the CPU.
        configuration: the cell's slice of the configuration.
        phase: `train`, or `test`, in which the model generates.
        features: folder of the extracted features.
        device: where to compute.
        rank: rank of this device among those that train together; the session of rank 0 starts the others.
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
        self._start = Start(model) if phase == "train" else None
        self.model: Any = model.to(device)
        self._runs = self._done = 0
        section = configuration["phases"][phase]
        if phase == "train":
            self._count = section["steps"]
            self._batches = min(self._count, MOST_BATCHES)
            segments = self._speech.segments(self._frames, self._batches * self._batch_size, self._generator)
            share = self._batch_size // self._size
            own = slice(rank * share, (rank + 1) * share)
            self._audio, self._mels = (
                values.unflatten(0, (self._batches, self._batch_size))[:, own].to(device) for values in segments
            )
            optimizer = settings["optimizer"]
            self._optimizer = OPTIMIZERS[optimizer["name"]](model.parameters(), lr=optimizer["learning_rate"])
            self._losses = torch.zeros(self._count, device=device)
        else:
            self._count = section["clips"]
            frames = math.ceil(section["clip_s"] * self._mel.sample_rate_hz / HOP)
            self._mels = self._speech.first(frames, self._count)[1].to(device)
            noise = torch.randn(self._count, frames * HOP, generator=self._generator)
            self._noise, self._generated = noise.to(device), torch.zeros_like(noise, device=device)
        self._team, self._trained = None, self.model
        if self._size > 1:
            self._team = Team(self._size, device.type, _member, configuration, features) if rank == 0 else None
            try:
                self._trained = DistributedDataParallel(model, _device_ids(device))
            except BaseException as error:
                reason = self._team.failure() if self._team and isinstance(error, RuntimeError) else None
                self.close()
                if reason:
                    raise RuntimeError(reason) from error
                raise

    @property
    def work(self) -> Work:
        """The work of one `run`: steps over batches of segments, or clips one after the other."""
        if self._phase == "train":
            return Work(steps=self._count, samples=self._count * self._batch_size, batch_size=self._batch_size)
        # FLOPs are counted for a segment, of which clips may hold a broken number
        segments = self._count * self._mels.shape[-1] / self._frames
        audio_s = self._noise.numel() / self._mel.sample_rate_hz
        return Work(steps=self._count, samples=segments, batch_size=1, audio_s=audio_s)

    def example(self) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """Return inputs for one segment, and targets of the shape of its output."""
        audio, mels = self._speech.first(self._frames, 1)
        inputs = audio.to(self._device), mels.to(self._device)
        return inputs, torch.zeros(1, 2, audio.shape[1], device=self._device)

    def warm_up(self) -> None:
        """Take a few steps, or generate one clip, then go back to the start; this may be called several times."""
        with self._together("warm_up"):
            for number in range(min(WARM_UP[self._phase], self._count)):
                self._step(number)
            self._go_back()

    def run(self, part_done: PartDone = unheard) -> None:
        """Do what the window measures: the steps of the training, or the clips.

        A window may call this again, and then training goes on; `settle` takes back what the later calls did.

        Args:
            part_done: is told of each step or clip, which all do the same work.
        """
        with self._together("run"):
            self._work(part_done)

    def settle(self) -> None:
        """Leave the weights and the losses of one `run`: after several, go back to the start and train once more.

        To copy the weights after the first `run` instead would be work inside the window.
        """
        if self._start is None:
            return
        with self._together("settle"):
            if self._runs > 1:
                self._go_back()
                self._work()
            if self._size > 1:
                distributed.all_reduce(self._losses)
                self._losses /= self._size

    def _go_back(self) -> None:
        if self._start:
            self._start.go_back(self._optimizer)
        self._done = self._runs = 0

    def _work(self, part_done: PartDone = unheard) -> None:
        for number in range(self._count):
            self._step(number)
            self._done += 1
            part_done(self._phase)
        self._runs += 1

    def close(self) -> None:
        """End the processes of the other devices."""
        if self._team:
            self._team.close()

    @contextmanager
    def _together(self, method: str) -> Iterator[None]:
        """Make the other devices call the same method meanwhile, and wait for them."""
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
        """Write the generated clips as wav files of 16 bit, in place of those that an earlier measurement wrote."""
        if self._phase == "train":
            return
        stale, digits = set(folder.glob("*.wav")), max(len(str(self._count - 1)), 2)
        for number, samples in enumerate(self._generated.cpu().numpy()):
            content, rate_hz = BytesIO(), self._mel.sample_rate_hz
            soundfile.write(content, samples.clip(-1, 1), rate_hz, subtype="PCM_16", format="WAV")
            path = folder / f"{number:0{digits}d}.wav"
            write_bytes(path, content.getbuffer())
            stale.discard(path)
        for path in stale:
            with suppress(OSError):
                path.unlink()

    def progress(self) -> str:
        """Return in words how far `run` is, without asking the device."""
        again = f"repetition {self._runs + 1}, " if self._runs else ""
        return f"{again}{'step' if self._phase == 'train' else 'clip'} {self._done % self._count}/{self._count}"

    def loss(self) -> float:
        """Return the mean negative log-likelihood of a sample in nats, over all steps or over the test data."""
        return float(self._losses.mean()) if self._phase == "train" else -self._log_likelihood

    def quality(self) -> dict[str, float]:
        """Return the log-likelihood of the test data, and the distance between the generated spectra and theirs."""
        if self._phase == "train" or not torch.isfinite(self._generated).all():
            return {}
        values = {"log_likelihood_nats": self._log_likelihood, "spectral_distance_db": self._spectral_distance_db()}
        return {name: value for name, value in values.items() if math.isfinite(value)}

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
            clip = slice(number, number + 1)
            with self._autocast(), torch.no_grad():
                self._generated[clip] = self.model.generate(self._noise[clip], self._mels[clip])

    @cached_property
    @torch.inference_mode()
    def _log_likelihood(self) -> float:
        """The mean log-likelihood of a sample of the test data, in nats."""
        segments = zip(*self._speech.first(self._frames, LIKELIHOOD_SEGMENTS), strict=True)
        losses = [
            float(criterion(self.model(audio[None].to(self._device), mels[None].to(self._device)), audio))
            for audio, mels in segments
        ]
        return -sum(losses) / len(losses)

    def _spectral_distance_db(self) -> float:
        """Return the root mean square, over bands, of the difference of log-mel spectra in dB; mean over frames."""
        padded = nn.functional.pad(self._generated.cpu().float(), (0, self._mel.n_fft // 2))
        frames = self._mels.shape[-1]
        generated = log_mel(self._mel)(padded)[:, :, :frames]
        difference_db = DECIBELS * (generated - self._speech.unstandardized(self._mels.cpu()))
        return float(difference_db.square().mean(dim=1).sqrt().mean())

    def _autocast(self) -> AbstractContextManager[Any]:
        return torch.autocast(self._device.type, torch.bfloat16) if self._bf16 else nullcontext()


def _member(rank: int, configuration: dict[str, Any], features: Path) -> Session:
    """The session of another device, in a process of its own."""
    set_precision(configuration["gpu"]["precision"])
    set_switches(configuration["gpu"]["threads"])
    torch.manual_seed(configuration["seed"])
    model = building.build(Architecture(**configuration["architecture"]))
    device = torch.device("cuda", rank) if configuration["gpu"]["device"] == "cuda" else torch.device("cpu")
    return Session(model, configuration, "train", features, device, rank)


def _device_ids(device: torch.device) -> list[int] | None:
    """Return the device as DDP takes it; None stands for the CPU."""
    return None if device.index is None else [device.index]


def _padded(values: NDArray[Any], length: int, filling: float = 0) -> NDArray[Any]:
    """Pad `values` (n, ...) with `filling` to (length, ...)."""
    widths = [(0, length - len(values)), *[(0, 0)] * (values.ndim - 1)]
    return np.pad(values, widths, constant_values=filling)
