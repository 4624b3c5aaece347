"""What predictions leave over, learned on the user's references and on all systems of the study's other GPUs.

Axes of the arrays:

    r: references    m: systems to predict    n: other systems of another GPU    c: columns    f: features
    x, z: everything that is learned from, the references of the user's GPU first

A baseline u predicts the energy t on the target. What it leaves over, y = log t - u, is a Gaussian process. With g(x)
the GPU of x and f the number of features, its covariance of two entries is

    k(x, z) (1 + 0.1 [g(x) = g(z)]) + 0.03 [x = z],    k(x, z) = 1 + x.z / f + exp(-|x - z|^2 / 2f),            (a)

so that the GPUs have most of it in common, but not all: a hierarchical model (Gelman et al., "Bayesian data analysis",
3rd edition, 2013, chapter 5). Kernels and predictions are those of Rasmussen and Williams, "Gaussian processes for
machine learning", 2006, equations (2.25) and (2.26) and section 4.2.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotri

from isojoule.normalization.base import Values
from isojoule.normalization.corrected import described, fences

# share of the covariance that is a GPU's own, and the variance of what no covariance explains
OWN_SHARE, NOISE = 0.1, 0.03
# where a logarithm is nearly the same in all systems, a little more of it is not far beyond them
LEAST_SCALE = 0.1
# systems are left out in so many parts
PARTS = 5


class OtherGpu(NamedTuple):
    """Another GPU of the study, with the same target.

    Attributes:
        references: columns of the references on this GPU, in the order of the user's, (r, c).
        systems: columns of further systems on this GPU, (n, c).
        target_kwh: energies of these systems on the target in kWh, (n,).
    """

    references: Values
    systems: Values
    target_kwh: Values


class LeftOver(NamedTuple):
    """What a baseline is expected to leave over of log energy.

    Attributes:
        mean: (m,).
        deviation: standard deviation about the mean, (m,): noise is in it, and how far a system lies beyond all others.
    """

    mean: Values
    deviation: Values


class SharedProcess:
    """The Gaussian process, given what it learns from.

    Args:
        references: columns of the references on the user's GPU, (r, c).
        left_over: y of these references, (r,).
        others: other GPUs; without any, the process learns from the references alone.
        left_over_on_others: y of the references and then of the systems of each of these GPUs, (r + n,), with the
            baseline that its references give.
    """

    def __init__(
        self,
        references: Values,
        left_over: Values,
        others: Sequence[OtherGpu] = (),
        left_over_on_others: Sequence[Values] = (),
    ) -> None:
        count = len(references)
        self._center = described(references).mean(axis=0)
        centered_on_others = [
            described(np.concatenate([other.references, other.systems])) - described(other.references).mean(axis=0)
            for other in others
        ]
        pooled = np.concatenate(centered_on_others or [described(references) - self._center])
        self._low, self._high = fences(pooled)
        scale = pooled.std(axis=0)
        self._scale = np.where(scale > 1e-9, scale, np.inf)
        self._scale_beyond = np.maximum(scale, LEAST_SCALE)
        centered = np.concatenate([described(references) - self._center, *centered_on_others])
        self._features = self._standardized(centered)
        self._squared_distances_beyond = self._squared_distance_beyond(centered)
        self._left_over = np.concatenate([left_over, *left_over_on_others])
        # the user's GPU is number 0; references are in part -1, which is never left out
        self._gpu = np.repeat(np.arange(len(others) + 1), [count, *map(len, centered_on_others)])
        self._part = np.full(len(self._gpu), -1)
        for number, part in enumerate(parts([other.target_kwh for other in others])):
            self._part[np.flatnonzero(self._gpu == number + 1)[count:]] = part
        self._covariance = kernel(self._features, self._features)
        self._covariance *= 1 + OWN_SHARE * (self._gpu[:, None] == self._gpu)
        self._inverse = _inverse(self._covariance + NOISE * np.eye(len(self._gpu)))

    def of(self, systems: Values) -> LeftOver:
        """Predict for systems on the user's GPU, by their columns, (m, c)."""
        centered = described(systems) - self._center
        features = self._standardized(centered)
        covariances = kernel(features, self._features) * (1 + OWN_SHARE * (self._gpu == 0))
        variances = (1 + OWN_SHARE) * (2 + (features**2).mean(axis=1))
        solved = covariances @ self._inverse
        explained = np.einsum("mx,mx->m", covariances, solved)
        beyond = self._squared_distance_beyond(centered)
        return LeftOver(solved @ self._left_over, _deviation(variances, explained, beyond))

    def of_other(self, number: int) -> LeftOver:
        """Predict for the systems of another GPU, (n,), as if it were the user's and as if no GPU knew these systems.

        Args:
            number: number of the other GPU, from 0.
        """
        is_asked = (self._gpu == number + 1) & (self._part >= 0)
        asked, known = np.flatnonzero(is_asked), np.flatnonzero(~is_asked)
        covariances = self._covariance[np.ix_(asked, known)]
        inverse = _inverse_without(self._inverse, known, asked)
        solved = covariances @ inverse
        mean, explained = solved @ self._left_over[known], np.einsum("mx,mx->m", covariances, solved)
        solved_left_over = inverse @ self._left_over[known]
        # a part is left out as in `_inverse_without`, but for the few systems that are asked for alone
        for part in range(PARTS):
            away, of_part = np.flatnonzero(self._part[known] == part), np.flatnonzero(self._part[asked] == part)
            solved_away = solved[np.ix_(of_part, away)]
            right = np.column_stack([solved_left_over[away], solved_away.T])
            corrections = np.linalg.solve(inverse[np.ix_(away, away)], right)
            mean[of_part] -= solved_away @ corrections[:, 0]
            explained[of_part] -= np.einsum("mx,xm->m", solved_away, corrections[:, 1:])
        variances = self._covariance[asked, asked]
        return LeftOver(mean, _deviation(variances, explained, self._squared_distances_beyond[asked]))

    def _standardized(self, centered: Values) -> Values:
        """Divide by the scale, but move outliers to the fences of a boxplot, as `corrected.features` does."""
        return np.asarray(np.clip(centered, self._low, self._high) / self._scale)

    def _squared_distance_beyond(self, centered: Values) -> Values:
        """Return how far systems, (m, f), lie beyond the fences, in squared standard deviations, (m,)."""
        beyond = (centered - np.clip(centered, self._low, self._high)) / self._scale_beyond
        return np.asarray((beyond**2).mean(axis=1))


def parts(targets_kwh: Sequence[Values]) -> list[NDArray[np.intp]]:
    """Divide the systems of several GPUs into parts, each of which has small and large ones.

    Args:
        targets_kwh: energies of the systems on the target, by which they are known, (n,) for each GPU.

    Returns:
        the number of its part, 0 to 4, for every system of every GPU.
    """
    every_energy = np.unique(np.concatenate([np.empty(0), *targets_kwh]))
    return [np.searchsorted(every_energy, target_kwh) % PARTS for target_kwh in targets_kwh]


def _inverse(covariance: Values) -> Values:
    """Return the inverse of a covariance, (x, x), by its Cholesky factor: half the time of a general inverse."""
    factor, _ = dpotrf(covariance.T, clean=True)
    inverse, _ = dpotri(factor, overwrite_c=True)
    # LAPACK fills the upper triangle alone
    inverse += inverse.T
    inverse[np.diag_indices_from(inverse)] /= 2
    return np.asarray(inverse, dtype=np.float64)


def _inverse_without(inverse: Values, kept: NDArray[np.intp], away: NDArray[np.intp]) -> Values:
    """Return the inverse of a covariance without some entries, from its inverse M with them.

    It is M_kk - M_ka (M_aa)^-1 M_ak, by the inverse of a partitioned matrix: Rasmussen and Williams, section A.3.

    Args:
        inverse: M, (x, x).
        kept: numbers of the entries that are kept, k.
        away: numbers of all others, a.
    """
    between = inverse[np.ix_(away, kept)]
    return np.asarray(inverse[np.ix_(kept, kept)] - between.T @ np.linalg.solve(inverse[np.ix_(away, away)], between))


def _deviation(variances: Values, explained: Values, squared_distances_beyond: Values) -> Values:
    """Return the standard deviation that is left of variances when what is known explains a part of them, all (m,)."""
    return np.asarray(np.sqrt(np.maximum(variances - explained, 0) + NOISE + squared_distances_beyond))


def kernel(first: Values, second: Values) -> Values:
    """Compute k of equation (a) for features (x, f) and (z, f): (x, z)."""
    products = first @ second.T
    squared_distances = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1) - 2 * products
    count = first.shape[1]
    return np.asarray(1 + products / count + np.exp(-np.maximum(squared_distances, 0) / (2 * count)))
