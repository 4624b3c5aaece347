"""All that a table makes one ask its owner, for every program in one place: units, work, and names."""

from collections.abc import Sequence

import pandas as pd

from isojoule.tables.names import nearly_the_same_in_words
from isojoule.tables.plausibility import doubts
from isojoule.tables.same_work import differing_work


def questions(frame: pd.DataFrame, name: str = "architecture", by: Sequence[str] = ()) -> list[str]:
    """Sentences on values that are likely in another unit, of other work, or misspelt; nothing is changed or left out.

    Args:
        frame: any table.
        name: column with the names of the systems.
        by: further columns that tell rows apart which are no repeats of each other.
    """
    return [*doubts(frame, name, by), *differing_work(frame, name), *nearly_the_same_in_words(frame, ("gpu", name))]
