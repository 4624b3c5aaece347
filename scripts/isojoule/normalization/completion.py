"""A new GPU on which the references alone were measured: what do all other systems of a study use there?

Axes of the arrays:

    g: GPUs of the study    m: systems, the references among them    r: references    c: columns

There are two predictions of log energy on the new GPU. One is the mean of what `Corrected` predicts from every GPU. The
other takes u, the mean over the GPUs, moved to the level of the references, and learns on these how the new GPU departs
from it. With d_g(x) how far GPU g departs from u at system x, but for its mean over all systems, and k the kernel of
`shared_process`, the departure is a Gaussian process of covariance

    10 + 0.5 sum_g d_g(x) d_g(z) / (g - 1) + 0.1 k(x, z) + 0.01 [x = z]:                           (a)

a factor that all systems have in common, directions in which the GPUs of the study differ, and what is smooth in the
columns. The first two terms alone are probabilistic principal components of the study's table of log energies: Tipping
and Bishop, "Probabilistic principal component analysis", 1999. The errors hardly depend on the four numbers.
"""

import numpy as np

from isojoule.normalization.base import Values
from isojoule.normalization.corrected import Corrected, described, fences
from isojoule.normalization.references import RowNumbers
from isojoule.normalization.shared import Evidenced, Prediction, Shared, Tested, weights_by_evidence
from isojoule.normalization.shared_process import LEAST_SCALE, kernel

FACTOR, DEPARTURES, SMOOTH, NOISE = 10.0, 0.5, 0.1, 0.01
# a single GPU has no departures, and none that could pretend to be new
FEWEST_GPUS = 2
# references that agree better than this do so by luck
LEAST_SPREAD = 0.02


class Completion:
    """The method, given all that is known but the energies on the new GPU.

    Each GPU of the study pretends to be the new one, with the same references: how wrong both predictions would have
    been on its other systems gives their weights, as in `Shared`. With a single GPU the method is `Corrected`.

    Args:
        gpus: columns of all systems on every GPU, (g, m, c).
        rows: row numbers of the references, (r,), whose energies differ on every GPU.
        columns: names of the columns, of `SYSTEM_COLUMNS`, the energy first.
    """

    def __init__(self, gpus: Values, rows: RowNumbers, columns: tuple[str, ...]) -> None:
        self._gpus, self._rows, self._columns = gpus, rows, columns
        self._others = np.setdiff1d(np.arange(gpus.shape[1]), rows)
        if len(gpus) < FEWEST_GPUS:
            return
        log_kwh = np.log(gpus[:, :, 0])
        pretended = [
            self._simple(np.delete(gpus, number, axis=0), of_gpu[rows]) for number, of_gpu in enumerate(log_kwh)
        ]
        log_truths = list(log_kwh[:, self._others])
        # the first prediction of each name would be that for the new GPU, which has no truth
        simple = {
            name: [np.empty(0), *(of_gpu[name].log_kwh[self._others] for of_gpu in pretended)] for name in pretended[0]
        }
        self._weights = weights_by_evidence(simple, log_truths)
        self._tested = [
            Tested(log_truth - averaged.log_kwh[self._others], averaged.deviation[self._others])
            for log_truth, averaged in zip(log_truths, map(self._averaged, pretended), strict=True)
        ]
        self._spreads = [
            _spread(np.delete(log_kwh, number, axis=0)[:, rows], of_gpu[rows]) for number, of_gpu in enumerate(log_kwh)
        ]

    def evidenced(self, target_kwh: Values) -> Evidenced:
        """Predict all systems, (m,), from the energies of the references on the new GPU in kWh, (r,)."""
        if len(self._gpus) < FEWEST_GPUS:
            return Shared(self._columns).evidenced(self._gpus[0, self._rows], target_kwh, self._gpus[0])
        prediction = self._averaged(self._simple(self._gpus, np.log(target_kwh)))
        spread = _spread(np.log(self._gpus[:, self._rows, 0]), np.log(target_kwh))
        spread_ratio = spread / max(*self._spreads, LEAST_SPREAD)
        return Evidenced(prediction, self._tested, None, self._weights, spread_ratio)

    def _simple(self, gpus: Values, log_target: Values) -> dict[str, Prediction]:
        """Predict all systems on a GPU from other ones, by the logarithms of its references' energies, (r,)."""
        departed = _departed(gpus, self._rows, log_target)
        method = Corrected(self._columns)
        log_corrected = [
            np.log(method.predictions(of_gpu[None, self._rows], np.exp(log_target)[None], of_gpu)[0]) for of_gpu in gpus
        ]
        return {
            "mean of corrected": Prediction(np.mean(log_corrected, axis=0), departed.deviation),
            "departure": departed,
        }

    def _averaged(self, simple: dict[str, Prediction]) -> Prediction:
        log_kwh = np.average(
            [prediction.log_kwh for prediction in simple.values()], axis=0, weights=list(self._weights.values())
        )
        return Prediction(log_kwh, simple["departure"].deviation)


def _departed(gpus: Values, rows: RowNumbers, log_target: Values) -> Prediction:
    """Predict all systems by the mean over the GPUs and the process of equation (a).

    Args:
        gpus: columns of all systems on these GPUs, (g, m, c).
        rows: row numbers of the references.
        log_target: logarithms of their energies on the target, (r,).
    """
    log_gpus = np.log(gpus[:, :, 0])
    log_mean = log_gpus.mean(axis=0)
    # at the level of the new GPU, which no unit of energy changes
    log_mean += (log_target - log_mean[rows]).mean()
    departures = log_gpus - log_gpus.mean(axis=0)
    departures -= departures.mean(axis=1, keepdims=True)
    values = described(np.exp(np.log(gpus).mean(axis=0)))
    scale = values.std(axis=0)
    within = np.clip(values, *fences(values))
    features = (within - within.mean(axis=0)) / np.where(scale > 1e-9, scale, np.inf)
    covariance = (
        FACTOR + DEPARTURES * departures.T @ departures / max(len(gpus) - 1, 1) + SMOOTH * kernel(features, features)
    )
    with_references = covariance[:, rows]
    known = with_references[rows] + NOISE * np.eye(len(rows))
    solved = np.linalg.solve(known, with_references.T).T
    variance = np.diag(covariance) - np.einsum("mr,mr->m", solved, with_references)
    beyond = (((values - within) / np.maximum(scale, LEAST_SCALE)) ** 2).mean(axis=1)
    deviation = np.sqrt(np.maximum(variance, 0) + NOISE + SMOOTH * beyond)
    return Prediction(log_mean + solved @ (log_target - log_mean[rows]), deviation)


def _spread(log_references: Values, log_target: Values) -> float:
    """Return how much references, (g, r), disagree on the ratio of a GPU to the others, as a standard deviation."""
    return float(np.std(log_target - log_references.mean(axis=0)))
