"""Energy of training against three quantities of compute."""

import pandas as pd

from isojoule import readable
from isojoule.compute_energy.quantities import PREDICTORS
from isojoule.figures.shared.empty import NothingError
from isojoule.figures.shared.linking import energies_with_fits, quantities_to_draw
from isojoule.figures.shared.panels import Sheet, blank, legend
from isojoule.figures.shared.styles import family_styles, platform_label

UNITS = {"flops": "FLOP", "flops-exact": "FLOP", "bytes-moved": "B"}


def draw(frame: pd.DataFrame) -> Sheet:
    """Draw the figure from a table of measurements, with one row of panels per platform."""
    table = quantities_to_draw(frame, "train")
    shown = {name: unit for name, unit in UNITS.items() if table[PREDICTORS[name][0]].notna().any()}
    if not shown:
        raise NothingError("This study has no training whose compute was counted.")
    energy_unit = readable.unit_of_linear_axis("kWh", table["energy_mean_kwh"])
    gpus, styles = list(table["gpu"].unique()), family_styles(table)
    figure = blank(2.9 * len(shown) + 0.8, 2.6 * len(gpus) + 0.7)
    grid = figure.subplots(len(gpus), len(shown), squeeze=False)
    for row, gpu in zip(grid, gpus, strict=True):
        part = table[table["gpu"] == gpu]
        for axis, (name, unit) in zip(row, shown.items(), strict=True):
            column, _, label = PREDICTORS[name]
            energies_with_fits(axis, part, styles, column, unit, energy_unit, fit_each=True)
            axis.set_title(platform_label(part, gpu), fontsize=8)
            axis.set_xlabel(label)
        row[0].set_ylabel(energy_unit.label("Energy of the training"))
    legend(figure, len(styles))
    return figure
