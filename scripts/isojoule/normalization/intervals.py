"""How wide an interval around a prediction must be, so that it holds the energy with a stated probability.

Errors are logarithms, log(energy / prediction), so that an interval reaches from prediction / exp(half width) to
prediction x exp(half width). They are divided by the deviation that a Gaussian process expects, which is larger the
further a system lies from all that is known: so is the interval.
"""

import numpy as np
from scipy.stats import t as student

from isojoule.normalization.base import Values
from isojoule.normalization.shared import Evidenced, Tested

COVERAGE = 0.9
# errors of left out references are few: as many errors of this size, in deviations, are added to them
PRIOR_ERRORS, PRIOR_ERROR = 4, 0.8
# the user's GPU may differ from the study's other GPUs as much as these differ: with few of them, by more
FEWEST_OTHERS = 2
# one GPU in ten of the measured tables has references that disagree so many times as much as on the others
UNLIKE = 3.0
# references that disagree less than a fifth as much as on a single other GPU do so by luck
LEAST_SPREAD_RATIO = 0.2
# the energies of repeated runs differ by as much: where all errors are smaller, that is luck
LEAST_HALF_WIDTH = 0.02
# an interval up to a million times the prediction says that nothing is known, and is still a number
MOST_HALF_WIDTH = float(np.log(1e6))


def half_width(errors: Values, coverage: float) -> tuple[float, str]:
    """Return half the width of an interval that holds a new error with the stated probability.

    With n errors it is the conformal quantile, the ceil((n + 1) coverage)-th smallest absolute error, where n is large
    enough for it: exact for exchangeable errors (Vovk, Gammerman and Shafer, "Algorithmic learning in a random world",
    2005). With fewer it is Student's t with n degrees of freedom, about 0, times sqrt(mean error^2 (1 + 1 / n)).

    Args:
        errors: errors of systems that the predictions did not know, (n,), with n above 0.
        coverage: probability, 0 to 1.

    Returns:
        half the width, in the unit of the errors, and the name of the statistic that it rests on.
    """
    count = len(errors)
    rank = int(np.ceil((count + 1) * coverage))
    if rank <= count:
        return float(np.sort(np.abs(errors))[rank - 1]), "conformal"
    spread = np.sqrt((errors**2).mean() * (1 + 1 / count))
    return float(student.ppf((1 + coverage) / 2, count) * spread), "Student's t"


def half_widths(evidenced: Evidenced, coverage: float = COVERAGE) -> tuple[Values | None, str]:
    """Return half the widths of the intervals around a prediction, and what they rest on.

    The errors on the study's other GPUs tell, if there are any. They do not tell how much worse the user's GPU may be
    than these: with g of them the half width is multiplied by 1 + 1 / g, but by no more than 1.5; and where the GPU is
    unlike them, by as much as it is. A single other GPU may itself be the one whose references disagree: where they
    disagree more on it than on the user's, or where the user's is unlike it, the half width is also multiplied by the
    square root of the ratio of both disagreements, half-way between the two. Without other GPUs the references tell
    that are left out one by one; they are so few that a prior belief in errors of 0.8 deviations counts as much as four
    of them.

    Args:
        evidenced: the prediction, with what it was tested on.
        coverage: probability, 0 to 1.

    Returns:
        half the width for every system, as a logarithm, (m,), or None where nothing tells it; and what it rests on.
    """
    others, of_references = evidenced.tested_on_others, evidenced.tested_on_references
    if others:
        errors = np.concatenate([_in_deviations(tested) for tested in others])
        half, statistic = half_width(errors, coverage)
        if len(others) > 1:
            half *= evidenced.spread_ratio if is_unlike(evidenced) else 1 + 1 / len(others)
        else:
            half *= 1 + 1 / FEWEST_OTHERS
            if is_unlike(evidenced) or evidenced.spread_ratio < 1:
                half *= max(evidenced.spread_ratio, LEAST_SPREAD_RATIO) ** 0.5
        gpus = "another GPU" if len(others) == 1 else f"{len(others)} other GPUs"
        basis = f"{statistic}, {len(errors)} errors of the same references on {gpus} of the study"
    elif of_references is not None:
        errors = _in_deviations(of_references)
        count = len(errors) + PRIOR_ERRORS
        mean_square = ((errors**2).sum() + PRIOR_ERRORS * PRIOR_ERROR**2) / count
        half = float(student.ppf((1 + coverage) / 2, count) * np.sqrt(mean_square * (1 + 1 / count)))
        basis = f"Student's t, {len(errors)} references between the ends left out one by one"
    else:
        return None, "none: fewer than 4 references, and no other GPU of the study has them and 5 systems more"
    return np.clip(half * evidenced.prediction.deviation, LEAST_HALF_WIDTH, MOST_HALF_WIDTH), basis


def is_unlike(evidenced: Evidenced) -> bool:
    """Say whether the references are so much at odds on the user's GPU that what holds on the others need not hold."""
    return evidenced.spread_ratio > UNLIKE


def _in_deviations(tested: Tested) -> Values:
    return tested.log_errors / tested.deviations
