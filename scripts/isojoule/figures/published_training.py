"""What five published trainings took, from their hardware and hours (table 1 of the generative study)."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from isojoule.figures.shared.drawing import blank, reading
from isojoule.literature.training import US_PERSON_DAY_KWH

READ = reading("a table of estimate_training.py", ("model", "energy_kwh", "emissions_kg_co2e"))


def draw(table: pd.DataFrame) -> Figure:
    """Draw the figure from a table of estimate_training.py."""
    table = table.sort_values("energy_kwh")
    figure = blank(3.4, 0.25 * len(table) + 1.2)
    axis = figure.subplots()
    axis.barh(table["model"], table["energy_kwh"], color="#777777", height=0.6)
    for row, (energy, emissions) in enumerate(zip(table["energy_kwh"], table["emissions_kg_co2e"], strict=True)):
        axis.text(energy, row, f" {energy:.1f} kWh, {emissions:.2f} kg CO2e", va="center", fontsize=6)
    axis.set_xlim(0, 1.9 * table["energy_kwh"].max())
    axis.set_xlabel("Energy (kWh), estimated, worst case")
    axis.grid(visible=False, axis="y")
    days = axis.secondary_xaxis("top", functions=(_days, _kwh))
    days.set_xlabel("Days of a person's electricity in the US")
    return figure


def _days(energy_kwh: ArrayLike) -> ArrayLike:
    return np.asarray(energy_kwh) / US_PERSON_DAY_KWH


def _kwh(days: ArrayLike) -> ArrayLike:
    return np.asarray(days) * US_PERSON_DAY_KWH
