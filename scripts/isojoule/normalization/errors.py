"""How far predictions are from the truth: the published errors, and those that a user of one system cares for."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau

Values = NDArray[np.float64]


def errors(truth_kwh: Values, predicted_kwh: Values) -> dict[str, float]:
    """Every error of the predictions.

    Args:
        truth_kwh: measured energies on the target, (n,), above 0.
        predicted_kwh: (n,); a prediction of 0 or less counts as it is, but in log_rmse as a thousandth of the truth.

    Returns:
        `r2` (negative where the mean would be better; nan for fewer than two systems or identical ones), `mse_kwh2`,
        `mdape_percent` (median absolute percentage error), `ape90_percent` (its 90th percentile), `log_rmse`,
        `kendall_tau` (of the ranking; nan for fewer than two systems).
    """
    residual = predicted_kwh - truth_kwh
    spread = float(np.sum((truth_kwh - truth_kwh.mean()) ** 2))
    relative = 100 * np.abs(residual) / truth_kwh
    logs = np.log(np.maximum(predicted_kwh, truth_kwh / 1000) / truth_kwh)
    return {
        "r2": 1 - float(np.sum(residual**2)) / spread if spread > 0 else float("nan"),
        "mse_kwh2": float(np.mean(residual**2)),
        "mdape_percent": float(np.median(relative)),
        "ape90_percent": float(np.percentile(relative, 90)),
        "log_rmse": float(np.sqrt(np.mean(logs**2))),
        "kendall_tau": float(kendalltau(truth_kwh, predicted_kwh).statistic) if len(truth_kwh) > 1 else float("nan"),
    }
