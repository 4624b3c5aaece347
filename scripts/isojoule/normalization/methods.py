"""Every method by its name: the published ones and ours. `DEFAULT` is used where the user names none."""

from collections.abc import Callable
from functools import partial

from isojoule.normalization.base import ENERGY, Normalization
from isojoule.normalization.corrected import Baseline, Corrected
from isojoule.normalization.published import PUBLISHED
from isojoule.normalization.relative import SYSTEM_COLUMNS, LogLine, RelativeRidge

OURS: dict[str, Callable[[], Normalization]] = {
    "log-line": LogLine,
    "relative-line": partial(RelativeRidge, (ENERGY,)),
    "relative-ridge": RelativeRidge,
    "relative-ridge-robust": partial(RelativeRidge, robust=True),
    "relative-ridge+bytes": partial(RelativeRidge, (*SYSTEM_COLUMNS, "weights_bytes", "activations_bytes")),
    "gaussian-process": partial(Corrected, baselines=(Baseline(1, 0, 0, 1.0),)),
    "corrected": Corrected,
}
METHODS = {**PUBLISHED, **OURS}
DEFAULT = "corrected"
