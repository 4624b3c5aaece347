"""Simulated worlds of GPUs whose truth is known."""
