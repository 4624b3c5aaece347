"""The figures of a study, one module each: `CAPTION`, and `draw(frame)` from a table of measurements.

A new figure is a new module, named here.
"""

import importlib
from types import ModuleType

FIGURES = ("energy-flops", "energy-parameters", "energy-platforms", "energy-quality")


def module_name(figure: str) -> str:
    """The module of the figure `figure`."""
    return f"{__name__}.{figure.replace('-', '_')}"


def load(figure: str) -> ModuleType:
    """Import the module of the figure `figure`."""
    return importlib.import_module(module_name(figure))
