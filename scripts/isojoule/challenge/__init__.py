"""A challenge: a kit for participants who have other GPUs, their submissions, and the ranking of all systems."""
