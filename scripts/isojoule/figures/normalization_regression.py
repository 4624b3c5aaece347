"""Error by types of regression (figure 5 of the paper on normalization)."""

import pandas as pd

from isojoule.figures.shared.comparing import errors_with_all_references
from isojoule.figures.shared.panels import Sheet
from isojoule.normalization import ranking

READ = ranking.read


def draw(errors: pd.DataFrame) -> Sheet:
    """Draw the figure from the rows of the experiment."""
    return errors_with_all_references(errors, ("line", "poly2", "svr", "svr-standardized"))
