"""The study beside another one, or beside an earlier state of itself."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from isojoule import readable
from isojoule.comparison import cells
from isojoule.comparison.circumstances import differing_circumstances
from isojoule.comparison.in_words import in_words


class Compared(NamedTuple):
    """What the page says of two studies.

    Attributes:
        before: what A is called, the study that this one is held against.
        sentences: what differs.
        cells: the table of `compared_cells`, those that differ most first.
        circumstances: the table of `differing_circumstances`.
        unit: unit of the energies.
    """

    before: str
    sentences: list[str]
    cells: pd.DataFrame
    circumstances: pd.DataFrame
    unit: readable.Unit


def before_and_after(before: tuple[Path, pd.DataFrame], after: pd.DataFrame) -> Compared:
    """Compare the study of the page, B, with another one, A.

    Args:
        before: the other table of measurements, and its file.
        after: the table of measurements of this study.

    Raises:
        InputError: no cell is in both.
    """
    path, frame = before
    compared, circumstances = cells.compared_cells(frame, after), differing_circumstances(frame, after)
    name = ", ".join(map(str, frame["study"].dropna().unique()))
    size = np.log(compared["energy_ratio"].astype("float64")).abs()
    differs = compared["finding"] == cells.DIFFERS
    order = compared.assign(differs=differs, size=size).sort_values(["differs", "size"], ascending=False, kind="stable")
    return Compared(
        f"{name} ({path.name})" if name else path.name,
        list(in_words(compared, circumstances)),
        compared.loc[order.index],
        circumstances,
        readable.unit("kWh", pd.concat([compared["energy_a_kwh"], compared["energy_b_kwh"]])),
    )
