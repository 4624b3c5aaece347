"""Libraries of the browser that go into the page: charts and tables."""

import re
from pathlib import Path

import itables
import vl_convert

VEGA_LITE = "6.4"


def vega() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script, which sets `window.vegaEmbed`."""
    return _safe_in_html(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=VEGA_LITE))


def data_tables() -> tuple[str, str]:
    """Return DataTables as a module, and its style sheet."""
    folder = Path(itables.__file__).parent / "html"
    script = (folder / "dt_bundle.js").read_text(encoding="utf-8")
    return _safe_in_html(script), (folder / "dt_bundle.css").read_text(encoding="utf-8")


def _safe_in_html(script: str) -> str:
    r"""Write `<` as `\x3c` where HTML would end the script; strings and regular expressions read both alike."""
    return re.sub(r"<(?=!--|/?script)", r"\\x3c", script, flags=re.IGNORECASE)
