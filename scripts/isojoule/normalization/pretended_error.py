"""References by the error that they would have left: each GPU of a study is treated as if it were the user's.

Axes of the arrays: s sets of references, r references of a set, m systems.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from isojoule.normalization import references
from isojoule.normalization.base import Values
from isojoule.normalization.corrected import LEAST_ERROR, line
from isojoule.normalization.pairs import Pair, typical_systems
from isojoule.normalization.references import RowNumbers
from isojoule.normalization.relative import RelativeRidge

NAME = "least-pretended-error"
# one of them is the target of the other
FEWEST_GPUS = 2


def least_pretended(study: Sequence[Pair], count: int) -> RowNumbers:
    """Choose the references whose normalized energies of all other systems would have been the least wrong.

    Every pair's source pretends to be the user's GPU. With p the geometric mean of the two-point line and the relative
    ridge, and t the energy on the pair's target, the references minimize the mean over all pairs of

        log(mean |log(p / t)| + 0.02),    over the systems that are no references.

    They begin as quantiles of energy and are exchanged one by one until nothing gets less wrong.

    Args:
        study: the ordered pairs of the known GPUs, all with the same systems in the same order, (m,).
        count: number of references.

    Returns:
        row numbers in ascending order, (r,).
    """
    systems = typical_systems([of_pair.systems for of_pair in study])
    # systems of equal energy are ordered by their names, so that the order of rows decides nothing
    order = np.lexsort((systems.index.astype(str), systems["energy_kwh"].to_numpy()))
    every = np.arange(len(order))
    with_target = []
    for of_pair in study:
        ridge = RelativeRidge().suited(of_pair.systems)
        assert ridge is not None, "the ridge needs the energy alone"
        with_target.append((ridge, ridge.matrix(of_pair.systems)[order], of_pair.target_kwh[order]))

    def pretended_error(kept: list[int]) -> Values:
        sets = np.column_stack([np.tile(np.array(kept, dtype=np.intp), (len(every), 1)), every])
        is_reference = (sets[:, :, None] == every).any(axis=1)
        errors = [_log_errors(*of_pair, sets, is_reference) for of_pair in with_target]
        mean = np.mean(errors, axis=0)
        return np.where(np.isfinite(mean), mean, np.inf)

    start = references.quantiles(systems["energy_kwh"].to_numpy()[order], count)
    return np.sort(order[references.exchanged(start.tolist(), 0, pretended_error)])


def _log_errors(
    ridge: RelativeRidge, systems: Values, target_kwh: Values, sets: RowNumbers, is_reference: NDArray[np.bool_]
) -> Values:
    """Return log(mean |log(p / t)| + 0.02) for each set, (s,); NaN where a set determines nothing.

    Args:
        ridge: the relative ridge on the columns of the systems.
        systems: columns of the systems, (m, c).
        target_kwh: their energies on the target in kWh, (m,).
        sets: row numbers of the references, (s, r).
        is_reference: which systems are references, (s, m).
    """
    arguments = systems[sets], target_kwh[sets], systems
    # a set with the same reference twice or with equal energies has no line
    with np.errstate(invalid="ignore", divide="ignore"):
        log_kwh = (np.log(line(*arguments)) + np.log(ridge.predictions(*arguments))) / 2
    errors = np.where(is_reference, 0, np.abs(log_kwh - np.log(target_kwh)))
    return np.asarray(np.log(errors.sum(axis=1) / (~is_reference).sum(axis=1) + LEAST_ERROR))
