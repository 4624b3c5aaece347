"""How sure a front is, from the spread over repeats."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from isojoule.pareto.dominance import optimal

Values = NDArray[np.float64]


def probability_optimal(repeats: Sequence[Sequence[Values]], draws: int, seed: int) -> Values:
    """How often each model is on the front when its means could have come out otherwise: a bootstrap over repeats.

    Every objective of every model is resampled on its own. The mean of n resampled values varies by s^2 (n - 1) / n^2,
    s^2 being the variance of the sample (n - 1), where it should by s^2 / n: it is spread by what is missing.

    Args:
        repeats: for each model and objective its values as costs, one or more of each.
        draws: of the bootstrap.
        seed: of its random numbers.

    Returns:
        (models,); nan for a model with a single value of everything, since nothing tells how far off that is.
    """
    generator = np.random.default_rng(seed)
    means = np.array([[values.mean() for values in model] for model in repeats])
    drawn = np.repeat(means[None], draws, axis=0)
    for number, model in enumerate(repeats):
        for objective, values in enumerate(model):
            if (count := len(values)) > 1 and np.ptp(values) > 0:
                chosen = values[generator.integers(0, count, (draws, count))].mean(axis=1)
                drawn[:, number, objective] += np.sqrt(count / (count - 1)) * (chosen - means[number, objective])
    share = optimal(drawn).mean(axis=0)
    return np.where([max(map(len, model)) > 1 for model in repeats], share, np.nan)
