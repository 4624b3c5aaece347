"""The published fronts of WaveFlow, found anew (Douwes, Esling and Briot, table 2 and figure 2)."""

import pandas as pd

from isojoule.literature.training import PUBLISHED
from isojoule.pareto import Objective
from isojoule.pareto.by_part import fronts_by_part
from isojoule.tables import models

OBJECTIVES = (Objective("energy_kwh"), Objective("one_minus_mos"))


def published() -> pd.DataFrame:
    """Find the fronts of the opinion score, as 1 - MOS / 5, against the energies of training and of generation."""
    columns = [objective.column for objective in OBJECTIVES]
    frame, _ = models.read(PUBLISHED / "waveflow.csv", columns, ["measured", "estimated"])
    return fronts_by_part(frame, OBJECTIVES, None, models.name_column(frame, None))[0]
