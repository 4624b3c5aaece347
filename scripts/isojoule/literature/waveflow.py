"""The fronts of WaveFlow, found again from its published numbers (Douwes, Esling and Briot, table 2 and figure 2)."""

import pandas as pd

from isojoule.literature.training import PUBLISHED
from isojoule.pareto import Objective
from isojoule.pareto.by_part import fronts_by_part
from isojoule.tables import models

OBJECTIVES = (Objective("energy_kwh"), Objective("one_minus_mos"))


def published() -> pd.DataFrame:
    """Find the fronts of the opinion score, as 1 - MOS / 5, against the energies of training and of generation."""
    columns = [objective.column for objective in OBJECTIVES]
    table, name, _ = models.read(PUBLISHED / "waveflow.csv", columns, ["measured", "estimated"])
    fronts, _ = fronts_by_part(table, OBJECTIVES, None, name)
    return fronts
