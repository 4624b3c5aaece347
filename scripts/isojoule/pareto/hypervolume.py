"""How much of the space of objectives a front covers, and each model's part of it."""

from dataclasses import dataclass

import moocore
import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

# beyond the worst value by this share of the range, so that the ends of the front count as well
MARGIN = 0.1


@dataclass(frozen=True)
class Box:
    """The part of the space of objectives in which volume is measured.

    Attributes:
        best: of all models, (objectives,), as costs.
        reference: the corner of no worth, (objectives,), as costs.
        logarithmic: whether an objective is measured in decades, (objectives,); its values are all above 0.
    """

    best: Values
    reference: Values
    logarithmic: NDArray[np.bool_]

    def scaled(self, costs: Values) -> Values:
        """Costs in parts of the box: 0 at the best model, 1 at the reference; 0 for an objective without range."""
        low, high, values = self._lengths(self.best), self._lengths(self.reference), self._lengths(costs)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(high > low, (values - low) / (high - low), np.where(values > high, 1.0, 0.0))

    def _lengths(self, costs: Values) -> Values:
        # maximized objectives come as negative costs: they are never logarithmic
        return np.log10(costs, where=self.logarithmic, out=np.array(costs, dtype=np.float64))


def box(costs: Values, logarithmic: NDArray[np.bool_]) -> Box:
    """The box of these models: its reference is a tenth of the range, or of its decades, beyond the worst of them.

    Args:
        costs: (models, objectives), less is better.
        logarithmic: (objectives,).
    """
    best, worst = costs.min(axis=0), costs.max(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        beyond = np.where(logarithmic, worst * (worst / best) ** MARGIN, worst + MARGIN * (worst - best))
    return Box(best, beyond, logarithmic)


def hypervolume(costs: Values, inside: Box) -> tuple[float, Values]:
    """The share of the box that the models dominate, and the part of it that is each model's alone.

    Exact (moocore, after Fonseca, Paquete and Lopez-Ibanez, "An improved dimension-sweep algorithm for the
    hypervolume indicator", 2006). Models with the same values share their part, so that none has it alone.

    Args:
        costs: (models, objectives), less is better.
        inside: the box.

    Returns:
        the share, 0 to 1, and the parts, (models,).
    """
    scaled = np.ascontiguousarray(inside.scaled(costs))
    if scaled.shape[1] == 1:
        # moocore wants two: a second one in which all are best changes no share
        scaled = np.column_stack([scaled, np.zeros(len(scaled))])
    corner = np.ones(scaled.shape[1])
    parts = moocore.hv_contributions(scaled, ref=corner, ignore_dominated=False)
    return float(moocore.hypervolume(scaled, ref=corner)), np.asarray(parts)
