"""What the page says of itself to tabs, bookmarks and whoever shares its address."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urljoin

import pandas as pd

from isojoule.figures.shared import empty
from isojoule.readable import counted
from isojoule.tables.columns import KINDS
from isojoule.tables.qualities import QUALITIES

# the figures that a picture may be of, the best first; a study draws each as PNG beside the SVG
PICTURES = ("pareto-energy", "energy-platforms")
ICON = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><rect width='16' height='16' rx='3' fill='#004488'/>"
    "<path d='M3 13V10H6V7H10V4H13' fill='none' stroke='white' stroke-width='2'/></svg>"
)


def subject(frame: pd.DataFrame) -> str:
    """Name what the study is about; without a quality that is energy alone."""
    return "energy and quality" if any(name in frame and frame[name].notna().any() for name in QUALITIES) else "energy"


def title(study: str, frame: pd.DataFrame) -> str:
    """Name the page: the study, its size, and what kinds of energy it has."""
    ok = frame[frame["outcome"] == "ok"]
    kinds = [kind for kind in KINDS if (ok["energy_kind"] == kind).any()]
    models, platforms = frame["architecture"].nunique(), frame["gpu"].nunique()
    of = f"{counted(models, 'model')} on {counted(platforms, 'platform')}"
    return f"{study}: {subject(frame)} of {of}" + (f" ({' and '.join(kinds)})" if kinds else "")


def picture(figures: Sequence[Path], page: Path, url: str | None = None) -> str:
    """Return the address of the picture that stands for the page where its address is shared.

    Args:
        figures: SVG files of the page, of which those without data are passed over.
        page: where the page is written.
        url: address of the page, where it has one. Whoever shows the picture needs its whole address.

    Returns:
        the address, beside that of the page; nothing where no figure below the page's folder has a PNG beside it.
    """
    there = [figure for figure in figures if figure.is_file()]
    drawn = {figure.stem: figure for figure in there if empty.reason(figure.read_bytes()) is None}
    for name in PICTURES:
        path = drawn[name].with_suffix(".png") if name in drawn else None
        if path and path.is_file() and path.absolute().is_relative_to(page.absolute().parent):
            beside = path.absolute().relative_to(page.absolute().parent).as_posix()
            return urljoin(url, beside) if url else beside
    return ""
