"""Energy that does not depend on the GPU: from energies on one GPU to those on another, by a few reference models.

Douwes and Serizel, "Normalizing energy consumption for hardware-independent evaluation". A method is fitted on the
references, measured on both GPUs, and predicts the energy of any other system on the target from that on the source.
"""

from isojoule.normalization.base import Normalization
from isojoule.normalization.methods import DEFAULT, METHODS
from isojoule.normalization.user_system import Normalized, System, normalize
from isojoule.pareto.scores import energy_weighted_score

__all__ = ["DEFAULT", "METHODS", "Normalization", "Normalized", "System", "energy_weighted_score", "normalize"]
