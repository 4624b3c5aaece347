"""Simple predictions, corrected by Gaussian processes on logarithms where that helps.

Axes of the arrays:

    r, i, j: references    m: systems to predict    f: features    b: simple predictions (ratio, line, ridge)
    h: kernels             l: noise levels          n: eigenvectors, as many as references

All predictions are logarithms of kWh here. A baseline u, which mixes the simple predictions, leaves the residuals
y_r = log t_r - u(r) of the references, with t_r their energies on the target. The Gaussian process with kernel k_h and
noise v_l predicts the residual of a system, which corrects the baseline:

    log p(m) = u(m) + sum_r k_h(m, r) [(K_h + v_l I)^-1 y]_r                                    (a)

With y(i) the residuals from the baseline that was fitted without reference i, that reference is off by

    [(K_h + v_l I)^-1 y(i)]_i / [(K_h + v_l I)^-1]_ii                                           (b)

when it is left out. Rasmussen and Williams, "Gaussian processes for machine learning", 2006: (a) is equation (2.25),
page 17; (b) is equation (5.12), page 117.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isojoule.normalization.base import Values
from isojoule.normalization.published import TwoPoints
from isojoule.normalization.relative import LOWEST_SHARE_OF_RATIO, SYSTEM_COLUMNS, Regularized, RelativeRidge

# with fewer references than this nothing is left to correct with: the prediction is the two-point line
FEWEST_TO_CORRECT = 4
# errors of references that are left out are at least this large, in logarithms: a smaller one is luck
LEAST_ERROR = 0.02


class Kernel(NamedTuple):
    """A kernel: a constant and a linear part of weight 1, and a squared exponential of this length and amplitude."""

    length: float
    amplitude: float


KERNELS = (
    Kernel(1.0, 0.0),
    *(Kernel(length, amplitude) for length in (0.5, 1.0, 2.0, 4.0) for amplitude in (0.3, 1.0, 3.0)),
)
NOISES = np.array([0.01, 0.03, 0.1, 0.3])


class Baseline(NamedTuple):
    """A baseline: the shares of the simple predictions in it, on logarithms, and its prior weight."""

    ratio: float
    line: float
    ridge: float
    prior: float


BASELINES = (Baseline(0, 1, 0, 0.05), Baseline(0, 0.5, 0.5, 0.9), Baseline(0, 0, 1, 0.05))


class Corrected(Regularized):
    """The two-point line where references are few, corrected baselines where there are more.

    With two or three references the method is the two-point line. With four or more, a Gaussian process over
    logarithms of energy, power, FLOPs per joule and FLOPs per parameter learns what the baselines (two-point line,
    relative ridge, their geometric mean) leave over. The choices are the baseline, whether it is corrected, and how
    smooth and how noisy the correction is. All of them are averaged, weighted by their errors on references that are
    left out one by one, so that an experiment on held-out systems is a nested cross-validation.

    With e_i the errors of the references between the ends, and k their number, the weight of a choice is proportional
    to prior x (mean e_i^2 + 0.02^2)^(-k / 4): the prior of its baseline times the square root of the likelihood of
    normal errors. After Yao, Vehtari, Simpson and Gelman, "Using stacking to average Bayesian predictive
    distributions", 2018.

    Args:
        columns: columns of `X`, of `SYSTEM_COLUMNS`; `suited` drops those that systems lack.
        baselines: the baselines.
        robust: whether the relative ridge weighs references by Huber's weights.
    """

    closed_form = False

    def __init__(
        self,
        columns: tuple[str, ...] = SYSTEM_COLUMNS,
        baselines: tuple[Baseline, ...] = BASELINES,
        robust: bool = False,
    ) -> None:
        super().__init__(columns)
        self.baselines = baselines
        self.robust = robust

    def predictions(self, references: Values, target_kwh: Values, systems: Values) -> Values:
        """Predict for one set after the other; shapes as in the base class."""
        return np.asarray(self.predictions_by([self.baselines], references, target_kwh, systems)[0])

    def predictions_by(
        self, several: Sequence[tuple[Baseline, ...]], references: Values, target_kwh: Values, systems: Values
    ) -> Values:
        """Predict as several methods do that differ in their baselines alone, with the same processes for all.

        Args:
            several: the baselines of each method.
            references: as in `predictions`, like the next two.
            target_kwh: energies of the references.
            systems: systems to predict.

        Returns:
            predictions in kWh, (methods, s, m).
        """
        if references.shape[1] < FEWEST_TO_CORRECT:
            return np.stack([line(references, target_kwh, systems)] * len(several))
        of_sets = [
            [average[0] for average in self._averages(several, references_of_set, target_of_set, systems)]
            for references_of_set, target_of_set in zip(references, target_kwh, strict=True)
        ]
        return np.stack(of_sets, axis=1)

    def left_out(self, references: Values, target_kwh: Values) -> Values:
        """Return how far off each reference but the ends is when it is left out, as log(energy / prediction).

        Without an end the others would extrapolate, which says nothing of the systems between them.

        Args:
            references: columns of one set of at least four references, (r, c).
            target_kwh: energies of the references on the target in kWh, (r,).

        Returns:
            (r - 2,).
        """
        (average,) = self._averages([self.baselines], references, target_kwh, references)
        return average[1][between_ends(references)]

    def _averages(
        self, several: Sequence[tuple[Baseline, ...]], references: Values, target_kwh: Values, systems: Values
    ) -> Iterator[tuple[Values, Values]]:
        """Average all choices, once for each of several groups of baselines.

        Args:
            several: the groups.
            references: columns of one set of references, (r, c).
            target_kwh: energies of the references on the target in kWh, (r,).
            systems: columns of the systems to predict, (m, c).

        Yields:
            predictions in kWh, (m,), and how far off each reference is when it is left out, (r,), as a logarithm.
        """
        count, inner = len(references), between_ends(references)
        log_target = np.log(target_kwh)
        log_simple, log_simple_without = self._simple_predictions(references, target_kwh, systems)
        processes = gaussian_processes(references, systems)
        for baselines in several:
            log_weights, log_errors, log_predictions = [], [], []
            for baseline in baselines:
                shares = np.array([baseline.ratio, baseline.line, baseline.ridge])
                log_baseline = shares @ log_simple
                residuals = log_target - log_baseline[:count]
                residuals_without = log_target - np.tensordot(shares, log_simple_without, 1)
                corrections = processes.corrections(residuals)
                corrected = (log_baseline[count:] + corrections).reshape(-1, len(systems))
                corrected_errors = processes.left_out(residuals_without).reshape(-1, count)
                # the first choice leaves the baseline as it is
                log_predictions.append(np.vstack([log_baseline[count:], corrected]))
                log_errors.append(np.vstack([np.diag(residuals_without), corrected_errors]))
                spread = np.sqrt((log_errors[-1][:, inner] ** 2).mean(axis=1) + LEAST_ERROR**2)
                log_weights.append(np.log(baseline.prior) - 0.5 * len(inner) * np.log(spread))
            weights = np.exp(np.concatenate(log_weights) - max(of_baseline.max() for of_baseline in log_weights))
            weights /= weights.sum()
            yield np.exp(weights @ np.vstack(log_predictions)), weights @ np.vstack(log_errors)

    def _simple_predictions(self, references: Values, target_kwh: Values, systems: Values) -> tuple[Values, Values]:
        """Predict by the mean ratio, the two-point line and the relative ridge.

        Returns:
            logarithms of the predictions for the references, then for the systems, (b, r + m); and for the references
            by what is fitted without reference i, (b, i, r).
        """
        count = len(references)
        methods = (_mean_ratio, line, RelativeRidge(self.columns, robust=self.robust).predictions)
        # row i has the numbers of all references but i
        others = np.arange(count - 1) + (np.arange(count - 1) >= np.arange(count)[:, None])
        everything = np.concatenate([references, systems])
        with_all = [method(references[None], target_kwh[None], everything)[0] for method in methods]
        without_each = [method(references[others], target_kwh[others], references) for method in methods]
        return np.log(with_all), np.log(without_each)


class GaussianProcesses(NamedTuple):
    """The Gaussian processes of all kernels and noise levels, for one set of references.

    With eigenvectors Q_h and eigenvalues of the kernel's covariance of the references,
    (K_h + v_l I)^-1 = Q_h diag(1 / (eigenvalue_n + v_l)) Q_h'. No inverse is written out: in the coordinates of Q_h all
    noise levels are scales.

    Attributes:
        eigenvectors: Q_h, (h, r, n).
        scales: 1 / (eigenvalue_n + v_l), (h, l, n).
        covariances: k_h(m, r) of the systems with the references, in the coordinates of Q_h, (h, m, n).
    """

    eigenvectors: Values
    scales: Values
    covariances: Values

    def corrections(self, residuals: Values) -> Values:
        """Predict the residuals of the systems, (h, l, m), from those of the references, (r,), by equation (a)."""
        coordinates = residuals @ self.eigenvectors
        scaled = self.scales * coordinates[:, None, :]
        return np.asarray(scaled @ self.covariances.transpose(0, 2, 1))

    def left_out(self, residuals_without: Values) -> Values:
        """Return how far off each reference is when it is left out, (h, l, r), by equation (b).

        Args:
            residuals_without: y(i) in row i, (r, r).
        """
        transposed = self.eigenvectors.transpose(0, 2, 1)
        coordinates = transposed @ residuals_without.T
        return np.asarray((self.scales @ (transposed * coordinates)) / (self.scales @ transposed**2))


def gaussian_processes(references: Values, systems: Values) -> GaussianProcesses:
    """Make the Gaussian processes of all kernels and noise levels, (13, 4), for one set of references.

    Args:
        references: columns of the references, (r, c).
        systems: columns of the systems to predict, (m, c).
    """
    count = len(references)
    of_all = features(references, systems)
    covariances = _covariances(of_all, of_all[:count])
    eigenvalues, eigenvectors = np.linalg.eigh(covariances[:, :count])
    scales = 1 / (eigenvalues[:, None, :] + NOISES[None, :, None])
    return GaussianProcesses(eigenvectors, scales, covariances[:, count:] @ eigenvectors)


def _covariances(of_all: Values, of_references: Values) -> Values:
    """Compute the covariance of all systems with the references by every kernel.

    k_h(x, z) = 1 + x.z / F + amplitude_h exp(-|x - z|^2 / (2 F length_h^2)), with F the number of features: the linear
    kernel and the squared exponential of Rasmussen and Williams, sections 4.2.2 and 4.2.1.

    Args:
        of_all: features of the references and of the systems, (r + m, f).
        of_references: features of the references, (r, f).

    Returns:
        (h, r + m, r).
    """
    count = of_all.shape[1]
    linear = 1 + of_all @ of_references.T / count
    squared_distance = ((of_all[:, None] - of_references[None]) ** 2).sum(axis=2) / count
    # kernels of the same length share its exponential
    bells = {length: np.exp(-squared_distance / (2 * length**2)) for length in {kernel.length for kernel in KERNELS}}
    return np.stack([linear + kernel.amplitude * bells[kernel.length] for kernel in KERNELS])


def features(references: Values, systems: Values) -> Values:
    """Describe references and systems by standardized logarithms: energy, power, FLOPs per joule, FLOPs per parameter.

    Outliers are moved to the fence of a boxplot, 1.5 quartile ranges from the quartiles: a count that its tool got
    wrong by a factor of a hundred must not carry the correction away.

    Args:
        references: (r, c).
        systems: (m, c).

    Returns:
        features of the references, then of the systems, (r + m, f); mean 0 and standard deviation 1 of the references.
    """
    values = described(np.concatenate([references, systems]))
    values = np.clip(values, *fences(values[: len(references)]))
    of_references = values[: len(references)]
    scale = of_references.std(axis=0)
    return np.asarray((values - of_references.mean(axis=0)) / np.where(scale > 1e-9, scale, np.inf))


def fences(values: Values) -> tuple[Values, Values]:
    """Return the lower and the upper fence of a boxplot of each column of values, (m, f): both (f,)."""
    ordered = np.sort(values, axis=0)
    # numpy's percentiles, which spend most of their time on other cases
    place = 0.25 * (len(ordered) - 1)
    below, share = int(place), place - int(place)
    above = min(below + 1, len(ordered) - 1)
    low = ordered[below] + share * (ordered[above] - ordered[below])
    high = ordered[-1 - below] + share * (ordered[-1 - above] - ordered[-1 - below])
    return low - 1.5 * (high - low), high + 1.5 * (high - low)


def described(systems: Values) -> Values:
    """Return logarithms of energy, power, FLOPs per joule and FLOPs per parameter, (m, f).

    Without all of the columns of `SYSTEM_COLUMNS` they are the energy and each further column divided by it.

    Args:
        systems: (m, c).
    """
    log_energy, *log_others = np.log(systems).T
    columns = [log_energy]
    if len(log_others) == 3:
        log_duration, log_flops, log_params = log_others
        columns += [log_energy - log_duration, log_flops - log_energy, log_flops - log_params]
    else:
        columns += [log_other - log_energy for log_other in log_others]
    return np.column_stack(columns)


def between_ends(references: Values) -> NDArray[np.intp]:
    """Return the row numbers of all references, (r, c), but those of the lowest and the highest energy, (r - 2,)."""
    return np.argsort(references[:, 0], kind="stable")[1:-1]


def _mean_ratio(references: Values, target_kwh: Values, systems: Values) -> Values:
    """Multiply all energies by the geometric mean of the references' ratios; shapes as in the base class."""
    log_ratio = np.log(target_kwh / references[:, :, 0]).mean(axis=1, keepdims=True)
    return np.asarray(np.exp(log_ratio) * systems[:, 0])


def line(references: Values, target_kwh: Values, systems: Values) -> Values:
    """Predict by the two-point line, but no less than a share of the lowest ratio; shapes as in the base class."""
    line_kwh = TwoPoints().predictions(references, target_kwh, systems)
    lowest_ratio = (target_kwh / references[:, :, 0]).min(axis=1, keepdims=True)
    return np.asarray(np.maximum(line_kwh, LOWEST_SHARE_OF_RATIO * lowest_ratio * systems[:, 0]))
