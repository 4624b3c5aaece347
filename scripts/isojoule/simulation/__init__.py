"""Simulate studies on made-up GPUs, whose true energies are known."""
