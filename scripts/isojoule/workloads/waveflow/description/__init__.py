"""Generation of speech from its mel spectrogram by WaveFlow (Douwes et al., ICASSP 2021, section 5)."""

import math
from itertools import chain, product
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from isojoule.configuration.fields import Count
from isojoule.configuration.sentences import misfit
from isojoule.configuration.shared_sections import Optimizer
from isojoule.errors import InputError
from isojoule.workloads import interface
from isojoule.workloads.interface import Architecture, Extent
from isojoule.workloads.waveflow.description.sections import (
    Architectures,
    CustomFlow,
    Dataset,
    Frames,
    Generation,
    Grid,
    Phases,
    Synthetic,
)
from isojoule.workloads.waveflow.manifest import HOP, MANIFEST, read_manifest

MODEL = "isojoule.workloads.waveflow.model"
# how much audio the published energies of generation are for (Douwes et al., table 2)
AUDIO_S = 100
# relative; within it, the measured audio is as long as that
NEAR_ENOUGH = 0.005


class Configuration(interface.Configuration):
    """The configuration of a study of WaveFlow."""

    MODELS = (MODEL,)
    QUALITIES = ("mean_opinion_score", "log_likelihood_nats")
    FEATURES = ("audio.npy", "mels.npy", "clips.npy")
    # a part stands for the whole work, so that we must know how much the energy of repetitions differs
    REPETITIONS = 5

    workload: Literal["waveflow"]
    dataset: Dataset
    mel: Frames
    architectures: Architectures
    phases: Phases
    batch_size: Count = Field(description="Segments per training step.")
    segment_frames: Count = Field(62, description="Mel frames of a training example.")
    optimizer: Optimizer

    @model_validator(mode="after")
    def _trains_no_longer_than_the_whole(self) -> Self:
        steps = self.phases.train.steps if self.phases.train else 1
        for family, grids in self.architectures.grids():
            for number, grid in enumerate(grids):
                if grid.train_steps < steps:
                    key = f"architectures.{family}.{number}.train_steps"
                    raise misfit(f"at least phases.train.steps ({steps})", str(grid.train_steps), key)
        return self

    @model_validator(mode="after")
    def _shares_a_batch_among_devices(self) -> Self:
        for name, gpu in self.gpus.items():
            if self.batch_size % gpu.devices:
                expected = f"a divisor of batch_size ({self.batch_size})"
                raise misfit(expected, str(gpu.devices), f"gpus.{name}.devices")
        return self

    def expand_architectures(self) -> list[Architecture]:
        """Return the architectures that the study compares, in the order of its file.

        `waveflow-h16-r64` has 16 rows and 64 residual channels. The name also says how many flows and layers there are
        where these are not the published 8: `waveflow-h8-r8-2x3` (flows x layers).
        """
        grids = chain.from_iterable(grids for _, grids in self.architectures.grids())
        return list(chain.from_iterable(map(self._expand, grids)))

    def dataset_settings(self) -> dict[str, Any]:
        """Return the settings that decide the manifest."""
        return {**self.plain(include={"dataset"}), "sample_rate_hz": self.mel.sample_rate_hz}

    def data_files(self) -> dict[str, Path]:
        """Return the folder of the speech and the table of its clips."""
        if isinstance(self.dataset, Synthetic):
            return {}
        root = Path(self.dataset.path)
        return {"path": root / "metadata.csv"} if root.is_dir() else {"path": root}

    def features_settings(self) -> dict[str, Any]:
        """Return the settings that decide the features."""
        return self.plain(include={"dataset", "mel"})

    def session_settings(self) -> dict[str, Any]:
        """Return the settings that decide a session, beside architecture, GPU, phase and seed."""
        return self.plain(include={"dataset", "mel", "batch_size", "segment_frames", "optimizer"})

    def shown_settings(self) -> dict[str, str | float]:
        """Return by name the session's settings that a record shows."""
        return {
            "optimizer": self.optimizer.name,
            "learning_rate": self.optimizer.learning_rate,
            "segment_frames": self.segment_frames,
        }

    def compute_settings(self) -> dict[str, Any]:
        """Return the size of a segment, the batch size and the optimizer."""
        return {
            "n_mels": self.mel.n_mels,
            "segment_frames": self.segment_frames,
            "batch_size": self.batch_size,
            "optimizer": self.optimizer.name,
        }

    def extent(self, results: Path) -> Extent:
        """Return how many segments to train on and clips to generate there are; unprepared data has a size of 0."""
        train, test = self.phases.train, self.phases.test
        examples = {"train": train.steps * self.batch_size if train else 0, "test": test.clips if test else 0}
        manifest = results / "dataset" / MANIFEST
        if not manifest.is_file():
            return Extent(examples, 0, "no data is prepared yet")
        clips = read_manifest(manifest)
        frames = sum(clip.n_frames for clip in clips)
        features_bytes = frames * (2 * HOP + 4 * self.mel.n_mels)
        hours = frames * HOP / self.mel.sample_rate_hz / 3600
        return Extent(examples, features_bytes, f"{len(clips):,} clips, {hours:.2g} h")

    def steps(self, phase: str, examples: int) -> int:
        """Return the training steps, or how many batches of segments the generated audio has."""
        if phase == "train":
            return self.phases.train.steps if self.phases.train else 0
        if self.phases.test is None:
            return 0
        segments = examples * self._clip_frames(self.phases.test) / self.segment_frames
        return math.ceil(segments / self.batch_size)

    def whole(self, name: str, phase: str) -> float:
        """Return how many times the measured part of a phase the whole phase is.

        The whole phase is the `train_steps` of a training, or 100 s of generated audio. Since clips are whole mel
        frames, 10 clips of 10 s at 22.05 kHz are 100.08 s; that is near enough to be the whole phase.

        Args:
            name: name of the architecture.
            phase: `train` or `test`.
        """
        if phase == "train":
            return self._train_steps(name) / self.phases.train.steps if self.phases.train else 1.0
        if self.phases.test is None:
            return 1.0
        audio_s = self.phases.test.clips * self._clip_frames(self.phases.test) * HOP / self.mel.sample_rate_hz
        return 1.0 if abs(audio_s / AUDIO_S - 1) < NEAR_ENOUGH else AUDIO_S / audio_s

    def _clip_frames(self, generation: Generation) -> int:
        """Return the mel frames of a clip to generate; none of them is cut."""
        return math.ceil(generation.clip_s * self.mel.sample_rate_hz / HOP)

    def _train_steps(self, name: str) -> int:
        for _, grids in self.architectures.grids():
            for grid in grids:
                if name in (architecture.name for architecture in self._expand(grid)):
                    return int(grid.train_steps)
        raise InputError(f"architectures: found no {name}")

    def _expand(self, grid: Grid | CustomFlow) -> list[Architecture]:
        if isinstance(grid, CustomFlow):
            return [Architecture(grid.name, grid.family, grid.model, grid.arguments)]
        size = "" if (grid.flows, grid.layers) == (8, 8) else f"-{grid.flows}x{grid.layers}"
        shape = {"n_mels": self.mel.n_mels, "flows": grid.flows, "layers": grid.layers}
        return [
            Architecture(
                f"waveflow-h{height}-r{channels}{size}",
                "waveflow",
                f"{MODEL}:WaveFlow",
                {"height": height, "channels": channels, **shape},
            )
            for height, channels in product(grid.height, grid.channels)
        ]
