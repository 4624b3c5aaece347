"""Error of the line by number and choice of references (figure 3 of the paper on normalization)."""

import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import to_hex

from isojoule.figures.shared.comparing import NOTHING, error_bars, of_random_splits
from isojoule.figures.shared.empty import NothingError
from isojoule.figures.shared.panels import Sheet
from isojoule.normalization import ranking

READ = ranking.read


def draw(errors: pd.DataFrame) -> Sheet:
    """Draw the figure from the rows of the experiment."""
    rows = of_random_splits(errors)
    if not rows.empty:
        rows = rows[(rows["method"] == "line") & rows["share"].str.endswith("%")]
    if rows.empty:
        raise NothingError(NOTHING)
    counts = rows.groupby("share", observed=True)["references"].first()
    shares = sorted(counts.index, key=lambda share: int(str(share).split()[0]))
    # darker bars are of more references
    shades = colormaps["viridis_r"]
    series = {
        str(share): (to_hex(shades(0.1 + 0.85 * number / max(1, len(shares) - 1))), f"{share} ({counts[share]})")
        for number, share in enumerate(shares)
    }
    panels = [
        ("random", rows[rows["sampling"] == "random"]),
        ("lowest and highest", rows[rows["sampling"] == "min-max"]),
    ]
    return error_bars(rows, panels, series, "share")
