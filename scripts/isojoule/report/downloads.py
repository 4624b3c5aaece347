"""Files inside the page: compressed, and unpacked by the browser."""

import base64
import gzip
from pathlib import Path

import pandas as pd


def packed(content: bytes) -> str:
    """Content for the page's `unpack`: gzip, base64; the same for the same content."""
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def csv(frame: pd.DataFrame) -> str:
    """A table as a packed CSV file."""
    return packed(frame.to_csv(index=False).encode())


def file(path: Path) -> str:
    """A packed file."""
    return packed(path.read_bytes())
