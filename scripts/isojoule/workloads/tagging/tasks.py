"""The two tasks of audio tagging: several classes may sound in a clip, or exactly one does."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from isojoule.workloads.tagging.qualities import of_multi_label, of_single_label


@dataclass(frozen=True)
class Task:
    """What the outputs of a model mean.

    Attributes:
        expected: from targets (clips, n_classes), 0 or 1, to what `loss` takes.
        loss: the mean loss of logits (batch, n_classes), given what is expected of them.
        probabilities: from logits (clips, n_classes) to probabilities of the same shape.
        qualities: qualities by name, of targets and probabilities, both (clips, n_classes).
    """

    expected: Callable[[Tensor], Tensor]
    loss: Callable[[Tensor, Tensor], Tensor]
    probabilities: Callable[[Tensor], Tensor]
    qualities: Callable[[NDArray[np.float32], NDArray[np.float32]], dict[str, float]]


MULTI_LABEL = Task(Tensor.float, binary_cross_entropy_with_logits, torch.sigmoid, of_multi_label)
SINGLE_LABEL = Task(partial(torch.argmax, dim=1), cross_entropy, partial(torch.softmax, dim=1), of_single_label)
TASKS = {"multi_label": MULTI_LABEL, "single_label": SINGLE_LABEL}


def task_of(settings: dict[str, str]) -> Task:
    """Return the task by a workload's settings, where multi-label, the default, is not named."""
    return TASKS[settings.get("task", "multi_label")]
