"""Methods that minimize the error relative to each system's own energy: ridge regression, and a line on logarithms.

R2 and squared errors in kWh are decided by the two or three largest systems; relative errors are not.
"""

from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import clone

from isojoule.normalization.base import ENERGY, Normalization, Values, complete

RICH = (ENERGY, "duration_s", "flops", "params")
# no method of ours predicts less than this share of what the mean ratio says, where a line would go below 0
FLOOR = 0.02


class Shrinking(Normalization):
    """A method that a column more or less does not change in kind, and that two references determine."""

    @property
    def minimum_references(self) -> int:
        """Two: the prior determines the rest."""
        return 2

    def suited(self, systems: pd.DataFrame) -> Self:
        """The method on the energy, and those of its other columns that all systems have."""
        usable = tuple(name for name in self.columns if name == ENERGY or complete(systems, (name,)))
        suited: Self = clone(self).set_params(columns=usable)
        return suited


class RelativeRidge(Shrinking):
    """Least relative error on the energy, a constant and further columns, shrunk to a single ratio.

    Minimizes the mean of ((prediction - energy) / energy)^2 and a ridge on the coefficients of the scaled columns; the
    ratio of the energies itself is not shrunk.

    Args:
        columns: of `X`.
        ridge: weight of the squared coefficients; results are flat from 0.002 to 0.05.
        robust: Huber's weights, so that a slowed run counts less.
    """

    def __init__(self, columns: tuple[str, ...] = RICH, ridge: float = 0.02, robust: bool = False) -> None:
        super().__init__(columns)
        self.ridge = ridge
        self.robust = robust

    def suited(self, systems: pd.DataFrame) -> Self | None:  # type: ignore[override]
        """As always, but None where a column is missing that only this method would use."""
        own = tuple(name for name in self.columns if name not in RICH)
        return super().suited(systems) if complete(systems, own) else None

    def predictions(self, references: Values, target_kwh: Values, systems: Values) -> Values:
        """By the normal equations of all sets at once."""
        source = references[:, :, 0]
        inverse_ratio = source / target_kwh
        ratio = (inverse_ratio.sum(axis=1) / (inverse_ratio**2).sum(axis=1))[:, None]
        relative = _with_constant(references) / target_kwh[:, :, None]
        scale = np.sqrt((relative**2).mean(axis=1, keepdims=True))
        design, missing = relative / scale, 1 - ratio * inverse_ratio
        weights = np.ones_like(missing)
        for _ in range(20 if self.robust else 1):
            coefficients = self._solved(design, missing, weights)
            if self.robust:
                residual = np.abs(missing - (design @ coefficients[:, :, None])[:, :, 0])
                spread = 1.4826 * np.median(residual, axis=1, keepdims=True) + 1e-9
                weights = np.minimum(1, 1.345 * spread / np.maximum(residual, 1e-12))
        by_ratio = ratio * systems[:, 0]
        corrected = by_ratio + ((_with_constant(systems[None]) / scale) @ coefficients[:, :, None])[:, :, 0]
        return np.asarray(np.maximum(corrected, FLOOR * by_ratio))

    def _solved(self, design: Values, missing: Values, weights: Values) -> Values:
        weighted = design * weights[:, :, None]
        shrinkage = self.ridge * weights.sum(axis=1)[:, None, None] * np.eye(design.shape[2])
        gram = weighted.transpose(0, 2, 1) @ design + shrinkage
        return np.asarray(np.linalg.solve(gram, weighted.transpose(0, 2, 1) @ missing[:, :, None])[:, :, 0])


class LogLine(Normalization):
    """Least squares on logarithms: a power law of the energy on the source, of exponent 0 to 2."""

    def predictions(self, references: Values, target_kwh: Values, systems: Values) -> Values:
        """By the slopes of all sets at once."""
        logs, targets = np.log(references[:, :, 0]), np.log(target_kwh)
        center, level = logs.mean(axis=1, keepdims=True), targets.mean(axis=1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            slope = ((logs - center) * (targets - level)).sum(axis=1) / ((logs - center) ** 2).sum(axis=1)
        # two references of nearly the same energy would give any slope
        slope = np.clip(slope, 0, 2)
        return np.asarray(np.exp(level + slope[:, None] * (np.log(systems[:, 0]) - center)))


def _with_constant(columns: Values) -> Values:
    return np.concatenate([np.ones((*columns.shape[:-1], 1)), columns], axis=-1)
