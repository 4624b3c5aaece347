"""Error by types of regression (the paper's figure 5)."""

import pandas as pd
from matplotlib.figure import Figure

from isojoule.figures.shared.comparing import METHODS, error_bars, of_random_splits
from isojoule.figures.shared.drawing import nothing
from isojoule.normalization import ranking

READ = ranking.read
SHOWN = ("line", "poly2", "svr", "svr-standardized")


def draw(errors: pd.DataFrame) -> Figure:
    """Draw the figure from the rows of the experiment."""
    rows = of_random_splits(errors)
    if rows.empty:
        return nothing("Nothing to normalize: no phase has energies on two platforms.")
    rows = rows[rows["method"].isin(SHOWN) & (rows["sampling"] == "all")]
    return error_bars(rows, [("all references", rows)], {name: METHODS[name] for name in SHOWN}, "method")
