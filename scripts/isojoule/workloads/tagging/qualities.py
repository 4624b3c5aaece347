"""The qualities of taggers on test data, by their task."""

import numpy as np
from numpy.typing import NDArray


def of_multi_label(targets: NDArray[np.float32], probabilities: NDArray[np.float32]) -> dict[str, float]:
    """Return macro F1 at a probability of 0.5, and mean average precision, over the classes that occur in `targets`.

    Args:
        targets: (clips, n_classes), 0 or 1.
        probabilities: (clips, n_classes), each for itself.
    """
    from sklearn.metrics import average_precision_score

    present = targets.any(axis=0)
    by_class = zip(targets[:, present].T, probabilities[:, present].T, strict=True)
    return {
        "macro_f1": _macro_f1(targets, probabilities > 0.5),
        "mean_average_precision": float(np.mean([average_precision_score(*of_class) for of_class in by_class])),
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
    from sklearn.metrics import f1_score

    present = targets.any(axis=0)
    by_class = zip(targets[:, present].T, guesses[:, present].T, strict=True)
    # class by class, since scikit-learn takes a single class for a question of yes or no with two classes
    return float(np.mean([f1_score(*of_class, zero_division=0) for of_class in by_class]))
