"""What all figures share: colours, style, panels, labels."""

from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from isojoule.errors import InputError
from isojoule.files import written_whole
from isojoule.tables import energy_table

# Okabe and Ito's colours, told apart by colour-blind readers; families and platforms share none
FAMILIES = {"mlp": ("#0072B2", "o"), "rnn": ("#009E73", "s"), "cnn": ("#D55E00", "^"), "crnn": ("#CC79A7", "D")}
OTHER_FAMILIES = [("#E69F00", "P"), ("#56B4E9", "X"), ("#999999", "v")]
PLATFORMS = [("#000000", "o"), ("#E69F00", "D"), ("#56B4E9", "s"), ("#999999", "^"), ("#B2A300", "v")]
PHASES = {"train": "Training", "test": "Test"}

STYLE = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.5,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "figure.dpi": 150,
    "figure.constrained_layout.use": True,
    "svg.hashsalt": "isojoule",
}


def save(draw: Callable[[pd.DataFrame], Figure], frame: pd.DataFrame, outputs: list[Path]) -> None:
    """Draw a figure into files, in the style of all; the endings (.svg, .png, .pdf) decide the format."""
    with mpl.rc_context(STYLE):  # type: ignore[arg-type]
        figure = draw(frame)
        for output in outputs:
            with written_whole(output) as temporary:
                metadata = {"Date": None} if output.suffix == ".svg" else None
                figure.savefig(temporary, format=output.suffix.lstrip("."), metadata=metadata)


def drawable(frame: pd.DataFrame) -> pd.DataFrame:
    """The table of energy, of what was measured.

    Raises:
        InputError: nothing was.
    """
    table = energy_table(frame)
    table = table[table["repeats"] > 0]
    if table.empty:
        raise InputError("the table of measurements has no row with outcome ok, there is nothing to draw")
    return table


def energy_against(frame: pd.DataFrame, column: str, label: str) -> Figure:
    """Energy against a column of the table of measurements, one panel per phase and platform.

    Raises:
        InputError: the column is empty.
    """
    table = drawable(frame).dropna(subset=[column])
    if table.empty:
        raise InputError(f"the table of measurements has no value in column {column}, there is nothing to draw")
    return panels(table, column, "energy_mean_kwh", label, horizontal_energy=False)


def panels(table: pd.DataFrame, x: str, y: str, label: str, *, horizontal_energy: bool) -> Figure:
    """One panel per phase (row) and platform (column), one colour and marker per family."""
    phases, gpus = phases_of(table), list(table["gpu"].unique())
    figure = blank(2.9 * len(gpus) + 0.9, 2.4 * len(phases) + 0.7)
    grid = figure.subplots(len(phases), len(gpus), sharex=not horizontal_energy, sharey="row", squeeze=False)
    styles = family_styles(table)
    for row, phase in zip(grid, phases, strict=True):
        for axis, gpu in zip(row, gpus, strict=True):
            panel = table[(table["gpu"] == gpu) & (table["phase"] == phase)]
            for family, (colour, marker) in styles.items():
                part = panel[panel["family"] == family]
                bars = {"xerr" if horizontal_energy else "yerr": part["energy_std_kwh"]}
                points(axis, part[x], part[y], colour, marker, family_label(family), **bars)
            axis.set_title(f"{PHASES[phase]} on {platform_label(panel, gpu)}")
            axis.set_xscale("log")
            label_decades(axis.xaxis)
            if not horizontal_energy:
                axis.set_yscale("log")
                label_decades(axis.yaxis)
        row[0].set_ylabel(label if horizontal_energy else energy_label(table[table["phase"] == phase]))
    for column, _ in enumerate(gpus):
        for axis in grid[:, column] if horizontal_energy else [grid[-1, column]]:
            axis.set_xlabel(energy_label(table) if horizontal_energy else label)
    legend(figure, grid[0][0], len(styles))
    return figure


def blank(width: float, height: float) -> Figure:
    """A figure of this size in inches."""
    return Figure(figsize=(width, height))


def points(axis: Axes, x: pd.Series, y: object, colour: str, marker: str, label: str, **bars: pd.Series) -> None:
    """Points of one family or platform, with bars of the standard deviation over repeats."""
    errors = {name: values.astype(float).fillna(0).to_numpy() for name, values in bars.items()}
    axis.errorbar(
        pd.Series(x).astype(float).to_numpy(),
        pd.Series(y).astype(float).to_numpy(),
        fmt=marker,
        color=colour,
        label=label,
        markersize=5,
        markeredgecolor="white",
        markeredgewidth=0.4,
        elinewidth=0.9,
        capsize=2,
        **errors,
    )


def label_decades(axis: Axis) -> None:
    """Label powers of ten, and in between only where there are too few of them to read a value."""
    low, high = axis.get_data_interval()
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 30 * low else (1,)))
    axis.set_minor_formatter(NullFormatter())


def legend(figure: Figure, axis: Axes, columns: int) -> None:
    """One legend above all panels."""
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=columns)


def phases_of(table: pd.DataFrame) -> list[str]:
    """The phases of the table, training first."""
    return [phase for phase in PHASES if phase in set(table["phase"])]


def platform_label(part: pd.DataFrame, gpu: str) -> str:
    """The platform's name, and whether its energies are not measured."""
    kinds = sorted({kind for kinds in part["energy_kind"].dropna() for kind in kinds.split(", ")} - {"measured"})
    return f"{gpu} ({', '.join(kinds)})" if kinds else gpu


def energy_label(table: pd.DataFrame) -> str:
    """The label of an axis of energy: unit and kind."""
    kinds = sorted({kind for kinds in table["energy_kind"].dropna() for kind in kinds.split(", ")})
    return f"Energy (kWh), {' and '.join(kinds)}"


def family_label(family: str) -> str:
    """As legends name it: the published families are abbreviations."""
    return family.upper() if family in FAMILIES else family


def family_styles(table: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Colour and marker of every family in the table."""
    present = list(table["family"].unique())
    others = [family for family in present if family not in FAMILIES]
    known = {family: style for family, style in FAMILIES.items() if family in present}
    return {**known, **dict(zip(others, cycled(OTHER_FAMILIES, len(others)), strict=True))}


def cycled(styles: list[tuple[str, str]], count: int) -> list[tuple[str, str]]:
    """As many styles as asked for, from the start again where there are too few."""
    return [styles[index % len(styles)] for index in range(count)]
