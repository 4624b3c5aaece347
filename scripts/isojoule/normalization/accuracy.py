"""How far predictions are from the truth: the published errors, and those that a user of one system cares for."""

import numpy as np
from numpy.typing import NDArray

from isojoule.pareto.dominance import optimal

Values = NDArray[np.float64]

ERRORS = ("r2", "mse_kwh2", "mdape_percent", "ape90_percent", "log_rmse", "kendall_tau", "front_jaccard")


def errors(truth_kwh: Values, predicted_kwh: Values, quality: Values | None = None) -> dict[str, Values]:
    """Every error of the predictions, for many sets of predictions at once.

    Args:
        truth_kwh: measured energies on the target, (n,), above 0.
        predicted_kwh: (..., n); a prediction of 0 or less counts as it is, but in log_rmse as a thousandth of the
            truth.
        quality: of the systems, more is better, (n,).

    Returns:
        arrays (...,): `r2` (negative where the mean would be better; nan for fewer than two systems or identical ones),
        `mse_kwh2`, `mdape_percent` (median absolute percentage error), `ape90_percent` (its 90th percentile),
        `log_rmse`, `kendall_tau` (tau-b of the ranking; nan where the truth or the predictions are all alike),
        `front_jaccard` (members of the quality-energy front in common with the true one, of all that are on either;
        nan without quality).
    """
    residual = predicted_kwh - truth_kwh
    spread = float(np.sum((truth_kwh - truth_kwh.mean()) ** 2))
    relative = 100 * np.abs(residual) / truth_kwh
    logs = np.log(np.maximum(predicted_kwh, truth_kwh / 1000) / truth_kwh)
    squares = (residual**2).sum(axis=-1)
    return {
        "r2": 1 - squares / spread if spread > 0 else np.full_like(squares, np.nan),
        "mse_kwh2": (residual**2).mean(axis=-1),
        "mdape_percent": np.median(relative, axis=-1),
        "ape90_percent": np.percentile(relative, 90, axis=-1),
        "log_rmse": np.sqrt((logs**2).mean(axis=-1)),
        "kendall_tau": _kendall_tau(truth_kwh, predicted_kwh),
        "front_jaccard": np.full_like(squares, np.nan)
        if quality is None
        else _jaccard(truth_kwh, predicted_kwh, quality),
    }


def _jaccard(truth_kwh: Values, predicted_kwh: Values, quality: Values) -> Values:
    true, predicted = (
        optimal(np.stack(np.broadcast_arrays(kwh, -quality), axis=-1)) for kwh in (truth_kwh, predicted_kwh)
    )
    return np.asarray((true & predicted).sum(axis=-1) / (true | predicted).sum(axis=-1))


def _kendall_tau(truth_kwh: Values, predicted_kwh: Values) -> Values:
    above = np.triu_indices(truth_kwh.shape[-1], 1)
    true, predicted = (np.sign(values[..., above[0]] - values[..., above[1]]) for values in (truth_kwh, predicted_kwh))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(
            (true * predicted).sum(axis=-1) / np.sqrt((true**2).sum(axis=-1) * (predicted**2).sum(axis=-1))
        )
