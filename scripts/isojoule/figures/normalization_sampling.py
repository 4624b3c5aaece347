"""Error of the line by number and choice of references (the paper's figure 3)."""

import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from isojoule.figures.shared.comparing import error_bars, of_random_splits
from isojoule.figures.shared.drawing import nothing
from isojoule.normalization import ranking

READ = ranking.read


def draw(errors: pd.DataFrame) -> Figure:
    """Draw the figure from the rows of the experiment."""
    rows = of_random_splits(errors)
    if rows.empty:
        return nothing("Nothing to normalize: no phase has energies on two platforms.")
    rows = rows[(rows["method"] == "line") & rows["share"].str.endswith("%")]
    counts = rows.groupby("share", observed=True)["references"].first().sort_values(kind="stable")
    # darker is more
    shades = colormaps["viridis_r"]
    series = {
        share: (to_hex(shades(0.1 + 0.85 * number / max(1, len(counts) - 1))), f"{share} ({count})")
        for number, (share, count) in enumerate(_in_order(counts).items())
    }
    panels = [
        ("random", rows[rows["sampling"] == "random"]),
        ("lowest and highest", rows[rows["sampling"] == "min-max"]),
    ]
    return error_bars(rows, panels, series, "share")


def _in_order(counts: pd.Series) -> dict[str, int]:
    return {
        str(share): int(counts[share]) for share in sorted(counts.index, key=lambda share: int(str(share).split()[0]))
    }
