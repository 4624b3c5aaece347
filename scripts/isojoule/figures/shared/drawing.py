"""What all figures share: colours, style, panels, labels."""

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullFormatter, NullLocator, ScalarFormatter
from numpy.typing import NDArray

from isojoule.errors import InputError
from isojoule.figures.captions import STYLE
from isojoule.files import written_whole
from isojoule.tables.energy import energy_table
from isojoule.tables.reading import read_any

# Okabe and Ito's colours, told apart by colour-blind readers; families and platforms share none
FAMILIES = {"mlp": ("#0072B2", "o"), "rnn": ("#009E73", "s"), "cnn": ("#D55E00", "^"), "crnn": ("#CC79A7", "D")}
MOST_FAMILIES = 12
OTHER_FAMILIES = [("#E69F00", "P"), ("#56B4E9", "X"), ("#999999", "v")]
PLATFORMS = [("#000000", "o"), ("#E69F00", "D"), ("#56B4E9", "s"), ("#999999", "^"), ("#B2A300", "v")]
PHASES = {"train": "Training", "test": "Test"}

# verdicts on models: Tol's high contrast, told apart in print without colour as well
VERDICTS = {"optimal": ("#004488", "o"), "within noise": ("#DDAA33", "D"), "dominated": ("#BB5566", "X")}

# of most journals: a column beside the text of two, which is what the style has
COLUMN = 86 / 178
# figures narrower than this share of the text go into a column
NARROW = 0.6
MM_PER_INCH = 25.4


def save(
    draw: Callable[[pd.DataFrame], Figure],
    frame: pd.DataFrame,
    outputs: list[Path],
    texts: Mapping[str, str] | None = None,
    text_mm: float | None = None,
) -> None:
    """Draw a figure into files, in the style of all, as wide as a column or as the text.

    Args:
        draw: from a table to a figure.
        frame: the table.
        outputs: files; their endings (.svg, .png, .pdf) decide the format.
        texts: what to write in place of what, wherever it stands as words of its own in the figure.
        text_mm: width of the text, by default the style's.

    Raises:
        InputError: another ending, a file that cannot be written, or a formula in `texts` that is none.
    """
    for output in outputs:
        if output.suffix not in (".svg", ".png", ".pdf"):
            raise InputError(f"{output}: found the ending {output.suffix or 'none'}, expected .svg, .png or .pdf")
    with mpl.rc_context(fname=STYLE):
        if text_mm:
            mpl.rcParams["figure.figsize"] = (text_mm / MM_PER_INCH, text_mm / MM_PER_INCH)
        figure = draw(_without_formulas(frame))
        for old, new in (texts or {}).items():
            _rewrite(figure, re.compile(rf"(?<!\w){re.escape(old)}(?!\w)"), new)
        for output in outputs:
            with written_whole(output) as temporary:
                metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(output.suffix)
                try:
                    figure.savefig(temporary, format=output.suffix.lstrip("."), metadata=metadata)
                except ValueError as error:
                    raise InputError(f"figures.texts: cannot be drawn: {' '.join(str(error).split())}") from error


def _without_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with the dollars of its words escaped, so that no name is taken for a formula."""
    words = [name for name in frame if pd.api.types.is_string_dtype(frame[name])]
    return frame.assign(**{name: frame[name].str.replace("$", r"\$", regex=False) for name in words})


def reading(what: str, columns: Collection[str]) -> Callable[[Path], pd.DataFrame]:
    """What reads the table of a figure: CSV or parquet, with these columns.

    Args:
        what: the table is, for the messages.
        columns: that it must have.
    """

    def read(path: Path) -> pd.DataFrame:
        table = read_any(path, what)
        if missing := [name for name in columns if name not in table]:
            raise InputError(f"{path}: found no column {', '.join(missing)}, expected {what}")
        return table

    return read


def _rewrite(figure: Figure, old: re.Pattern[str], new: str) -> None:
    for text in figure.findobj(Text):
        text.set_text(old.sub(lambda _: new, text.get_text()))
    for axis in (side for axes in figure.axes for side in (axes.xaxis, axes.yaxis)):
        # names at ticks are written anew whenever the figure is drawn
        if isinstance(axis.get_major_locator(), FixedLocator):
            ticks = axis.get_majorticklocs().tolist()
            names = axis.get_major_formatter().format_ticks(ticks)
            axis.set_ticks(ticks, [old.sub(lambda _: new, name) for name in names])


def drawable(frame: pd.DataFrame) -> pd.DataFrame:
    """The table of energy, of what was measured.

    Raises:
        InputError: nothing was.
    """
    table = in_few_families(energy_table(frame))
    table = table[table["repeats"] > 0]
    if table.empty:
        raise InputError("the table of measurements has no row with outcome ok, there is nothing to draw")
    return table


def in_few_families(table: pd.DataFrame) -> pd.DataFrame:
    """The table as it is, or as one family where there are more of them than colours could tell apart.

    A table of others without families has one for every architecture.
    """
    many = table["family"].nunique() > MOST_FAMILIES
    return table.assign(family="all") if many else table


def blank(width: float, height: float) -> Figure:
    """A figure as wide as a column or the text, whichever is nearer to what it would like.

    Args:
        width: in inches, that it would like.
        height: in inches; panels that must shrink keep most of theirs.
    """
    text: float = mpl.rcParams["figure.figsize"][0]
    fitted = text * COLUMN if width < NARROW * text else text
    return Figure(figsize=(fitted, height * np.clip((fitted / width) ** 0.5, 0.8, 1)))


def nothing(reason: str) -> Figure:
    """A figure that says why there is none."""
    figure = blank(7, 1)
    figure.text(0.5, 0.5, reason, ha="center", va="center", wrap=True)
    return figure


# where a bar ends on a logarithmic axis, in parts of the mean, when its interval reaches 0
SHORTEST = 0.1
# ranges of a logarithmic axis, as ratios, in which 1, 2 and 5 may be a single tick
NARROWEST = 7


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
    """Label powers of ten, in between where there are too few of them, and round values where there is hardly one."""
    # what panels have in common that share an axis, and with it its ticks
    low, high = axis.get_view_interval()
    if high < NARROWEST * low:
        axis.set_major_locator(MaxNLocator(4))
        axis.set_major_formatter(ScalarFormatter())
        axis.set_minor_locator(NullLocator())
    else:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 40 * low else (1,)))
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
