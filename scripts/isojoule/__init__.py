"""Measure the energy of neural networks, make it independent of the GPU, and weigh it against quality."""

__version__ = "0.2.0"


def __getattr__(name: str) -> object:
    """Load `isojoule.measure` where a program asks for it, and not for those that do not."""
    if name == "measure":
        from isojoule.programs.part import measure

        return measure
    raise AttributeError(f"module isojoule has no attribute {name}")
