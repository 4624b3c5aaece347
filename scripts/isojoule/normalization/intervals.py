"""How wide an interval around a prediction must be, so that it holds the energy with a stated probability.

Errors are logarithms, log(energy / prediction), so that an interval reaches from prediction / exp(half width) to
prediction x exp(half width).
"""

import numpy as np
import pandas as pd
from scipy.stats import t as student

from isojoule.errors import InputError
from isojoule.normalization.base import Values
from isojoule.normalization.corrected import FEWEST_TO_CORRECT, Corrected
from isojoule.normalization.pairs import pair

COVERAGE = 0.9
# with so many errors the conformal quantile of this coverage exists
FEWEST_ERRORS = 9
# from so many GPUs on, the errors on all of them together tell what to expect on another one
ENOUGH_GPUS = 5
# references that fit each other better than this do so by luck: the energies of repeated runs differ by as much
REPEAT_SPREAD = 0.02


def half_width(log_errors: Values, coverage: float) -> tuple[float, str]:
    """Return half the width of an interval that holds a new error with the stated probability.

    With n errors it is the conformal quantile, the ceil((n + 1) coverage)-th smallest absolute error, where n is large
    enough for it: exact for exchangeable errors (Vovk, Gammerman and Shafer, "Algorithmic learning in a random world",
    2005). With fewer it is Student's t with n degrees of freedom, about 0, times sqrt(mean error^2 (1 + 1 / n)).

    Args:
        log_errors: errors of systems that the predictions did not know, (n,), with n above 0.
        coverage: probability, 0 to 1.

    Returns:
        half the width, as a logarithm, and the name of the statistic that it rests on.
    """
    count = len(log_errors)
    rank = int(np.ceil((count + 1) * coverage))
    if rank <= count:
        return float(np.sort(np.abs(log_errors))[rank - 1]), "conformal"
    spread = np.sqrt((log_errors**2).mean() * (1 + 1 / count))
    return float(student.ppf((1 + coverage) / 2, count) * spread), "Student's t"


def half_width_for_user(
    frame: pd.DataFrame, phase: str, target: str, method: Corrected, own_gpu: pd.DataFrame, target_kwh: Values
) -> tuple[float | None, str]:
    """Return half the width of the interval around the energy of a user's system on the target.

    The study's other GPUs show how wrong this method is with these references. Where the references fit each other
    worse or better on the user's GPU than on those, the interval is so much wider or narrower. If the study has only a
    few other GPUs, the worst of them counts; if it has one or none, the user's own references count as well, left out
    one by one.

    Args:
        frame: the study's table of measurements.
        phase: `train` or `test`.
        target: GPU of the study.
        method: the method, on the columns that it uses.
        own_gpu: the references as measured on the user's GPU, by name, (r,).
        target_kwh: energies of the references on the target in kWh, (r,).

    Returns:
        half the width, as a logarithm, or None where nothing tells it; and what it rests on.
    """
    names, references = list(own_gpu.index), method.matrix(own_gpu)
    other_gpus = [gpu for gpu in frame.loc[frame["phase"] == phase, "gpu"].unique() if gpu != target]
    errors_on_gpus = [_errors_on(gpu, frame, phase, target, method, names) for gpu in other_gpus]
    errors_by_gpu = [errors for errors in errors_on_gpus if errors is not None]
    candidates = []
    if (count := sum(map(len, errors_by_gpu))) >= FEWEST_ERRORS:
        # the user's GPU may be as bad as the worst of a few
        groups = errors_by_gpu if len(errors_by_gpu) < ENOUGH_GPUS else [np.concatenate(errors_by_gpu)]
        half, statistic = max(half_width(errors, COVERAGE) for errors in groups)
        basis = f"{statistic}, {count} errors of the same references on the study's other GPUs"
        candidates.append((half * _spread(method, references, target_kwh), basis))
    if len(names) >= FEWEST_TO_CORRECT and len(errors_by_gpu) < 2:
        half, statistic = half_width(method.left_out(references, target_kwh), COVERAGE)
        candidates.append((half, f"{statistic}, {len(names) - 2} references between the ends left out one by one"))
    if not candidates:
        return None, "none: fewer than 4 references, and too few systems on the study's other GPUs"
    return max(candidates)


def _errors_on(
    gpu: str, frame: pd.DataFrame, phase: str, target: str, method: Corrected, names: list[str]
) -> Values | None:
    """Return the errors on a GPU of the study, in units of the spread of its references.

    They are the errors of all systems but the references, or None where the GPU lacks a reference, any other system, or
    a column of the method.
    """
    try:
        both = pair(frame, phase, gpu, target)
    except InputError:
        return None
    is_reference = both.systems.index.isin(names)
    if is_reference.sum() < len(names) or is_reference.all():
        return None
    suited = method.suited(both.systems)
    references = suited.matrix(both.systems.loc[names])
    if suited.columns != method.columns or not suited.determined(references[None])[0]:
        return None
    target_kwh = pd.Series(both.target_kwh, index=both.systems.index)[names].to_numpy()
    predicted_kwh = suited.predictions(references[None], target_kwh[None], suited.matrix(both.systems))[0]
    log_errors = np.log(both.target_kwh / predicted_kwh)[~is_reference]
    return np.asarray(log_errors / _spread(suited, references, target_kwh))


def _spread(method: Corrected, references: Values, target_kwh: Values) -> float:
    """Return how well the references fit each other, as a logarithm; 1 where there are too few to tell."""
    if len(target_kwh) < FEWEST_TO_CORRECT:
        return 1.0
    log_errors = method.left_out(references, target_kwh)
    return float(np.hypot(np.sqrt((log_errors**2).mean()), REPEAT_SPREAD))
