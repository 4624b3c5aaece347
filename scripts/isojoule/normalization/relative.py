"""Methods that minimize the error relative to each system's own energy: ridge regression, and a line on logarithms.

The two or three largest systems decide R2 and squared errors in kWh; they do not decide relative errors.

Axes of the arrays: s sets of references, r references of a set, m systems, c columns, the constant 1 being the first.
"""

from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import clone

from isojoule.normalization.base import ENERGY, Normalization, Values, complete

SYSTEM_COLUMNS = (ENERGY, "duration_s", "flops", "params")
# no method of ours predicts less than this share of what the mean ratio predicts, where a line would go below 0
LOWEST_SHARE_OF_RATIO = 0.02
# Huber's constant for 95 % efficiency at normal errors, and the normal standard deviation per median absolute deviation
HUBER_CONSTANT, DEVIATION_PER_MAD = 1.345, 1.4826


class Regularized(Normalization):
    """A method whose prior replaces what is not known: it needs two references, and may do without some columns."""

    @property
    def minimum_references(self) -> int:
        """Two references, since the prior determines the rest."""
        return 2

    def suited(self, systems: pd.DataFrame) -> Self:
        """Return the method on the energy and on those of its other columns that all systems have."""
        usable = tuple(name for name in self.columns if name == ENERGY or complete(systems, (name,)))
        suited: Self = clone(self).set_params(columns=usable)
        return suited


class RelativeRidge(Regularized):
    """Least relative error on the energy, a constant and further columns, shrunk to a single ratio of energies.

    With e_r and t_r the energies of reference r on source and target, and w_r its weight, the ratio q minimizes
    sum_r (q e_r / t_r - 1)^2. The coefficients k of the columns x_rc, each divided by t_r and by its scale, minimize

        sum_r w_r (q e_r / t_r + sum_c a_rc k_c - 1)^2 + ridge sum_r w_r |k|^2,    a_rc = x_rc / (t_r scale_c),

    and the prediction is q e + sum_c x_c k_c / scale_c. The ratio itself is not shrunk. Ridge regression: Hastie,
    Tibshirani and Friedman, "The elements of statistical learning", 2nd edition, section 3.4.1, equation (3.44).

    Args:
        columns: columns of `X`, the energy first.
        ridge: weight of the squared coefficients; the error hardly depends on it from 0.002 to 0.05.
        robust: whether references count by Huber's weights, so that a slowed run counts less.
    """

    def __init__(self, columns: tuple[str, ...] = SYSTEM_COLUMNS, ridge: float = 0.02, robust: bool = False) -> None:
        super().__init__(columns)
        self.ridge = ridge
        self.robust = robust

    def suited(self, systems: pd.DataFrame) -> Self | None:  # type: ignore[override]
        """Return the method on the columns that all systems have, or None where they lack one beyond `SYSTEM_COLUMNS`.

        Without such a column, this method would only be another name for the one on `SYSTEM_COLUMNS`.
        """
        further = tuple(name for name in self.columns if name not in SYSTEM_COLUMNS)
        return super().suited(systems) if complete(systems, further) else None

    def predictions(self, references: Values, target_kwh: Values, systems: Values) -> Values:
        """Predict by the normal equations of all sets at once; shapes as in the base class."""
        source_per_target = references[:, :, 0] / target_kwh
        ratio = (source_per_target.sum(axis=1) / (source_per_target**2).sum(axis=1))[:, None]
        relative_columns = _with_constant(references) / target_kwh[:, :, None]
        scale = np.sqrt((relative_columns**2).mean(axis=1, keepdims=True))
        design, unexplained = relative_columns / scale, 1 - ratio * source_per_target
        coefficients = self._robust(design, unexplained) if self.robust else self._ridge(design, unexplained)
        ratio_kwh = ratio * systems[:, 0]
        correction_kwh = ((_with_constant(systems[None]) / scale) @ coefficients[:, :, None])[:, :, 0]
        return np.asarray(np.maximum(ratio_kwh + correction_kwh, LOWEST_SHARE_OF_RATIO * ratio_kwh))

    def _ridge(self, design: Values, unexplained: Values, weights: Values | None = None) -> Values:
        """Solve (A'WA + ridge sum(w) I) k = A'Wy for k, (s, c).

        Args:
            design: A, (s, r, c).
            unexplained: y, (s, r).
            weights: the diagonal of W, (s, r); by default all are 1.
        """
        if weights is None:
            weights = np.ones_like(unexplained)
        weighted = design * weights[:, :, None]
        shrinkage = self.ridge * weights.sum(axis=1)[:, None, None] * np.eye(design.shape[2])
        gram = weighted.transpose(0, 2, 1) @ design + shrinkage
        return np.asarray(np.linalg.solve(gram, weighted.transpose(0, 2, 1) @ unexplained[:, :, None])[:, :, 0])

    def _robust(self, design: Values, unexplained: Values) -> Values:
        """Solve as `_ridge` does, with weights min(1, 1.345 spread / |residual|) that are found by 20 iterations.

        Huber, "Robust estimation of a location parameter", 1964; Holland and Welsch, "Robust regression using
        iteratively reweighted least-squares", 1977.
        """
        coefficients = self._ridge(design, unexplained)
        for _ in range(19):
            residual = np.abs(unexplained - (design @ coefficients[:, :, None])[:, :, 0])
            spread = DEVIATION_PER_MAD * np.median(residual, axis=1, keepdims=True) + 1e-9
            weights = np.minimum(1, HUBER_CONSTANT * spread / np.maximum(residual, 1e-12))
            coefficients = self._ridge(design, unexplained, weights)
        return coefficients


class LogLine(Normalization):
    """Least squares on logarithms: the energy on the target is a power of that on the source, of exponent 0 to 2."""

    def predictions(self, references: Values, target_kwh: Values, systems: Values) -> Values:
        """Predict by log p = mean(log t) + slope (log e - mean(log e)); shapes as in the base class.

        Here e are energies on the source and t those of the references on the target; slope = sum de dt / sum de^2,
        with de and dt the deviations of the references' logarithms from their mean.
        """
        log_source, log_target = np.log(references[:, :, 0]), np.log(target_kwh)
        mean_source, mean_target = log_source.mean(axis=1, keepdims=True), log_target.mean(axis=1, keepdims=True)
        deviation = log_source - mean_source
        with np.errstate(invalid="ignore", divide="ignore"):
            slope = (deviation * (log_target - mean_target)).sum(axis=1) / (deviation**2).sum(axis=1)
        # two references of nearly the same energy would give any slope
        slope = np.clip(slope, 0, 2)
        return np.asarray(np.exp(mean_target + slope[:, None] * (np.log(systems[:, 0]) - mean_source)))


def _with_constant(columns: Values) -> Values:
    return np.concatenate([np.ones((*columns.shape[:-1], 1)), columns], axis=-1)
