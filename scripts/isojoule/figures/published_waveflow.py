"""The fronts of the generative study, from its published numbers (its figure 2)."""

import pandas as pd

from isojoule.figures.shared import fronts
from isojoule.figures.shared.panels import Sheet
from isojoule.pareto.front import VERDICTS
from isojoule.tables.expected import Expected

TITLES = {"train": "Training, Carbontracker's prediction", "test": "Generation of 100 s of audio"}
READ = Expected(
    "a table that isojoule front makes of reference/published/waveflow.csv",
    words=("part", "architecture"),
    numbers=("energy_kwh_mean", "one_minus_mos_mean"),
    choices={"verdict": VERDICTS},
).read


def draw(table: pd.DataFrame) -> Sheet:
    """Draw the figure from the fronts of the published table."""
    new_names = {"energy_kwh": "cost", "one_minus_mos": "quality"}
    endings = ("_mean", "_ci95_low", "_ci95_high")
    table = table.rename(columns={f"{old}{end}": f"{new}{end}" for old, new in new_names.items() for end in endings})
    phases = table["part"].str.split().str[-1]
    panels = []
    for phase, title in TITLES.items():
        of_phase = table[phases == phase]
        panels.append(fronts.Panel(title, "Energy", of_phase, fronts.cost_unit("energy_kwh", of_phase)))
    return fronts.of_panels(panels, "1 - %MOS (less is better)")
