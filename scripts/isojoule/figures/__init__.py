"""The figures of a study, one module each: `CAPTION`, and `draw(frame)` from the table that it is drawn from.

That is the table of measurements, or what the module's `READ` reads.

A new figure is a new module, named here.
"""

import importlib
from types import ModuleType

MEASUREMENTS, ERRORS = "measurements.parquet", "normalization/errors.parquet"

# each by the table, below the study's results, that it is drawn from
ENERGY = dict.fromkeys(
    (
        "energy-platforms",
        "energy-quality",
        "energy-computation-test",
        "energy-computation-train",
        "power-computation",
        "energy-utilization",
        "energy-explained",
    ),
    MEASUREMENTS,
)
# these need two platforms
NORMALIZATION = {
    "normalization-points": MEASUREMENTS,
    "normalization-sampling": ERRORS,
    "normalization-curves": MEASUREMENTS,
    "normalization-regression": ERRORS,
    "normalization-plane": MEASUREMENTS,
    "normalization-features": ERRORS,
    "normalization-references": ERRORS,
}
FIGURES = {**ENERGY, **NORMALIZATION}


def module_name(figure: str) -> str:
    """The module of the figure `figure`."""
    return f"{__name__}.{figure.replace('-', '_')}"


def load(figure: str) -> ModuleType:
    """Import the module of the figure `figure`."""
    return importlib.import_module(module_name(figure))
