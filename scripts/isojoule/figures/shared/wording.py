"""The user's words in a figure, and which of them a figure that is already drawn has."""

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator

# what the files of a figure keep of its words, behind the mark of all else that it is drawn of
KEPT = rb" ([\w=-]+) ([0-9a-f]{64})"


class Words(NamedTuple):
    """The words of a figure before the user's are put in their place.

    Attributes:
        shown: titles, labels, names at ticks and notes.
        long_names: names of a table that would be shortened, which stay whole where the user replaces a part of them.
    """

    shown: Sequence[str]
    long_names: Sequence[str]


def replace(figure: Figure, texts: Mapping[str, str]) -> list[str]:
    """Put the user's texts in the place of the words in a figure, and return the words that it had."""
    words = [(text, text.get_text()) for text in figure.findobj(Text)]
    # matplotlib writes the names at ticks anew whenever it draws the figure; panels may share them
    sides = (side for axes in figure.axes for side in (axes.xaxis, axes.yaxis))
    at_ticks = [
        (side, places, list(side.get_major_formatter().format_ticks(places)))
        for side in sides
        if isinstance(side.get_major_locator(), FixedLocator) and (places := side.get_majorticklocs().tolist())
    ]
    for text, word in words:
        text.set_text(_replaced(word, texts))
    for side, places, names in at_ticks:
        changed = [_replaced(name, texts) for name in names]
        if changed != names:
            side.set_ticks(places, changed)
    return [word for _, word in words if word] + [name for _, _, names in at_ticks for name in names]


def kept(mark: str, words: Words, texts: Mapping[str, str]) -> str:
    """Return what the files of a figure keep: the mark, its words, and what the user's texts make of them."""
    packed = base64.urlsafe_b64encode(zlib.compress(json.dumps(words).encode())).decode()
    return f"{mark} {packed} {_outcome(words, texts)}"


def is_kept(content: bytes, mark: str, texts: Mapping[str, str]) -> bool:
    """Say whether a file has the mark, and whether these texts of the user would make the same of its words."""
    match = re.search(re.escape(mark.encode()) + KEPT, content)
    if match is None:
        return False
    try:
        shown, long_names = json.loads(zlib.decompress(base64.urlsafe_b64decode(match.group(1))))
    except (ValueError, TypeError, zlib.error):
        return False
    return _outcome(Words(shown, long_names), texts) == match.group(2).decode()


def _outcome(words: Words, texts: Mapping[str, str]) -> str:
    """Return a fingerprint of what the user's texts make of a figure."""
    shown = [_replaced(word, texts) for word in words.shown]
    whole = [name for name in words.long_names if any(word in name for word in texts)]
    return hashlib.sha256(json.dumps([shown, whole]).encode()).hexdigest()


def _replaced(word: str, texts: Mapping[str, str]) -> str:
    for old, new in texts.items():
        # a backslash of the user's is one
        word = re.sub(rf"(?<!\w){re.escape(old)}(?!\w)", new.replace("\\", r"\\"), word)
    return word
