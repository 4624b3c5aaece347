"""How a figure is drawn into files: in the style of all figures, with the user's words."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from isojoule.errors import InputError
from isojoule.figures import STYLE
from isojoule.figures.shared import empty, wording
from isojoule.figures.shared.compact import compacted
from isojoule.figures.shared.empty import NothingError
from isojoule.figures.shared.fitting import fit, shortened
from isojoule.figures.shared.panels import Sheet, blank, leave_out_empty
from isojoule.figures.shared.wording import Words
from isojoule.files import written_whole
from isojoule.tables.outcomes import without_energy

MM_PER_INCH = 25.4
# platforms, architectures or cells without an energy that a figure names
MOST_NAMED = 4
# characters of the longest name, by the columns that have names of the same things
LONGEST = {("gpu", "source", "target", "normalized_to"): 22, ("architecture", "model"): 26, ("family",): 12}


def save(
    draw: Callable[[pd.DataFrame], Sheet],
    frame: pd.DataFrame,
    outputs: list[Path],
    texts: Mapping[str, str] | None = None,
    text_mm: float | None = None,
    *,
    allow_empty: bool = False,
    mark: str = "",
) -> None:
    """Draw a figure into files, in the style of all figures and as wide as a column or as the text.

    Args:
        draw: draws the figure from its table.
        frame: the table.
        outputs: files, whose endings (.svg, .png, .pdf) decide the format.
        texts: new texts by the words that they replace, wherever these stand in the figure as words of their own.
        text_mm: width of the text in millimetres; by default the style's.
        allow_empty: whether the files say why where the table has nothing to draw.
        mark: what the figure is drawn of beside the user's texts, which is kept in the files for `is_drawn`.

    Raises:
        NothingError: the table has nothing to draw.
        InputError: a file has another ending or cannot be written, or a formula in `texts` is none.
    """
    for output in outputs:
        if output.suffix not in (".svg", ".png", ".pdf"):
            raise InputError(f"{output}: found the ending {output.suffix or 'none'}, expected .svg, .png or .pdf")
    with mpl.rc_context(fname=STYLE):
        about_empty = {}
        try:
            figure = drawn(draw, frame, texts, text_mm)
        except NothingError as error:
            if not allow_empty:
                raise
            about_empty, figure = empty.metadata(str(error)), blank(7, 1)
            figure.text(0.5, 0.5, str(error), ha="center", va="center", wrap=True)
        kept = wording.kept(mark, figure.words, texts or {}) if mark else ""
        try:
            # with an engine of layout, even one that does nothing, Matplotlib draws and lays out every file twice
            with mpl.rc_context({"figure.constrained_layout.use": False}):
                figure.set_layout_engine(None)
                metadata = {
                    ".svg": {"Date": None, **({"Identifier": kept} if kept else {}), **about_empty},
                    ".pdf": {"CreationDate": None, "Keywords": kept},
                    ".png": {"Keywords": kept},
                }
                for output in outputs:
                    with written_whole(output) as temporary:
                        figure.savefig(temporary, format=output.suffix.lstrip("."), metadata=metadata[output.suffix])
                        if output.suffix == ".svg":
                            temporary.write_text(compacted(temporary.read_text(encoding="utf-8")), encoding="utf-8")
        except ValueError as error:
            raise _no_formula(error) from error


def is_drawn(path: Path, mark: str, texts: Mapping[str, str] | None = None) -> bool:
    """Return whether a file is there that `save` drew with this mark, and whose words these texts would leave so."""
    try:
        return wording.is_kept(path.read_bytes(), mark, texts or {})
    except OSError:
        return False


def drawn(
    draw: Callable[[pd.DataFrame], Sheet],
    frame: pd.DataFrame,
    texts: Mapping[str, str] | None = None,
    text_mm: float | None = None,
) -> Sheet:
    """Return a figure in the style of all figures with everything in its place; arguments and errors as of `save`."""
    with mpl.rc_context(fname=STYLE):
        if text_mm:
            mpl.rcParams["figure.figsize"] = (text_mm / MM_PER_INCH, text_mm / MM_PER_INCH)
        long_names = [name for _, names, most in _names(frame) for name in names if len(name) > most]
        frame = _without_formulas(_with_short_names(frame, texts or {}))
        # pandas copies them deeply with every column that is taken
        frame.attrs = {}
        figure = draw(frame)
        leave_out_empty(figure)
        _say_what_is_not_drawn(figure, frame)
        figure.words = Words(wording.replace(figure, texts or {}), long_names)
        try:
            fit(figure)
        except ValueError as error:
            raise _no_formula(error) from error
    return figure


def _no_formula(error: ValueError) -> InputError:
    return InputError(f"figures.texts: cannot be drawn: {' '.join(str(error).split())}")


def _say_what_is_not_drawn(figure: Figure, frame: pd.DataFrame) -> None:
    """Name below a figure of measurements the cells that have no energy to draw."""
    names = without_energy(frame, MOST_NAMED) if "outcome" in frame else []
    if names:
        figure.supxlabel(f"Without an energy: {'; '.join(names)}", x=0.01, ha="left", fontsize=7)


def _names(frame: pd.DataFrame) -> Iterator[tuple[list[str], list[str], int]]:
    """Yield the columns of a table that have names of the same things, the names, and how long these may be."""
    for columns, most in LONGEST.items():
        present = [name for name in columns if name in frame]
        yield present, [str(name) for column in present for name in frame[column].dropna().unique()], most


def _with_short_names(frame: pd.DataFrame, texts: Mapping[str, str]) -> pd.DataFrame:
    """Shorten the names in a table that no panel has room for."""
    for columns, names, most in _names(frame):
        if short := shortened(names, most, texts):
            frame = frame.assign(**{column: frame[column].astype(str).replace(short) for column in columns})
    return frame


def _without_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """Escape the dollars in the words of a table, so that no name is taken for a formula."""
    words = [name for name in frame if pd.api.types.is_string_dtype(frame[name])]
    return frame.assign(**{name: frame[name].str.replace("$", r"\$", regex=False) for name in words})
