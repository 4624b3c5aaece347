"""The interval of a mean over repeats, which holds only values that there can be.

The stated centre is the arithmetic mean of the repeats, since energies add up. Student's t of n - 1 degrees of freedom
is taken on a scale that has no end, and its deviation there is that of the values times the slope of the scale at the
mean (the delta method: Oehlert, "A note on the delta method", The American Statistician, 1992). With m the mean, s the
deviation of the sample, and h = t s / sqrt(n), the half width of Student's interval:

    from l up (energies, times, powers)     l + (m - l) exp(+-h / (m - l))
    from l to u (F1, utilization)           the logit of (m - l) / (u - l) +- h (u - l) / ((m - l) (u - m))
    without bounds                          m +- h, which is Student's interval

For small spreads all three are the same. A mean that lies on a bound has repeats that are all there, and no width.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit, stdtrit

COVERAGE = 0.95
UNBOUNDED, POSITIVE, PERCENT = (-np.inf, np.inf), (0.0, np.inf), (0.0, 100.0)

Values = NDArray[np.float64]


def of_mean(
    mean: ArrayLike, deviation: ArrayLike, count: ArrayLike, bounds: tuple[float, float] = UNBOUNDED
) -> tuple[Values, Values]:
    """Return both ends of the 95 % interval of means, (n,) each; NaN for a single repeat, which tells no spread.

    Args:
        mean: arithmetic means, (n,).
        deviation: standard deviations of the samples (n - 1), (n,).
        count: numbers of repeats, (n,).
        bounds: the lowest and the highest value that there can be. The upper one may be infinite, or both.
    """
    centre, spread = np.asarray(mean, dtype=np.float64), np.asarray(deviation, dtype=np.float64)
    number = np.asarray(count, dtype=np.float64)
    half = stdtrit(np.maximum(number - 1, 1), (1 + COVERAGE) / 2) * spread / np.sqrt(np.maximum(number, 1))
    half = np.where(number > 1, half, np.nan)
    low, high = bounds
    if not np.isfinite(low):
        return centre - half, centre + half
    # without a spread the interval is the mean, which may lie on a bound where the scale has no end
    has_width = ~(half == 0)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        if np.isfinite(high):
            share, slope = (centre - low) / (high - low), (high - low) / ((centre - low) * (high - centre))
            ends = [low + (high - low) * expit(logit(share) + sign * half * slope) for sign in (-1, 1)]
        else:
            ends = [low + (centre - low) * np.exp(sign * half / (centre - low)) for sign in (-1, 1)]
    lower, upper = (np.where(has_width, end, centre) for end in ends)
    return lower, upper
