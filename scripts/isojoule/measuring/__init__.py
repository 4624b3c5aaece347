"""Measure the cells of a study: blocks, cells, the lock and the check of a device, weights from training to test."""
