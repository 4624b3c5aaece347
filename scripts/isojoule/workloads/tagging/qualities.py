"""The qualities of taggers on test data, by their task, as scikit-learn defines them.

To import scikit-learn takes a job a second, in which no window of another job can open.
"""

import numpy as np
from numpy.typing import NDArray


def of_multi_label(targets: NDArray[np.float32], probabilities: NDArray[np.float32]) -> dict[str, float]:
    """Return macro F1 at a probability of 0.5, and mean average precision, over the classes that occur in `targets`.

    Args:
        targets: (clips, n_classes), 0 or 1.
        probabilities: (clips, n_classes), each for itself.
    """
    present = targets.any(axis=0)
    by_class = zip(targets[:, present].T > 0, probabilities[:, present].T, strict=True)
    return {
        "macro_f1": _macro_f1(targets, probabilities > 0.5),
        "mean_average_precision": float(np.mean([_average_precision(*of_class) for of_class in by_class])),
    }


def of_single_label(targets: NDArray[np.float32], probabilities: NDArray[np.float32]) -> dict[str, float]:
    """Return accuracy, and macro F1 over the classes that occur in `targets`; the most probable class is the guess.

    Args:
        targets: (clips, n_classes), 1 for the class of a clip and 0 for the others.
        probabilities: (clips, n_classes), which together are 1 for a clip.
    """
    guesses = probabilities.argmax(axis=1)
    return {
        "accuracy": float(np.mean(guesses == targets.argmax(axis=1))),
        "macro_f1": _macro_f1(targets, guesses[:, np.newaxis] == np.arange(targets.shape[1])),
    }


def _macro_f1(targets: NDArray[np.float32], guesses: NDArray[np.bool_]) -> float:
    """Return the mean of the F1 of the classes that occur in `targets`; both are (clips, n_classes)."""
    present = targets.any(axis=0)
    is_class, is_guessed = targets[:, present] > 0, guesses[:, present]
    hits = (is_class & is_guessed).sum(axis=0)
    return float(np.mean(2 * hits / (is_class.sum(axis=0) + is_guessed.sum(axis=0))))


def _average_precision(is_class: NDArray[np.bool_], probabilities: NDArray[np.float32]) -> float:
    """Return the mean over the clips of a class of the precision among all clips that are at least as probable."""
    order = np.argsort(-probabilities, kind="stable")
    hits = np.cumsum(is_class[order])
    # clips of the same probability are guessed together
    last = np.searchsorted(-probabilities[order], -probabilities[order], side="right") - 1
    precision = hits[last] / (last + 1)
    return float(precision[is_class[order]].mean())
