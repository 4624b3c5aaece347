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
    alike = _shares_of_the_same_numbers(rows)
    # darker bars are of more references
    shades = colormaps["viridis_r"]
    series = {
        shares[0]: (to_hex(shades(0.1 + 0.85 * number / max(1, len(alike) - 1))), _label(shares, numbers))
        for number, (numbers, shares) in enumerate(alike.items())
    }
    panels = [
        ("random", rows[rows["sampling"] == "random"]),
        ("lowest and highest", rows[rows["sampling"] == "min-max"]),
    ]
    return error_bars(rows, panels, series, "share")


def _shares_of_the_same_numbers(rows: pd.DataFrame) -> dict[tuple[int, ...], list[str]]:
    """Return the shares, lowest first, by their numbers of references: few systems make several shares one choice."""
    numbers = rows.pivot_table("references", ["phase", "pair", "split"], "share", "max", fill_value=0, observed=True)
    alike: dict[tuple[int, ...], list[str]] = {}
    for share in sorted(numbers, key=lambda share: int(str(share).split()[0])):
        alike.setdefault(tuple(numbers[share]), []).append(str(share))
    return alike


def _label(shares: list[str], numbers: tuple[int, ...]) -> str:
    """Name shares and their number of references, which may differ between pairs."""
    few, many = min(filter(None, numbers)), max(numbers)
    named = shares[0] if len(shares) == 1 else f"{shares[0].removesuffix(' %')} to {shares[-1]}"
    return f"{named} ({few if few == many else f'{few} to {many}'})"
