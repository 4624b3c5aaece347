"""Audio tagging: which sound events are in a clip (Douwes and Serizel, DCASE 2024, section 3)."""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from isojoule.configuration.fields import Count
from isojoule.configuration.sentences import misfit
from isojoule.configuration.shared_sections import MelOfBeginning, Optimizer
from isojoule.workloads import interface
from isojoule.workloads.interface import Architecture, Extent
from isojoule.workloads.tagging.description import architectures
from isojoule.workloads.tagging.description.sections import (
    Architectures,
    Dataset,
    Phases,
    Synthetic,
)
from isojoule.workloads.tagging.labels import DESED_CLASSES
from isojoule.workloads.tagging.manifest import MANIFEST, read_manifest

# the weakly labelled, real clips of DESED (Douwes and Serizel, DCASE 2024, section 3)
PUBLISHED_CLIPS = 1578


class Configuration(interface.Configuration):
    """The configuration of a study of audio tagging."""

    MODELS = tuple(architectures.MODELS.values())
    QUALITIES = ("accuracy", "macro_f1", "mean_average_precision")
    FEATURES = ("features.npy", "targets.npy", MANIFEST)

    workload: Literal["tagging"]
    dataset: Dataset
    task: Literal["multi_label", "single_label"] = Field(
        "multi_label",
        description="multi_label: several classes may sound in a clip (published); single_label: exactly one does.",
    )
    mel: MelOfBeginning
    architectures: Architectures
    phases: Phases
    batch_size: Count = Field(description="Clips per step, in training and test.")
    optimizer: Optimizer
    features: Literal["resident", "in_loop"] = Field(
        "resident", description="resident: on the device before the window; in_loop: decoded in every epoch."
    )

    @model_validator(mode="after")
    def _is_of_one_device(self) -> Self:
        for name, gpu in self.gpus.items():
            if gpu.devices != 1:
                raise misfit("1 in a study of tagging", str(gpu.devices), f"gpus.{name}.devices")
        return self

    @property
    def classes(self) -> list[str]:
        """The names of the classes, in the order of the model's outputs."""
        return DESED_CLASSES if isinstance(self.dataset, Synthetic) else self.dataset.classes

    def measured_qualities(self) -> tuple[str, ...]:
        """Return the names of the qualities of the task."""
        if self.task == "single_label":
            return ("accuracy", "macro_f1")
        return ("macro_f1", "mean_average_precision")

    def expand_architectures(self) -> list[Architecture]:
        """Return the architectures that the study compares, in the order of its file."""
        return architectures.expand(self.architectures, self._shape())

    def dataset_settings(self) -> dict[str, Any]:
        """Return the settings that decide the manifest."""
        return self.plain(include={"dataset"}) | self._named_task()

    def data_files(self) -> dict[str, Path]:
        """Return the folder of the clips, and the tables of their labels."""
        if isinstance(self.dataset, Synthetic):
            return {}
        root = Path(self.dataset.path)
        return {"path": root, **{key: root / getattr(self.dataset, key) for key in ("train", "test", "audio")}}

    def features_settings(self) -> dict[str, Any]:
        """Return the settings that decide the features."""
        return self.plain(include={"dataset", "mel"}) | self._named_task()

    def session_settings(self) -> dict[str, Any]:
        """Return the settings that decide a session, beside architecture, GPU, phase and seed."""
        return self.plain(include={"dataset", "mel", "batch_size", "optimizer", "features"}) | self._named_task()

    def shown_settings(self) -> dict[str, str | float]:
        """Return by name the session's settings that a record shows."""
        return {
            "task": self.task,
            "features": self.features,
            "optimizer": self.optimizer.name,
            "learning_rate": self.optimizer.learning_rate,
        }

    def compute_settings(self) -> dict[str, Any]:
        """Return the shapes of input and output, the batch size and the optimizer."""
        settings = {**self._shape(), "batch_size": self.batch_size, "optimizer": self.optimizer.name}
        return settings | self._named_task()

    def extent(self, results: Path) -> Extent:
        """Return the number of clips: from the manifest, else the configuration, else the published data set."""
        manifest = results / "dataset" / MANIFEST
        if manifest.is_file():
            clips = read_manifest(manifest)
            examples = {phase: sum(clip.is_in(phase) for clip in clips) for phase in ("train", "test")}
            total, note = len(clips), f"{len(clips):,} clips"
        elif isinstance(self.dataset, Synthetic):
            examples = {"train": self.dataset.train_clips, "test": self.dataset.test_clips}
            total = sum(examples.values())
            note = f"{total:,} synthetic clips"
        else:
            examples, total = dict.fromkeys(("train", "test"), PUBLISHED_CLIPS), PUBLISHED_CLIPS
            note = f"assumed: {PUBLISHED_CLIPS:,} clips, as the published data set has, since no data is prepared yet"
        return Extent(examples, 4 * total * self.mel.n_mels * self.mel.n_frames, note)

    def steps(self, phase: str, examples: int) -> int:
        """Return the number of batches of a phase over this many clips."""
        section = self.phases.train if phase == "train" else self.phases.test
        return section.epochs * -(-examples // self.batch_size) if section else 0

    def _named_task(self) -> dict[str, str]:
        # the default is in no slice, so that what was measured before there were two tasks is not measured again
        return {} if self.task == "multi_label" else {"task": self.task}

    def _shape(self) -> dict[str, int]:
        return {"n_mels": self.mel.n_mels, "n_frames": self.mel.n_frames, "n_classes": len(self.classes)}
