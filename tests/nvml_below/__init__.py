"""NVML below the real binding: a driver of two GPUs, and the library that answers for it."""
