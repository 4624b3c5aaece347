"""Every method by its name: the published ones, and ours."""

from isojoule.normalization.improved import IMPROVED
from isojoule.normalization.published import PUBLISHED

METHODS = {**PUBLISHED, **IMPROVED}
DEFAULT = "corrected"
