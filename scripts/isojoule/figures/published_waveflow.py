"""The fronts of the generative study, from its published numbers (its figure 2)."""

import pandas as pd
from matplotlib.figure import Figure

from isojoule.figures.shared import fronts
from isojoule.figures.shared.drawing import reading

PANELS = {"train": "Training, Carbontracker's prediction", "test": "Generation of 100 s of audio"}
COLUMNS = ("part", "architecture", "energy_kwh_mean", "one_minus_mos_mean", "verdict")
READ = reading("a table that find_front.py makes of reference/published/waveflow.csv", COLUMNS)


def draw(table: pd.DataFrame) -> Figure:
    """Draw the figure from the fronts of the published table."""
    prefixes = {"energy_kwh": "cost", "one_minus_mos": "quality"}
    table = table.rename(
        columns={f"{old}{end}": f"{new}{end}" for old, new in prefixes.items() for end in ("_mean", "_ci95_high")}
    )
    phase = table["part"].str.split().str[-1]
    panels = [(title, "Energy (kWh)", table[phase == one]) for one, title in PANELS.items()]
    return fronts.of_panels(panels, "1 - %MOS (less is better)")
