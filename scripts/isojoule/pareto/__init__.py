"""Which models are worth their cost: dominance, fronts, their hypervolume, and what noise leaves of them.

Douwes, Esling and Briot, "Energy consumption of deep generative audio models", section 5.
"""

from isojoule.pareto.front import Front, Objective, find_front

__all__ = ["Front", "Objective", "find_front"]
