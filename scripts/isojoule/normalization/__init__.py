"""Make energy independent of the GPU: carry energies from one GPU to another, by means of a few reference systems.

Douwes and Serizel, "Normalizing energy consumption for hardware-independent evaluation". A method is fitted on the
references, which are measured on both GPUs, and predicts the energy of any other system on the target from that on the
source.

The modules of this room use the same letters for the axes of their arrays:

    s: sets of references    r: references of a set    m: systems (models)    c: columns that describe a system
    f: features              h: kernels                l: noise levels        b: simple predictions
"""

from isojoule.normalization.base import Normalization
from isojoule.normalization.methods import DEFAULT, METHODS
from isojoule.normalization.user_system import Normalized, System, normalize

__all__ = ["DEFAULT", "METHODS", "Normalization", "Normalized", "System", "normalize"]
