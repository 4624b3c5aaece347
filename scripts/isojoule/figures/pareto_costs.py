"""Fronts of other costs than energy, on the first platform."""

import pandas as pd

from isojoule.figures.shared import fronts
from isojoule.figures.shared.empty import NothingError
from isojoule.figures.shared.panels import Sheet
from isojoule.figures.shared.styles import PHASES
from isojoule.fronts.costs import COSTS

READ = fronts.read
SHOWN = ("flops", "params", "emissions_kg_co2e")


def draw(table: pd.DataFrame) -> Sheet:
    """Draw the figure from a table of fronts."""
    table = table[table["cost"].isin(SHOWN)]
    if table.empty:
        raise NothingError("No front: nothing has both a quality and a cost.")
    gpu = table["gpu"].iloc[0]
    table = table[table["gpu"] == gpu]
    panels = []
    for cost in SHOWN:
        for phase, part in table[table["cost"] == cost].groupby("phase", sort=False):
            of_phase = f" of {PHASES[phase].lower()}" if phase else ""
            label = COSTS[cost].label
            panels.append(fronts.Panel(f"{label}{of_phase}, {gpu}", label, part, fronts.cost_unit(cost, part)))
    return fronts.of_panels(panels, fronts.quality_label(table))
