"""Compute again what papers computed from their published numbers: costs of trainings, and fronts."""
