"""The default method: simple predictions, corrected by a Gaussian process on logarithms where that helps."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isojoule.normalization.base import Values
from isojoule.normalization.published import TwoPoints
from isojoule.normalization.relative import FLOOR, RICH, RelativeRidge, Shrinking


class Kernel(NamedTuple):
    """A radial part beside the constant and linear one, which always has weight 1."""

    length: float
    amplitude: float


KERNELS = (Kernel(1.0, 0.0), *(Kernel(length, a) for length in (0.5, 1.0, 2.0, 4.0) for a in (0.3, 1.0, 3.0)))
NOISES = np.array([0.01, 0.03, 0.1, 0.3])


class Anchor(NamedTuple):
    """A simple prediction to correct, in logs: shares of mean ratio, two-point line and relative ridge; its prior."""

    ratio: float
    line: float
    ridge: float
    prior: float


ANCHORS = (Anchor(0, 1, 0, 0.05), Anchor(0, 0.5, 0.5, 0.9), Anchor(0, 0, 1, 0.05))


class Corrected(Shrinking):
    """Simple when references are few, richer when they are many: the default.

    Up to three references it is the two-point line. From four up, a Gaussian process over logarithms of energy, power,
    FLOPs per joule and FLOPs per parameter learns what the simple predictions (two-point line, relative ridge, their
    geometric mean) leave over. Which of these, whether it is corrected at all, how smooth and how noisy the correction
    is: all choices are averaged by their error on references left out one by one, so that an experiment on held-out
    systems is a nested cross-validation. Leaving one out is exact and in closed form: Rasmussen and Williams, "Gaussian
    processes for machine learning", 2006, section 5.4.2. Averaging by it: Yao, Vehtari, Simpson and Gelman, "Using
    stacking to average Bayesian predictive distributions", 2018.

    Args:
        columns: of `X`, of `RICH`; those that are not there are not used.
        anchors: simple predictions.
        robust: Huber's weights in the relative ridge.
    """

    closed_form = False

    def __init__(
        self,
        columns: tuple[str, ...] = RICH,
        anchors: tuple[Anchor, ...] = ANCHORS,
        robust: bool = False,
    ) -> None:
        super().__init__(columns)
        self.anchors = anchors
        self.robust = robust

    def predictions(self, references: Values, target_kwh: Values, systems: Values) -> Values:
        """One set after the other."""
        if references.shape[1] < 4:
            return self._line(references, target_kwh, systems)
        return np.array([self._of_set(*one, systems)[0] for one in zip(references, target_kwh, strict=True)])

    def left_out(self, references: Values, target_kwh: Values) -> Values:
        """What each reference but the ends is off, as log(energy / prediction), when it is left out of the fit.

        Without an end the others would extrapolate, which says nothing of the systems between them.

        Args:
            references: one set of at least four, (references, columns).
            target_kwh: (references,).

        Returns:
            (references - 2,).
        """
        return self._of_set(references, target_kwh, references)[1][_inner(references)]

    def _line(self, references: Values, target_kwh: Values, systems: Values) -> Values:
        line = TwoPoints().predictions(references, target_kwh, systems)
        ratio = (target_kwh / references[:, :, 0]).min(axis=1, keepdims=True)
        return np.asarray(np.maximum(line, FLOOR * ratio * systems[:, 0]))

    def _of_set(self, references: Values, target_kwh: Values, systems: Values) -> tuple[Values, Values]:
        """Predictions in kWh, (systems,), and log errors of the references when left out, (references,)."""
        count = len(references)
        simple_ones = (_mean_ratio, self._line, RelativeRidge(self.columns, robust=self.robust).predictions)
        others = np.array([np.delete(np.arange(count), one) for one in range(count)])
        everything = np.concatenate([references, systems])
        known, asked = slice(None, count), slice(count, None)
        full = np.log([simple(references[None], target_kwh[None], everything)[0] for simple in simple_ones])
        without = np.log([simple(references[others], target_kwh[others], references) for simple in simple_ones])
        described = features(references, systems)
        kernels = _covariances(described, described[known])
        values, vectors = np.linalg.eigh(kernels[:, known])
        spectrum = 1 / (values[:, None, :] + NOISES[None, :, None])
        inverses = np.einsum("hin,hln,hjn->hlij", vectors, spectrum, vectors, optimize=True)
        diagonals = np.einsum("hlii->hli", inverses)
        truth = np.log(target_kwh)
        inner = _inner(references)
        scores, errors, logs = [], [], []
        for anchor in self.anchors:
            shares = np.array([anchor.ratio, anchor.line, anchor.ridge])
            simple = shares @ full
            missing, missing_without = truth - simple[known], truth - np.tensordot(shares, without, 1)
            off = np.einsum("hlij,ij->hli", inverses, missing_without) / diagonals
            correction = np.einsum("hsj,hlj->hls", kernels[:, asked], inverses @ missing)
            errors.append(np.vstack([np.diag(missing_without), off.reshape(-1, count)]))
            logs.append(np.vstack([simple[asked], (simple[asked] + correction).reshape(-1, len(systems))]))
            spread = np.sqrt((errors[-1][:, inner] ** 2).mean(axis=1) + 0.02**2)
            scores.append(np.log(anchor.prior) - 0.5 * len(inner) * np.log(spread))
        weights = np.exp(np.concatenate(scores) - max(score.max() for score in scores))
        weights /= weights.sum()
        return np.exp(weights @ np.vstack(logs)), weights @ np.vstack(errors)


def _inner(references: Values) -> NDArray[np.intp]:
    """Row numbers of all but the lowest and the highest energy."""
    return np.argsort(references[:, 0], kind="stable")[1:-1]


def _mean_ratio(references: Values, target_kwh: Values, systems: Values) -> Values:
    """By the geometric mean of the ratios."""
    logs = np.log(target_kwh / references[:, :, 0]).mean(axis=1, keepdims=True)
    return np.asarray(np.exp(logs) * systems[:, 0])


def features(references: Values, systems: Values) -> Values:
    """Standardized features of the references, then of the systems, (references + systems, features).

    Outliers are moved to the fence of the boxplot, 1.5 quartile ranges away: a count that its tool got wrong by a
    factor of a hundred must not carry the correction away.
    """
    logs = np.log(np.concatenate([references, systems]))
    energy, *others = logs.T
    columns = [energy]
    if len(others) == 3:
        duration, flops, params = others
        columns += [energy - duration, flops - energy, flops - params]
    else:
        columns += [other - energy for other in others]
    values = np.column_stack(columns)
    known = values[: len(references)]
    low, high = np.percentile(known, [25, 75], axis=0)
    values = np.clip(values, low - 1.5 * (high - low), high + 1.5 * (high - low))
    known = values[: len(references)]
    scale = known.std(axis=0)
    return np.asarray((values - known.mean(axis=0)) / np.where(scale > 1e-9, scale, np.inf))


def _covariances(described: Values, known: Values) -> Values:
    """By each kernel, of all with the known, (kernels, all, known): a constant, a plane, and what is smooth."""
    count = described.shape[1]
    linear = 1 + described @ known.T / count
    distance = ((described[:, None] - known[None]) ** 2).sum(axis=2) / count
    lengths, amplitudes = (np.array(values)[:, None, None] for values in zip(*KERNELS, strict=True))
    return np.asarray(linear + amplitudes * np.exp(-distance / (2 * lengths**2)))
