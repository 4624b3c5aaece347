"""Which models are on the front of which platform."""

import pandas as pd

from isojoule.figures.shared import fronts
from isojoule.figures.shared.empty import NothingError
from isojoule.figures.shared.panels import Sheet, blank, legend
from isojoule.figures.shared.styles import PHASES, VERDICTS, phases_of
from isojoule.fronts.costs import NORMALIZED
from isojoule.pareto.front import DOMINATED

READ = fronts.read
MOST_ROWS = 60
# of the names of platforms, which stand upright where they have no room beside each other
CHARACTERS_PER_INCH = 17


def draw(table: pd.DataFrame) -> Sheet:
    """Draw the figure from a table of fronts: one row per model, one column per platform, a panel per phase."""
    table = table[table["cost"].isin(["energy_kwh", NORMALIZED])]
    if table.empty:
        raise NothingError("No front: nothing has both a quality and an energy.")
    to_target = table["gpu"] + " → " + table["normalized_to"]
    table = table.assign(platform=table["gpu"].where(table["normalized_to"] == "", to_target))
    platforms = list(dict.fromkeys(table["platform"]))
    phases = phases_of(table)
    shown = set(table.loc[table["verdict"] != DOMINATED, "architecture"])
    cheapest_first = table.groupby("architecture")["cost_mean"].min().sort_values()
    names = [name for name in cheapest_first.index if name in shown][:MOST_ROWS]
    width = 0.45 * len(platforms) * len(phases) + 2.0
    figure = blank(max(width, 3.4), 0.17 * len(names) + 1.6)
    axes = figure.subplots(1, len(phases), squeeze=False, sharey=True)[0]
    names_of_platforms = [platform.replace(" → ", "\n→ ") for platform in platforms]
    longest = max(len(line) for name in names_of_platforms for line in name.split("\n")) + 2
    room = CHARACTERS_PER_INCH * (figure.get_figwidth() / len(phases) - 0.6)
    for axis, phase in zip(axes, phases, strict=True):
        of_phase = table[(table["phase"] == phase) & table["architecture"].isin(names)]
        for verdict, (colour, marker) in VERDICTS.items():
            models = of_phase[of_phase["verdict"] == verdict]
            columns = [platforms.index(platform) for platform in models["platform"]]
            rows = [names.index(name) for name in models["architecture"]]
            axis.plot(columns, rows, marker, color=colour, markersize=5, label=verdict.capitalize())
        axis.set(title=PHASES[phase], xlim=(-0.6, len(platforms) - 0.4), ylim=(-0.7, len(names) - 0.3))
        axis.set_xticks(
            range(len(platforms)), names_of_platforms, rotation=0 if longest * len(platforms) < room else 90
        )
    axes[0].set_yticks(range(len(names)), names)
    legend(figure, len(VERDICTS))
    return figure
