"""Intervals around a prediction that hold the energy with a stated probability, from errors that were seen."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student


def half_width(log_errors: NDArray[np.float64], coverage: float) -> tuple[float, str]:
    """Half the width of an interval in logs that holds a new error with the stated probability, and what it rests on.

    The conformal quantile where there are enough errors for it, exact for exchangeable ones (Vovk, Gammerman and
    Shafer, "Algorithmic learning in a random world", 2005), Student's t about 0 where there are not.

    Args:
        log_errors: log(energy / prediction) of systems the prediction did not know, (n,), n above 0.
        coverage: probability, 0 to 1.
    """
    count = len(log_errors)
    rank = int(np.ceil((count + 1) * coverage))
    if rank <= count:
        return float(np.sort(np.abs(log_errors))[rank - 1]), "conformal"
    spread = np.sqrt((log_errors**2).mean() * (1 + 1 / count))
    return float(student.ppf((1 + coverage) / 2, count) * spread), "Student's t"
