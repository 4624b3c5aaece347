"""Train and test a model for audio tagging: data goes to the device before the window, plain steps run inside it."""

from collections.abc import Hashable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from isojoule.configuration.shared_sections import MelOfBeginning
from isojoule.errors import InputError
from isojoule.records.measurement import Work
from isojoule.workloads.interface import PartDone, unheard
from isojoule.workloads.optimizers import OPTIMIZERS
from isojoule.workloads.tagging.features import Features
from isojoule.workloads.tagging.tasks import SINGLE_LABEL, task_of
from isojoule.workloads.weights import Start

WARM_UP_STEPS = 3

# the numbers of the clips in a batch; clips that lie one after the other are not copied
Batch = Tensor | slice


class Clips:
    """Standardized features and targets of one split, in batches on the device.

    Args:
        features: the extracted features of the study.
        split: `train` or `test`.
        settings: the workload's slice of the configuration.
        device: where to put the batches.
    """

    def __init__(self, features: Features, split: str, settings: dict[str, Any], device: torch.device) -> None:
        self._features, self._device = features, device
        self._rows = features.rows(split)
        targets = features.targets[self._rows]
        if task_of(settings) is SINGLE_LABEL and not (targets.sum(axis=1) == 1).all():
            raise InputError("features: found a clip that has not exactly one class, which task: single_label expects")
        self.targets = torch.from_numpy(targets).to(device)
        self._expected = task_of(settings).expected(self.targets)
        self._values = self._standardized(features.values[self._rows]) if settings["features"] == "resident" else None

    def __len__(self) -> int:
        return len(self._rows)

    def batch(self, numbers: Batch) -> tuple[Tensor, Tensor]:
        """Return values (batch, 1, n_mels, n_frames) and what the loss takes of the clips with these numbers."""
        if self._values is not None:
            return self._values[numbers], self._expected[numbers]
        rows = self._rows[numbers if isinstance(numbers, slice) else numbers.cpu().numpy()]
        return self._standardized(self._features.decode(rows)), self._expected[numbers]

    def _standardized(self, values: Any) -> Tensor:
        standardized = (torch.from_numpy(values) - self._features.mean) / self._features.std
        return standardized.unsqueeze(1).to(self._device)


class Session:
    """One phase of one cell.

    Args:
        model: the model of the architecture, on the CPU.
        configuration: the cell's slice of the configuration.
        phase: `train` or `test`.
        features: folder of the extracted features.
        device: where to compute.
    """

    def __init__(
        self, model: nn.Module, configuration: dict[str, Any], phase: str, features: Path, device: torch.device
    ) -> None:
        settings = configuration["settings"]
        self.phase, self.device = phase, device
        self.epochs = configuration["phases"][phase]["epochs"]
        self.batch_size = settings["batch_size"]
        self.steps_done = self._runs = 0
        self._task = task_of(settings)
        self._is_resident = settings["features"] == "resident"
        extracted = Features(features, MelOfBeginning.model_validate(settings["mel"]))
        self._clips = Clips(extracted, phase, settings, device)
        is_seen = phase == "test" and extracted.shared_clips("train", "test") > 0
        self.flags = ["quality-on-training-data"] if is_seen else []
        self._bf16 = configuration["gpu"]["precision"] == "bf16"
        self._start = Start(model) if phase == "train" else None
        self.model = model.to(device)
        self._order = self._shuffled(configuration["seed"]) if phase == "train" else self._in_order()
        self._losses = torch.zeros(self.epochs, device=device)
        if phase == "train":
            optimizer = settings["optimizer"]
            self._optimizer = OPTIMIZERS[optimizer["name"]](model.parameters(), lr=optimizer["learning_rate"])
        else:
            self._logits = torch.zeros_like(self._clips.targets)

    @property
    def work(self) -> Work:
        """The work of one `run`."""
        return Work(
            epochs=self.epochs,
            steps=self.epochs * len(self._order[0]),
            samples=self.epochs * len(self._clips),
            batch_size=self.batch_size,
        )

    def example(self) -> tuple[tuple[Tensor], Tensor]:
        """Return inputs and targets of the first batch."""
        numbers = self._order[0][0]
        return (self._clips.batch(numbers)[0],), self._clips.targets[numbers]

    def warm_up(self) -> None:
        """Take a few steps that are not counted, then go back to the start; this may be called several times.

        The last batch, which may be smaller, is among them, so that nothing is loaded for it inside the window.
        """
        first_epoch = self._order[0]
        for numbers in (*first_epoch[:WARM_UP_STEPS], *first_epoch[-1:]):
            self._step(numbers, self._losses[0])
        self._go_back()

    def run(self, part_done: PartDone = unheard) -> None:
        """Do what the window measures: all epochs of the phase.

        A window may call this again, and then training goes on; `settle` takes back what the later calls did.

        Args:
            part_done: is told of each step.
        """
        for epoch in range(self.epochs):
            for number, numbers in enumerate(self._order[epoch]):
                self._step(numbers, self._losses[epoch])
                self.steps_done += 1
                part_done(self._kind(epoch, number))
        self._runs += 1

    def settle(self) -> None:
        """Leave the weights and the losses of one `run`: after several, go back to the start and train once more.

        To copy the weights after the first `run` instead would be work inside the window.
        """
        if self._start and self._runs > 1:
            self._go_back()
            self.run()

    def close(self) -> None:
        """Do nothing, since a session of tagging starts no process."""

    def keep(self, folder: Path) -> None:
        """Write nothing, since a tagger makes nothing to look at."""

    def progress(self) -> str:
        """Return in words how far `run` is, without asking the device."""
        steps = self.epochs * len(self._order[0])
        done, epoch = self.steps_done % steps, self.steps_done % steps // len(self._order[0])
        again = f"repetition {self._runs + 1}, " if self._runs else ""
        return f"{again}epoch {epoch + 1}/{self.epochs}, step {done}/{steps}"

    def loss(self, epoch: int = -1) -> float:
        """Return the mean loss over the clips of an epoch."""
        # every run of a test adds the same losses
        runs = max(self._runs, 1) if self.phase == "test" else 1
        return float(self._losses[epoch]) / len(self._clips) / runs

    def quality(self) -> dict[str, float]:
        """Return the qualities of the task; there are none of a training, nor where an output was not finite."""
        if self.phase == "train" or not torch.isfinite(self._logits).all():
            return {}
        probabilities = self._task.probabilities(self._logits)
        return self._task.qualities(self._clips.targets.cpu().numpy(), probabilities.cpu().numpy())

    def _kind(self, epoch: int, number: int) -> Hashable:
        """Name a step so that equal names do equal work: by its clips where they are decoded, else by their number."""
        clips = min(self.batch_size, len(self._clips) - number * self.batch_size)
        return clips if self._is_resident else (epoch, number)

    def _go_back(self) -> None:
        if self._start:
            self._start.go_back(self._optimizer)
        self._losses.zero_()
        self.steps_done = self._runs = 0

    def _step(self, numbers: Batch, total: Tensor) -> None:
        """Train or test on one batch, and add the sum of its clips' losses to `total`."""
        (self._train if self.phase == "train" else self._test)(numbers, total)

    def _train(self, numbers: Batch, total: Tensor) -> None:
        self.model.train()
        values, expected = self._clips.batch(numbers)
        self._optimizer.zero_grad(set_to_none=True)
        with self._autocast():
            loss = self._task.loss(self.model(values), expected)
        loss.backward()
        self._optimizer.step()
        total.add_(loss.detach(), alpha=len(values))

    @torch.inference_mode()
    def _test(self, numbers: Batch, total: Tensor) -> None:
        self.model.eval()
        values, expected = self._clips.batch(numbers)
        with self._autocast():
            logits = self.model(values)
            loss = self._task.loss(logits, expected)
        self._logits[numbers] = logits.float()
        total.add_(loss, alpha=len(values))

    def _autocast(self) -> AbstractContextManager[Any]:
        return torch.autocast(self.device.type, torch.bfloat16) if self._bf16 else nullcontext()

    def _shuffled(self, seed: int) -> list[Sequence[Batch]]:
        generator = torch.Generator().manual_seed(seed)
        orders = [torch.randperm(len(self._clips), generator=generator) for _ in range(self.epochs)]
        return [order.to(self.device).split(self.batch_size) for order in orders]

    def _in_order(self) -> list[Sequence[Batch]]:
        starts = range(0, len(self._clips), self.batch_size)
        return [[slice(start, start + self.batch_size) for start in starts]] * self.epochs
