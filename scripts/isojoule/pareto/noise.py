"""How sure a front is, from the spread of the repeats."""

from collections.abc import Sequence

import numpy as np

from isojoule.pareto.dominance import Values, optimal


def probability_optimal(repeats: Sequence[Sequence[Values]], draws: int, seed: int) -> Values:
    """Estimate how often each model is on the front when its means could have come out otherwise.

    This is a bootstrap over repeats, in which every objective of every model is resampled on its own. With x the n
    repeats, x* a resample of them, and mean(x) their mean, a draw of the mean is

        mean(x) + sqrt(n / (n - 1)) (mean(x*) - mean(x)).

    Without the factor the draws would vary by s^2 (n - 1) / n^2, where a mean of n values varies by s^2 / n and s^2 is
    the variance of the sample: Efron and Tibshirani, "An introduction to the bootstrap", 1993, chapters 5 and 6.

    Axes of the arrays: d draws, m models, o objectives.

    Args:
        repeats: for each model and objective the costs of its repeats, one or more.
        draws: number of draws.
        seed: seed of the random numbers.

    Returns:
        (m,); NaN for a model with a single value of everything, since nothing tells how far off that is.
    """
    generator = np.random.default_rng(seed)
    means = np.array([[costs.mean() for costs in costs_by_objective] for costs_by_objective in repeats])
    drawn_means = np.repeat(means[None], draws, axis=0)
    for model, costs_by_objective in enumerate(repeats):
        for objective, costs in enumerate(costs_by_objective):
            if (count := len(costs)) > 1 and np.ptp(costs) > 0:
                resampled_means = costs[generator.integers(0, count, (draws, count))].mean(axis=1)
                off_mean = resampled_means - means[model, objective]
                drawn_means[:, model, objective] += np.sqrt(count / (count - 1)) * off_mean
    share_of_draws = optimal(drawn_means).mean(axis=0)
    is_repeated = [max(map(len, costs_by_objective)) > 1 for costs_by_objective in repeats]
    return np.where(is_repeated, share_of_draws, np.nan)
