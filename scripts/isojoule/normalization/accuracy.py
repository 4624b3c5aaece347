"""How far predictions are from the truth: the published errors, and those that matter to a user who has one system.

Axes of the arrays: ... sets of predictions, m systems, p pairs of systems.
"""

import numpy as np

from isojoule.normalization.base import Values
from isojoule.pareto.dominance import optimal

ERRORS = ("r2", "mse_kwh2", "mdape_percent", "ape90_percent", "log_rmse", "kendall_tau", "front_jaccard")


def errors(truth_kwh: Values, predicted_kwh: Values, quality: Values | None = None) -> dict[str, Values]:
    """Compute every error of the predictions, for many sets of predictions at once.

    With t the true energies and p the predicted ones:

    - `r2` is 1 - sum (p - t)^2 / sum (t - mean t)^2. It is negative where the mean would predict better, and NaN for
      fewer than two systems or identical ones.
    - `mse_kwh2` is the mean of (p - t)^2.
    - `mdape_percent` and `ape90_percent` are the median and the 90th percentile of 100 |p - t| / t.
    - `log_rmse` is the root of the mean of log(p / t)^2, in which p counts as at least t / 1000.
    - `kendall_tau` is Kendall's tau-b of the two rankings; it is NaN where all energies are equal.
    - `front_jaccard` is the number of systems on both the true and the predicted front of quality and energy, divided
      by the number of those on either; it is NaN without a quality.

    Args:
        truth_kwh: measured energies on the target in kWh, (m,), above 0.
        predicted_kwh: predicted energies in kWh, (..., m); they may be 0 or less.
        quality: quality of the systems, of which more is better, (m,).

    Returns:
        an array (...,) for each of these names.
    """
    errors_kwh = predicted_kwh - truth_kwh
    errors_percent = 100 * np.abs(errors_kwh) / truth_kwh
    log_ratios = np.log(np.maximum(predicted_kwh, truth_kwh / 1000) / truth_kwh)
    squared_errors = (errors_kwh**2).sum(axis=-1)
    squared_deviations = float(np.sum((truth_kwh - truth_kwh.mean()) ** 2))
    unknown = np.full_like(squared_errors, np.nan)
    return {
        "r2": 1 - squared_errors / squared_deviations if squared_deviations > 0 else unknown,
        "mse_kwh2": (errors_kwh**2).mean(axis=-1),
        "mdape_percent": np.median(errors_percent, axis=-1),
        "ape90_percent": np.percentile(errors_percent, 90, axis=-1),
        "log_rmse": np.sqrt((log_ratios**2).mean(axis=-1)),
        "kendall_tau": _kendall_tau(truth_kwh, predicted_kwh),
        "front_jaccard": unknown if quality is None else _front_jaccard(truth_kwh, predicted_kwh, quality),
    }


def _front_jaccard(truth_kwh: Values, predicted_kwh: Values, quality: Values) -> Values:
    on_true_front, on_predicted_front = (
        optimal(np.stack(np.broadcast_arrays(energy_kwh, -quality), axis=-1))
        for energy_kwh in (truth_kwh, predicted_kwh)
    )
    on_both, on_either = on_true_front & on_predicted_front, on_true_front | on_predicted_front
    return np.asarray(on_both.sum(axis=-1) / on_either.sum(axis=-1))


def _kendall_tau(truth_kwh: Values, predicted_kwh: Values) -> Values:
    """Compute tau-b = sum_p a_p b_p / sqrt(sum_p a_p^2 sum_p b_p^2), with a and b the signs of all differences.

    Kendall, "The treatment of ties in ranking problems", 1945.
    """
    first, second = np.triu_indices(truth_kwh.shape[-1], 1)
    true_signs, predicted_signs = (
        np.sign(energy_kwh[..., first] - energy_kwh[..., second]) for energy_kwh in (truth_kwh, predicted_kwh)
    )
    different = np.count_nonzero(true_signs) * np.count_nonzero(predicted_signs, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(predicted_signs @ true_signs / np.sqrt(different))
