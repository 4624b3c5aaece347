"""Find the models that are worth their cost: dominance, fronts, their hypervolume, and what noise leaves of them.

Douwes, Esling and Briot, "Energy consumption of deep generative audio models", section 5.
"""

from isojoule.pareto.front import Front, find_front
from isojoule.pareto.objectives import Objective

__all__ = ["Front", "Objective", "find_front"]
