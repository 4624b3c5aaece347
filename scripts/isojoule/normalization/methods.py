"""Every method by its name: published, variants of those, and ours. `default_method` is the one that users get."""

from collections.abc import Callable
from functools import partial

from isojoule.normalization.base import ENERGY, Normalization
from isojoule.normalization.corrected import Baseline, Corrected
from isojoule.normalization.published import PUBLISHED, VARIANTS
from isojoule.normalization.relative import SYSTEM_COLUMNS, LogLine, RelativeRidge
from isojoule.normalization.shared import Shared

DEFAULT = "shared"


def default_method() -> Shared:
    """Make the method that normalizes a user's system and the fronts of a study."""
    return Shared()


OURS: dict[str, Callable[[], Normalization]] = {
    "log-line": LogLine,
    "relative-line": partial(RelativeRidge, (ENERGY,)),
    "relative-ridge": RelativeRidge,
    "relative-ridge-robust": partial(RelativeRidge, robust=True),
    "relative-ridge+bytes": partial(RelativeRidge, (*SYSTEM_COLUMNS, "weights_bytes", "activations_bytes")),
    "corrected": Corrected,
    "gaussian-process": partial(Corrected, baselines=(Baseline(1, 0, 0, 1.0),)),
    DEFAULT: default_method,
}
METHODS = {**PUBLISHED, **VARIANTS, **OURS}
