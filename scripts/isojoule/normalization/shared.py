"""The default method: several predictions, weighed by how wrong each would have been on the study's other GPUs.

Axes of the arrays:

    r: references    m: systems to predict    n: other systems of another GPU    c: columns    g: other GPUs

The study knows what its systems use on the target and on its other GPUs. Each of these GPUs can therefore pretend to be
the user's: with the same references, and nothing else, how wrong would each prediction have been on its systems?
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Self

import numpy as np

from isojoule.normalization.base import Values
from isojoule.normalization.corrected import FEWEST_TO_CORRECT, LEAST_ERROR, Corrected, between_ends, line
from isojoule.normalization.relative import SYSTEM_COLUMNS, Regularized, RelativeRidge
from isojoule.normalization.shared_process import OtherGpu, SharedProcess

# so many systems of all other GPUs together are learned from: more of them cost much time and help little
MOST_SYSTEMS = 150
# so many systems of every other GPU in any case
FEWEST_SYSTEMS = 8
# a single other GPU does not tell what GPUs have in common
FEWEST_GPUS_TO_SHARE = 2

# what predicts energies from references (s, r, c), target energies (s, r) and systems (m, c), as methods do
Predictions = Callable[[Values, Values, Values], Values]


class Prediction(NamedTuple):
    """A prediction for systems.

    Attributes:
        log_kwh: logarithms of the energies on the target in kWh, (m,).
        deviation: how far off a Gaussian process expects them to be, as a logarithm, (m,).
    """

    log_kwh: Values
    deviation: Values


class Tested(NamedTuple):
    """Predictions for systems whose energy is known.

    Attributes:
        log_errors: log(energy / prediction), (n,).
        deviations: as in `Prediction`, (n,).
    """

    log_errors: Values
    deviations: Values


class Evidenced(NamedTuple):
    """A prediction, and what tells how wrong it may be.

    Attributes:
        prediction: for the user's systems.
        tested_on_others: what the method would have predicted on each other GPU of the study.
        tested_on_references: what it predicts for references that are left out, where there is no other GPU.
        weights: weight of every simple prediction, by its name; empty where there is no other GPU.
        spread_ratio: how much more the references disagree on the ratio of the user's GPU to the target than on that
            of another GPU, the one where they disagree most: the quotient of the deviations of the logarithms of the
            ratios; 0 where there is no other GPU.
    """

    prediction: Prediction
    tested_on_others: list[Tested]
    tested_on_references: Tested | None
    weights: Mapping[str, float]
    spread_ratio: float


class Shared(Regularized):
    """The default method, which learns from the study's other GPUs.

    The simple predictions are the line through the references of lowest and highest energy, the relative ridge, and
    their geometric mean, corrected by a Gaussian process that learns on the references alone (`own`) or on all systems
    of the other GPUs as well (`shared`). Their weighted geometric mean is taken. With e_n the errors of a prediction's
    logarithms on the systems of another GPU that pretends to be the user's, its weight is proportional to

        product over the other GPUs of 1 / (mean e_n^2 + 0.02^2).

    With a single other GPU, the simple predictions are the line, `own` and `Corrected`; with none, the method is
    `Corrected`. After Yao, Vehtari, Simpson and Gelman, "Using stacking to average Bayesian predictive distributions",
    2018.

    Args:
        columns: columns of `X`, of `SYSTEM_COLUMNS`; `suited` drops those that systems lack.
        others: the study's other GPUs, with these columns.
    """

    closed_form = False

    def __init__(self, columns: tuple[str, ...] = SYSTEM_COLUMNS, others: Sequence[OtherGpu] = ()) -> None:
        super().__init__(columns)
        self.others = others

    def beside(self, others: Sequence[OtherGpu]) -> Self:
        """Return the method for a study that has these other GPUs."""
        return type(self)(self.columns, others)

    def predictions(self, references: Values, target_kwh: Values, systems: Values) -> Values:
        """Predict for one set after the other; shapes as in the base class."""
        if not self.others:
            return Corrected(self.columns).predictions(references, target_kwh, systems)
        return np.array(
            [
                np.exp(self._weighed(references_of_set, target_of_set, systems).prediction.log_kwh)
                for references_of_set, target_of_set in zip(references, target_kwh, strict=True)
            ]
        )

    def evidenced(self, references: Values, target_kwh: Values, systems: Values) -> Evidenced:
        """Predict, and test the method on what is known.

        Args:
            references: columns of the references, (r, c).
            target_kwh: energies of the references on the target in kWh, (r,).
            systems: columns of the systems to predict, (m, c).
        """
        if self.others:
            return self._weighed(references, target_kwh, systems)
        corrected = Corrected(self.columns)
        log_kwh = np.log(corrected.predictions(references[None], target_kwh[None], systems)[0])
        deviation = self._own_alone(references, target_kwh, systems).deviation
        tested = None
        if len(references) >= FEWEST_TO_CORRECT:
            deviations = [
                self._own_alone(
                    np.delete(references, row, axis=0), np.delete(target_kwh, row), references[[row]]
                ).deviation[0]
                for row in between_ends(references)
            ]
            tested = Tested(corrected.left_out(references, target_kwh), np.array(deviations))
        return Evidenced(Prediction(log_kwh, deviation), [], tested, {}, 0.0)

    def _weighed(self, references: Values, target_kwh: Values, systems: Values) -> Evidenced:
        """Weigh the simple predictions by their errors on the other GPUs; shapes as in `evidenced`."""
        others = _thinned(self.others)
        # what is known and what is asked on each GPU, the user's first
        tasks = [(references, systems), *((other.references, other.systems) for other in others)]
        count = len(references)
        log_simple = [self._log_line_and_ridge(known, target_kwh, asked) for known, asked in tasks]
        log_baselines = [of_gpu.mean(axis=0) for of_gpu in log_simple]
        own = [
            _own(known, target_kwh, asked, log_baseline)
            for (known, asked), log_baseline in zip(tasks, log_baselines, strict=True)
        ]
        simple = {
            "line": [log_line[count:] for log_line, _ in log_simple],
            "own": [prediction.log_kwh for prediction in own],
        }
        if len(others) < FEWEST_GPUS_TO_SHARE:
            expected = own
            simple["corrected"] = _of_all(Corrected(self.columns).predictions, target_kwh, tasks)
        else:
            expected = _shared(references, target_kwh, systems, others, log_baselines)
            simple["ridge"] = [log_ridge[count:] for _, log_ridge in log_simple]
            simple["shared"] = [prediction.log_kwh for prediction in expected]
        log_truths = [np.log(other.target_kwh) for other in others]
        weights = weights_by_evidence(simple, log_truths)
        averages = [
            np.average([of_name[number] for of_name in simple.values()], axis=0, weights=list(weights.values()))
            for number in range(len(tasks))
        ]
        tested = [
            Tested(log_truth - average, of_gpu.deviation)
            for log_truth, average, of_gpu in zip(log_truths, averages[1:], expected[1:], strict=True)
        ]
        of_ratios, *on_others = [float(np.std(np.log(target_kwh / known[:, 0]))) for known, _ in tasks]
        spread_ratio = of_ratios / max(*on_others, LEAST_ERROR)
        return Evidenced(Prediction(averages[0], expected[0].deviation), tested, None, weights, spread_ratio)

    def _own_alone(self, references: Values, target_kwh: Values, systems: Values) -> Prediction:
        """Predict by the baseline and the process of the references; shapes as in `evidenced`."""
        log_baseline = self._log_line_and_ridge(references, target_kwh, systems).mean(axis=0)
        return _own(references, target_kwh, systems, log_baseline)

    def _log_line_and_ridge(self, references: Values, target_kwh: Values, systems: Values) -> Values:
        """Predict by the line and by the relative ridge; shapes as in `evidenced`.

        Returns:
            logarithms of the predictions for the references, then for the systems, (2, r + m); their mean over the two
            is the baseline.
        """
        everything = np.concatenate([references, systems])
        methods = (line, RelativeRidge(self.columns).predictions)
        return np.log([method(references[None], target_kwh[None], everything)[0] for method in methods])


def _own(references: Values, target_kwh: Values, systems: Values, log_baseline: Values) -> Prediction:
    """Predict by the baseline, (r + m,), and the process of the references alone; shapes as in `Shared.evidenced`."""
    count = len(references)
    expected = SharedProcess(references, np.log(target_kwh) - log_baseline[:count]).of(systems)
    return Prediction(log_baseline[count:] + expected.mean, expected.deviation)


def _shared(
    references: Values,
    target_kwh: Values,
    systems: Values,
    others: Sequence[OtherGpu],
    log_baselines: Sequence[Values],
) -> list[Prediction]:
    """Predict by the baselines and the process of all GPUs: for the user's GPU, then for each other, (g + 1,).

    Args:
        references: as in `Shared.evidenced`, like the next two.
        target_kwh: energies of the references.
        systems: systems to predict.
        others: the other GPUs.
        log_baselines: of the references and of the systems of each GPU, the user's first, (r + m,) each.
    """
    count = len(references)
    log_targets = [np.log(np.concatenate([target_kwh, other.target_kwh])) for other in others]
    process = SharedProcess(
        references,
        np.log(target_kwh) - log_baselines[0][:count],
        others,
        [log_target - baseline for log_target, baseline in zip(log_targets, log_baselines[1:], strict=True)],
    )
    expected = [process.of(systems), *(process.of_other(number) for number in range(len(others)))]
    return [
        Prediction(baseline[count:] + of_gpu.mean, of_gpu.deviation)
        for baseline, of_gpu in zip(log_baselines, expected, strict=True)
    ]


def _of_all(predictions: Predictions, target_kwh: Values, tasks: Sequence[tuple[Values, Values]]) -> list[Values]:
    """Return the logarithms of the predictions on every GPU from what is known and what is asked there, (m,) each."""
    return [np.log(predictions(known[None], target_kwh[None], asked)[0]) for known, asked in tasks]


def weights_by_evidence(simple: Mapping[str, Sequence[Values]], log_truths: Sequence[Values]) -> dict[str, float]:
    """Weigh simple predictions, those for the user's GPU being the first, by the truth on each other GPU, (n,)."""
    log_weights = np.array(
        [
            -sum(
                np.log(((log_truth - log_kwh) ** 2).mean() + LEAST_ERROR**2)
                for log_truth, log_kwh in zip(log_truths, of_name[1:], strict=True)
            )
            for of_name in simple.values()
        ]
    )
    weights = np.exp(log_weights - log_weights.max())
    return dict(zip(simple, (weights / weights.sum()).tolist(), strict=True))


def _thinned(others: Sequence[OtherGpu]) -> list[OtherGpu]:
    """Keep systems of every other GPU that are evenly spaced in the order of their energies on the target."""
    thinned = []
    for other in others:
        most = max(FEWEST_SYSTEMS, MOST_SYSTEMS // len(others) - len(other.references))
        order = np.argsort(other.target_kwh, kind="stable")
        kept = order[np.round(np.linspace(0, len(order) - 1, min(most, len(order)))).astype(np.intp)]
        thinned.append(OtherGpu(other.references, other.systems[kept], other.target_kwh[kept]))
    return thinned
