"""What the figures of compute and energy share: linear axes as in the paper, fits, and their words."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, MaxNLocator

from isojoule.compute_energy.fits import Fit, fit_affine
from isojoule.compute_energy.quantities import ALL, groups, quantities
from isojoule.figures.shared.drawing import (
    PHASES,
    blank,
    family_label,
    family_styles,
    in_few_families,
    legend,
    nothing,
    platform_label,
    points,
)

MARKERS = {"train": "o", "test": "^"}


def described(frame: pd.DataFrame, phase: str | None = None) -> pd.DataFrame:
    """What was computed for each energy, of one phase or both; may be empty."""
    table = in_few_families(quantities(frame)[0])
    return table if phase is None else table[table["phase"] == phase]


def computation(frame: pd.DataFrame, phase: str) -> Figure:
    """Energy of a phase against FLOPs and parameters: two rows per platform, a column for all and for each group."""
    table = described(frame, phase)
    if table.empty:
        return nothing(f"This study has no {PHASES[phase].lower()}.")
    panels = groups(table)
    rows = [(gpu, column) for gpu in table["gpu"].unique() for column in ("published_flops", "params")]
    figure = blank(2.9 * len(panels) + 0.8, 2.5 * len(rows) + 0.6)
    grid = figure.subplots(len(rows), len(panels), squeeze=False)
    for row, (gpu, column) in zip(grid, rows, strict=True):
        for axis, (name, families) in zip(row, panels.items(), strict=True):
            part = table[(table["gpu"] == gpu) & table["family"].isin(families)]
            unit = "FLOP" if column == "published_flops" else ""
            energies(axis, part, column, unit, fit_each=name != ALL or len(panels) == 1)
            axis.set_title(f"{platform_label(part, gpu)}: {name}", fontsize=8)
            axis.set_xlabel(f"FLOPs of the {phase_word(phase)}" if unit else "Parameters")
        row[0].set_ylabel("Energy")
    legend(figure, grid[0][0], len(family_styles(table)))
    return figure


def energies(axis: Axes, part: pd.DataFrame, column: str, unit: str, *, fit_each: bool) -> None:
    """Energy against a quantity of compute, and one affine fit per family, or a single one over all."""
    known = part.dropna(subset=[column])
    words = []
    for family, (colour, marker) in family_styles(part).items():
        mine = known[known["family"] == family]
        points(axis, mine[column], mine["energy_j"], colour, marker, family_label(family), yerr=mine["energy_half_j"])
        if fit_each and (fit := fit_affine(mine["energy_j"], mine[column])):
            line(axis, fit, mine[column], colour)
            words.append(f"{family_label(family)}: {in_words(fit, unit)}")
    if not fit_each and (fit := fit_affine(known["energy_j"], known[column])):
        line(axis, fit, known[column], "#444444")
        words.append(f"all: {in_words(fit, unit)}")
    say(axis, words)
    engineering(axis, "J")


def line(axis: Axes, fit: Fit, x: pd.Series, colour: str) -> None:
    """A fit, over the points that it is of."""
    ends = np.array([x.min(), x.max()], dtype=float)
    axis.plot(ends, fit.coefficients[0] + fit.coefficients[1] * ends, color=colour, linewidth=1, zorder=1)


def in_words(fit: Fit, unit: str, of: str = "J") -> str:
    """R2, and the slope with its unit where it has one."""
    slope = f", {EngFormatter(places=1)(fit.coefficients[1])}{of}/{unit}" if unit else ""
    return f"R² {fit.r2:.2f}{slope}"


def say(axis: Axes, words: list[str]) -> None:
    """Lines of text in the upper left corner, above the points."""
    axis.margins(y=0.05)
    low, high = axis.get_ylim()
    axis.set_ylim(low, high + 0.11 * len(words) * (high - low))
    axis.text(0.03, 0.98, "\n".join(words), transform=axis.transAxes, fontsize=7, va="top")


def engineering(axis: Axes, y_unit: str) -> None:
    """Few ticks, with the prefixes of SI; the label of the horizontal axis has its unit."""
    for side, unit in ((axis.xaxis, ""), (axis.yaxis, y_unit)):
        side.set_major_locator(MaxNLocator(5))
        side.set_major_formatter(EngFormatter(unit=unit, sep=" "))
    axis.tick_params(labelsize=7)


def phase_word(phase: str) -> str:
    """As axes name it."""
    return PHASES[phase].lower()


def legend_of_phases(figure: Figure, styles: dict[str, tuple[str, str]], phases: list[str]) -> None:
    """One legend for figures whose colours are families and whose markers are phases."""
    handles = [Line2D([], [], marker="s", linestyle="", color=colour) for colour, _ in styles.values()]
    handles += [Line2D([], [], marker=MARKERS[phase], linestyle="", color="#444444") for phase in phases]
    labels = [*map(family_label, styles), *(PHASES[phase] for phase in phases)]
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
