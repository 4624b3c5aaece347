"""The figures inside the page, with their captions and the tables that they are drawn from."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from isojoule.errors import InputError
from isojoule.figures.captions import FIGURES
from isojoule.figures.shared import empty
from isojoule.files import unreadable
from isojoule.report.downloads import packed


def figures_by_category(figures: Sequence[Path], tables: Mapping[str, Path]) -> dict[str, list[dict[str, str]]]:
    """Return the figures that were drawn by category, in the order of the first figure of each.

    Args:
        figures: SVG files, whose names are those of figures.
        tables: the tables of the study, by their path below its results.

    Returns:
        of each figure `name`, `title`, `caption`, `packed` (the file), `table` (the path of its table) and `checksum`
        (of that table, or nothing where it is not there).

    Raises:
        InputError: a file is no figure or cannot be read.
    """
    by_category: dict[str, list[dict[str, str]]] = {}
    for figure in figures:
        if (description := FIGURES.get(figure.stem)) is None:
            raise InputError(f"{figure}: found a figure {figure.stem}, expected one of {', '.join(FIGURES)}")
        content = _read(figure)
        if empty.reason(content) is not None:
            continue
        table = tables.get(description.table)
        by_category.setdefault(description.category, []).append(
            {
                "name": figure.stem,
                "title": description.title,
                "caption": description.caption,
                "packed": packed(content),
                "table": description.table,
                "checksum": hashlib.sha256(table.read_bytes()).hexdigest()[:16] if table else "",
            }
        )
    return by_category


def left_out(figures: Sequence[Path]) -> dict[str, str]:
    """Return why figures were not drawn, by their titles; arguments and errors as of `figures_by_category`."""
    reasons = {figure: empty.reason(_read(figure)) for figure in figures}
    return {FIGURES[figure.stem].title: reason for figure, reason in reasons.items() if reason is not None}


def _read(figure: Path) -> bytes:
    try:
        content = figure.read_bytes()
    except OSError as error:
        raise unreadable(figure, error, "an SVG file, which isojoule plot draws") from error
    if b"<svg" not in content[:1000]:
        raise InputError(f"{figure}: is no SVG file, expected what isojoule plot draws")
    return content
