"""Libraries of the browser that go into the page: charts and tables."""

import re
from pathlib import Path

import itables
import vl_convert

VEGA_LITE = "6.4"


def vega() -> str:
    """Vega, Vega-Lite and Vega-Embed as one module that sets `window.vegaEmbed`."""
    return _inline(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=VEGA_LITE))


def data_tables() -> tuple[str, str]:
    """DataTables as a module whose default export is its class, and its style sheet."""
    folder = Path(itables.__file__).parent / "html"
    script = (folder / "dt_bundle.js").read_text(encoding="utf-8")
    return _inline(script), (folder / "dt_bundle.css").read_text(encoding="utf-8")


def _inline(script: str) -> str:
    """The same script, but for the HTML parser: in strings and regular expressions the two mean the same."""
    return re.sub(r"<(?=!--|/?script)", r"\\x3c", script, flags=re.IGNORECASE)
