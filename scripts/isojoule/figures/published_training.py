"""Energy of five published trainings, estimated from their hardware and hours (table 1 of the generative study)."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from isojoule.figures.shared.panels import Sheet, blank
from isojoule.literature.training import US_PERSON_DAY_KWH
from isojoule.tables.expected import Expected

READ = Expected(
    "a table of isojoule estimate-training", words=("model",), numbers=("energy_kwh", "emissions_kg_co2e")
).read


def draw(table: pd.DataFrame) -> Sheet:
    """Draw the figure from a table of estimated trainings."""
    table = table.sort_values("energy_kwh")
    figure = blank(3.4, 0.25 * len(table) + 1.2)
    axis = figure.subplots()
    axis.barh(table["model"], table["energy_kwh"], color="#777777", height=0.6)
    for row, (energy_kwh, emissions_kg) in enumerate(zip(table["energy_kwh"], table["emissions_kg_co2e"], strict=True)):
        axis.text(energy_kwh, row, f" {energy_kwh:.1f} kWh, {emissions_kg:.2f} kg CO2e", va="center", fontsize=7)
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
