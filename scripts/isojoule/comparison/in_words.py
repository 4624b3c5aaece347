"""What a comparison of two studies found, in sentences."""

from collections.abc import Iterator

import pandas as pd

from isojoule.comparison import cells
from isojoule.readable import counted


def in_words(compared: pd.DataFrame, circumstances: pd.DataFrame) -> Iterator[str]:
    """Say which energies differ and by how much, what could not be compared, and what else differs.

    Args:
        compared: as `compared_cells` returns it.
        circumstances: as `differing_circumstances` returns it.
    """
    counts = compared["finding"].value_counts()
    tested = counts.get(cells.DIFFERS, 0) + counts.get(cells.ALIKE, 0)
    if tested:
        yield (
            f"{counts.get(cells.DIFFERS, 0)} of {tested} cells have another energy in B than in A, beyond what their "
            "repeats differ by"
        )
    for (gpu, phase), rows in compared[compared["finding"] == cells.DIFFERS].groupby(["gpu", "phase"], sort=False):
        for what, some in (("more", rows[rows["energy_ratio"] > 1]), ("less", rows[rows["energy_ratio"] < 1])):
            if len(some):
                percents = 100 * (some["energy_ratio"] - 1).abs()
                most = some.loc[percents.idxmax()]
                ends = [f"{100 * (most[end] - 1):+.3g}" for end in ("ratio_low", "ratio_high")]
                yield (
                    f"{gpu}, {phase}: {len(some)} use {what} in B, {percents.median():.3g} % by the median; most "
                    f"{most['architecture']}, {percents.max():.3g} % (95 % interval {' to '.join(ends)} %)"
                )
    reasons = {
        cells.ONE_REPEAT: "a single repeat in A or B does not tell how far repeats differ",
        cells.OTHER_KIND: "energies of different kinds are not compared",
        cells.OTHER_WORK: "A and B did other work, such as epochs or batch sizes",
        cells.ONLY_IN_A: "they have no energy in B",
        cells.ONLY_IN_B: "they have no energy in A",
    }
    for finding, reason in reasons.items():
        if count := counts.get(finding, 0):
            yield f"{counted(count, 'cell is', 'cells are')} not compared: {reason}"
    if circumstances.empty:
        yield "nothing else differs: hardware, versions, configuration and data are the same, as far as the tables tell"
    for _, row in circumstances.iterrows():
        values = f"{row['in_a']} in A, {row['in_b']} in B ({row['cells']} cells)"
        yield f"{row['gpu']}, {row['of']}: {row['column']} is {values}"
