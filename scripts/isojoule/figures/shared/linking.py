"""What the figures of compute and energy share: linear axes as in the paper, fits, and the words beside them."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, MaxNLocator

from isojoule import readable
from isojoule.compute_energy.fits import Fit, fit_affine
from isojoule.compute_energy.quantities import ALL, groups, quantities
from isojoule.errors import InputError
from isojoule.figures.shared.empty import NothingError
from isojoule.figures.shared.panels import Sheet, bars, blank, legend, legend_of, points
from isojoule.figures.shared.reading import in_few_families
from isojoule.figures.shared.styles import PHASES, family_label, family_styles, platform_label
from isojoule.readable import Unit
from isojoule.units import JOULES_PER_KWH

MARKERS = {"train": "o", "test": "^"}


def quantities_to_draw(frame: pd.DataFrame, phase: str | None = None) -> pd.DataFrame:
    """Return what was computed for each energy, of one phase or of both; there may be no row.

    Args:
        frame: a table of measurements.
        phase: `train`, `test`, or None for both.

    Raises:
        NothingError: no cell has an energy.
    """
    try:
        table = in_few_families(quantities(frame)[0])
    except InputError as error:
        raise NothingError("This study has no energy.") from error
    return table if phase is None else table[table["phase"] == phase]


def energy_against_computation(frame: pd.DataFrame, phase: str) -> Sheet:
    """Draw energy against FLOPs and parameters: two rows per platform, a column for all and for each group of families.

    Args:
        frame: a table of measurements.
        phase: `train` or `test`.
    """
    columns = ["published_flops", "params"]
    table = quantities_to_draw(frame, phase).dropna(subset=columns, how="all")
    if table.empty:
        raise NothingError(f"This study has no energy of {PHASES[phase].lower()} whose FLOPs or parameters are there.")
    panels, styles = groups(table), family_styles(table)
    shown = [column for column in columns if table[column].notna().any()]
    rows = [(gpu, column) for gpu in table["gpu"].unique() for column in shown]
    energy_unit = readable.unit_of_linear_axis("kWh", table["energy_mean_kwh"])
    figure = blank(2.9 * len(panels) + 0.8, 2.5 * len(rows) + 0.6)
    grid = figure.subplots(len(rows), len(panels), squeeze=False)
    for row, (gpu, column) in zip(grid, rows, strict=True):
        for axis, (name, families) in zip(row, panels.items(), strict=True):
            part = table[(table["gpu"] == gpu) & table["family"].isin(families)]
            unit = "FLOP" if column == "published_flops" else ""
            energies_with_fits(axis, part, styles, column, unit, energy_unit, fit_each=name != ALL or len(panels) == 1)
            axis.set_title(f"{platform_label(part, gpu)}\n{name}")
            axis.set_xlabel(f"FLOPs of the {PHASES[phase].lower()}" if unit else "Parameters")
        row[0].set_ylabel(energy_unit.label("Energy"))
    legend(figure, len(styles))
    return figure


def energies_with_fits(
    axis: Axes,
    part: pd.DataFrame,
    styles: dict[str, tuple[str, str]],
    column: str,
    unit: str,
    energy_unit: Unit,
    *,
    fit_each: bool,
) -> None:
    """Draw energy against a quantity of compute, with affine fits.

    Args:
        axis: where to draw.
        part: rows of `quantities_to_draw`.
        styles: colour and marker of every family, the same in all panels.
        column: column of the quantity.
        unit: unit of the quantity, or nothing for a count.
        energy_unit: unit of the axis of energy.
        fit_each: whether there is one fit per family; otherwise there is a single one over all.
    """
    complete = part.dropna(subset=[column])
    words = []
    for family, (colour, marker) in styles.items():
        of_family = complete[complete["family"] == family]
        if of_family.empty:
            continue
        x, y = of_family[column], of_family["energy_j"]
        shown, yerr = energy_unit.of(of_family["energy_mean_kwh"]), bars(of_family, "energy", "_kwh", energy_unit)
        points(axis, x, shown, colour, marker, family_label(family), yerr=yerr)
        if fit_each and (fit := fit_affine(y, x)):
            _draw_fit(axis, fit, x, colour, energy_unit)
            words.append(f"{family_label(family)}: {_fit_in_words(fit, unit)}")
    if not fit_each and (fit := fit_affine(complete["energy_j"], complete[column])):
        _draw_fit(axis, fit, complete[column], "#444444", energy_unit)
        words.append(f"all: {_fit_in_words(fit, unit)}")
    _write_above_points(axis, words)
    si_ticks(axis)


def _draw_fit(axis: Axes, fit: Fit, x: pd.Series, colour: str, energy_unit: Unit) -> None:
    """Draw a fit in joules as a line over the range of its points."""
    ends = np.array([x.min(), x.max()], dtype=float)
    energies_j = fit.coefficients[0] + fit.coefficients[1] * ends
    axis.plot(ends, energy_unit.of(energies_j / JOULES_PER_KWH), color=colour, linewidth=1, zorder=1)


def _fit_in_words(fit: Fit, unit: str) -> str:
    """Write R2, and the slope with its unit where the quantity has one."""
    slope = f", {_with_prefix(fit.coefficients[1])}J/{unit}" if unit else ""
    return f"R² {fit.r2:.2f}{slope}"


def _with_prefix(value: float) -> str:
    """Write a number with three significant digits and an SI prefix, the space before the prefix included."""
    number, _, prefix = EngFormatter(places=9)(value).partition(" ")
    return f"{readable.digits(float(number.replace(chr(0x2212), '-')))} {prefix}"


def _write_above_points(axis: Axes, lines: list[str]) -> None:
    """Write lines of text into the upper left corner, and make room for them above the points."""
    axis.margins(y=0.05)
    low, high = axis.get_ylim()
    axis.set_ylim(low, high + 0.11 * len(lines) * (high - low))
    # a fit may go below 0, where there is no energy
    axis.set_ylim(bottom=max(low, 0))
    # a bar may go on through the words
    behind = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}
    axis.text(0.02, 0.98, "\n".join(lines), transform=axis.transAxes, fontsize=7, va="top", bbox=behind)


def si_ticks(axis: Axes) -> None:
    """Label few ticks, the horizontal ones with SI prefixes."""
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_locator(MaxNLocator(5))
    axis.xaxis.set_major_formatter(EngFormatter(sep=" "))
    axis.tick_params(labelsize=7)


def legend_of_phases(figure: Sheet, styles: dict[str, tuple[str, str]], phases: list[str]) -> None:
    """Draw one legend for figures whose colours are families and whose markers are phases."""
    handles = [Line2D([], [], marker="s", linestyle="", color=colour) for colour, _ in styles.values()]
    handles += [Line2D([], [], marker=MARKERS[phase], linestyle="", color="#444444") for phase in phases]
    labels = [*map(family_label, styles), *(PHASES[phase] for phase in phases)]
    legend_of(figure, handles, labels, len(labels))
