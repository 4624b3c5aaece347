"""Measure the energy of neural networks, make it independent of the GPU, and weigh it against quality."""

__version__ = "0.2.0"
