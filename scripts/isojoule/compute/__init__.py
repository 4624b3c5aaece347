"""Count what an architecture computes: parameters, FLOPs and bytes."""
