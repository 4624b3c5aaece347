"""Estimates from what papers say of their trainings: hardware, number and hours."""
