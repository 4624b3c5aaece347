"""How much of the space of objectives the models dominate, and how much of that is due to each of them.

With A the set of models and r the reference point, the corner of no worth, the hypervolume is

    H(A) = volume of the union over a in A of the boxes [a, r],

and the contribution of model a is H(A) - H(A without a). Zitzler and Thiele, "Multiobjective evolutionary algorithms: a
comparative case study and the strength Pareto approach", 1999.

Axes of the arrays: m models, o objectives.
"""

from dataclasses import dataclass

import moocore
import numpy as np
from numpy.typing import NDArray

from isojoule.pareto.dominance import Values

# the reference point lies this share of the range beyond the worst value, so that the ends of the front count as well
MARGIN = 0.1


@dataclass(frozen=True)
class Box:
    """The part of the space of objectives in which volume is measured.

    Attributes:
        best: least cost of all models, (o,).
        reference: costs of the corner of no worth, (o,).
        logarithmic: whether an objective is measured in decades, (o,); all costs of such an objective are above 0.
    """

    best: Values
    reference: Values
    logarithmic: NDArray[np.bool_]

    def scaled(self, costs: Values) -> Values:
        """Scale costs, (m, o), so that the best one is 0 and the reference 1.

        Where best and reference are equal, costs up to them become 0 and higher ones 1.
        """
        low, high, lengths = self._lengths(self.best), self._lengths(self.reference), self._lengths(costs)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(high > low, (lengths - low) / (high - low), np.where(lengths > high, 1.0, 0.0))

    def _lengths(self, costs: Values) -> Values:
        # a maximized objective comes as negative costs: it is never logarithmic
        return np.log10(costs, where=self.logarithmic, out=np.array(costs, dtype=np.float64))


def box(costs: Values, logarithmic: NDArray[np.bool_]) -> Box:
    """Choose the box of these models: its reference lies a tenth of the range beyond the worst of them.

    With w the worst and b the best cost the reference is w + 0.1 (w - b), or w (w / b)^0.1 in decades.

    Args:
        costs: (m, o).
        logarithmic: whether an objective is measured in decades, (o,).
    """
    best, worst = costs.min(axis=0), costs.max(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        reference = np.where(logarithmic, worst * (worst / best) ** MARGIN, worst + MARGIN * (worst - best))
    return Box(best, reference, logarithmic)


def hypervolume(costs: Values, within: Box) -> tuple[float, Values]:
    """Compute the share of the box that the models dominate, and the contribution of each model.

    Both are exact (moocore, after Fonseca, Paquete and Lopez-Ibanez, "An improved dimension-sweep algorithm for the
    hypervolume indicator", 2006). Models with the same costs contribute nothing, since each could be left out.

    Args:
        costs: (m, o).
        within: the box.

    Returns:
        the share, 0 to 1, and the contributions, (m,).
    """
    scaled = np.ascontiguousarray(within.scaled(costs))
    if scaled.shape[1] == 1:
        # moocore needs two objectives: a second one in which all models are best changes no share
        scaled = np.column_stack([scaled, np.zeros(len(scaled))])
    reference = np.ones(scaled.shape[1])
    contributions = moocore.hv_contributions(scaled, ref=reference, ignore_dominated=False)
    return float(moocore.hypervolume(scaled, ref=reference)), np.asarray(contributions)
