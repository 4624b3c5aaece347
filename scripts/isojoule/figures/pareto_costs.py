"""Fronts of other costs than energy, on the first platform."""

import pandas as pd
from matplotlib.figure import Figure

from isojoule.figures.shared import fronts
from isojoule.figures.shared.drawing import PHASES, nothing

READ = fronts.read
LABELS = {"flops": "Forward FLOPs of one example", "params": "Parameters", "emissions_kg_co2e": "CO2e (kg)"}


def draw(table: pd.DataFrame) -> Figure:
    """Draw the figure from a table of fronts."""
    table = table[table["cost"].isin(list(LABELS))]
    if table.empty:
        return nothing("No front: nothing has both a quality and a cost.")
    gpu = table["gpu"].iloc[0]
    table = table[table["gpu"] == gpu]
    panels = [
        (
            f"{LABELS[cost].split(' (')[0]}{' of ' * bool(phase)}{PHASES.get(phase, '').lower()}, {gpu}",
            LABELS[cost],
            part,
        )
        for cost in LABELS
        for phase, part in table[table["cost"] == cost].groupby("phase", sort=False)
    ]
    return fronts.of_panels(panels, fronts.quality_label(table))
