"""Libraries of the browser that go into the page: charts and tables."""

from pathlib import Path

import itables
import vl_convert

VEGA_LITE = "6.4"


def vega() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script, which sets `window.vegaEmbed`."""
    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=VEGA_LITE)


def data_tables() -> tuple[str, str]:
    """Return DataTables as a module, and its style sheet."""
    folder = Path(itables.__file__).parent / "html"
    return (folder / "dt_bundle.js").read_text(encoding="utf-8"), (folder / "dt_bundle.css").read_text(encoding="utf-8")
