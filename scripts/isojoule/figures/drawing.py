"""What all figures share: colours, style, panels, labels."""

from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import NDArray

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


def blank(width: float, height: float) -> Figure:
    """A figure of this size in inches."""
    return Figure(figsize=(width, height))


def nothing(reason: str) -> Figure:
    """A figure that says why there is none."""
    figure = blank(7, 1)
    figure.text(0.5, 0.5, reason, ha="center", va="center", wrap=True)
    return figure


# what captions say of the bars of `points`
BARS = "Bars: 95 % interval of the mean over repeats (Student's t), on logarithmic axes down to a tenth of it at most."
# where a bar ends on a logarithmic axis, in parts of the mean, when its interval reaches 0
SHORTEST = 0.1


def half_width(table: pd.DataFrame, quantity: str, unit: str = "") -> pd.Series:
    """Half of the 95 % interval of a quantity of the table of energy; 0 for a single repeat."""
    half = table[f"{quantity}_ci95_high{unit}"] - table[f"{quantity}_mean{unit}"]
    return half.astype(float).fillna(0)


def points(
    axis: Axes,
    x: pd.Series,
    y: object,
    colour: str,
    marker: str,
    label: str,
    xerr: pd.Series | None = None,
    yerr: pd.Series | None = None,
) -> None:
    """Points of one family or platform, with bars that end inside the axis where it is logarithmic."""
    across, up = pd.Series(x).astype(float).to_numpy(), pd.Series(y).astype(float).to_numpy()
    axis.errorbar(
        across,
        up,
        xerr=_ends(xerr, across, axis.get_xscale()),
        yerr=_ends(yerr, up, axis.get_yscale()),
        fmt=marker,
        color=colour,
        label=label,
        markersize=5,
        markeredgecolor="white",
        markeredgewidth=0.4,
        elinewidth=0.9,
        capsize=2,
    )


def _ends(half: pd.Series | None, values: NDArray[np.float64], scale: str) -> NDArray[np.float64] | None:
    if half is None:
        return None
    above = half.astype(float).fillna(0).to_numpy()
    return np.vstack([np.minimum(above, (1 - SHORTEST) * values) if scale == "log" else above, above])


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
