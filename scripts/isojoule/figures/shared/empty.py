"""Figures that a table has nothing for: they are not drawn, and a file that must be there says why."""

import html
import re

from isojoule.errors import InputError

# title of a file that stands for a figure, by which the page knows it
TITLE = "Not drawn"
REASON = re.compile(f"<dc:title>{TITLE}</dc:title>.*?<dc:description>(.*?)</dc:description>".encode(), re.DOTALL)


class NothingError(InputError):
    """A table has nothing that the figure shows; the message is a sentence for readers of the report."""


def metadata(reason: str) -> dict[str, str]:
    """Return what marks an SVG file that stands for a figure."""
    return {"Title": TITLE, "Description": reason}


def reason(svg: bytes) -> str | None:
    """Return why the figure of an SVG file was not drawn, or None where it was."""
    match = REASON.search(svg)
    return html.unescape(match.group(1).decode()) if match else None
