"""Fronts of other costs than energy, on the first platform."""

import pandas as pd
from matplotlib.figure import Figure

from isojoule.figures.shared import fronts
from isojoule.figures.shared.panels import nothing
from isojoule.figures.shared.styles import PHASES
from isojoule.fronts.costs import COSTS

READ = fronts.read
AXIS_LABELS = {"flops": COSTS["flops"].label, "params": COSTS["params"].label, "emissions_kg_co2e": "CO2e (kg)"}


def draw(table: pd.DataFrame) -> Figure:
    """Draw the figure from a table of fronts."""
    table = table[table["cost"].isin(list(AXIS_LABELS))]
    if table.empty:
        return nothing("No front: nothing has both a quality and a cost.")
    gpu = table["gpu"].iloc[0]
    table = table[table["gpu"] == gpu]
    panels = []
    for cost, label in AXIS_LABELS.items():
        for phase, part in table[table["cost"] == cost].groupby("phase", sort=False):
            of_phase = f" of {PHASES[phase].lower()}" if phase else ""
            panels.append((f"{COSTS[cost].label}{of_phase}, {gpu}", label, part))
    return fronts.of_panels(panels, fronts.quality_label(table))
