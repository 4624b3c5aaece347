"""Energy by platform."""

import pandas as pd

from isojoule import readable
from isojoule.figures.shared.panels import Sheet, bars, blank, label_decades, legend, points
from isojoule.figures.shared.reading import drawable
from isojoule.figures.shared.styles import PHASES, PLATFORMS, cycled, energy_label, phases_of, platform_label

# with more architectures than this, none is named
MOST_NAMED = 120


def draw(frame: pd.DataFrame) -> Sheet:
    """Draw the figure from a table of measurements, with one panel per phase."""
    table = drawable(frame)
    phases, gpus = phases_of(table), list(table["gpu"].unique())
    is_first = (table["gpu"] == gpus[0]) & (table["phase"] == phases[0])
    first_kwh = table[is_first].set_index("architecture")["energy_mean_kwh"]
    names = sorted(table["architecture"].unique(), key=lambda name: (first_kwh.get(name, float("nan")), name))
    figure = blank(3.6 * len(phases) + 1.2, 0.17 * min(len(names), MOST_NAMED) + 1.3)
    axes = figure.subplots(1, len(phases), sharey=True, squeeze=False)[0]
    for axis, phase in zip(axes, phases, strict=True):
        axis.set_xscale("log")
        of_phase = table[table["phase"] == phase]
        unit = readable.unit("kWh", of_phase["energy_mean_kwh"])
        for gpu, (colour, marker) in zip(gpus, cycled(PLATFORMS, len(gpus)), strict=True):
            part = of_phase[of_phase["gpu"] == gpu]
            rows = [names.index(name) for name in part["architecture"]]
            x, xerr = unit.of(part["energy_mean_kwh"]), bars(part, "energy", "_kwh", unit)
            points(axis, x, rows, colour, marker, platform_label(table[table["gpu"] == gpu], gpu), xerr=xerr)
        axis.set(title=PHASES[phase], xlabel=energy_label(of_phase, unit))
        label_decades(axis.xaxis)
    if len(names) <= MOST_NAMED:
        axes[0].set_yticks(range(len(names)), names)
    else:
        axes[0].set_ylabel(f"{len(names)} architectures")
    axes[0].set_ylim(-0.7, len(names) - 0.3)
    legend(figure, min(len(gpus), 4))
    return figure
