"""How wrong are energies on a new GPU that has the references alone? Each GPU of a table is taken for it in turn."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from isojoule.normalization import references
from isojoule.normalization.intervals import COVERAGE
from isojoule.normalization.pairs import Pair, pairs, systems_on_all_gpus, typical_systems
from isojoule.normalization.reference_tables import ReferenceTable
from isojoule.normalization.user_new_gpu import on_new_gpu
from isojoule.normalization.user_rows import Repeats
from isojoule.normalization.user_system import System
from isojoule.tables.columns import PHASES

COUNTS = (2, 3, 4, 6, 8, 10)


def new_gpu_accuracy(table: ReferenceTable, counts: Sequence[int] = COUNTS) -> pd.DataFrame:
    """Compute the errors on new GPUs, with references that are recommended by the energies on all other GPUs.

    All systems that were measured on every GPU are asked for, but for the references.

    Args:
        table: the table.
        counts: numbers of references.

    Returns:
        one row per phase, new GPU and number of references: `table`, `title`, `phase`, `target`, `references`,
        `mdape_percent`; `one_gpu_mdape_percent`, the median over the other GPUs of the error from that one alone;
        `coverage` (share of the intervals that hold the energy) and `width` (median of high / low). A phase
        without three GPUs has no row.
    """
    rows: list[dict[str, object]] = []
    for phase in PHASES:
        frame = table.frame[table.frame["phase"] == phase]
        if frame.loc[frame["outcome"] == "ok", "gpu"].nunique() > 2:
            all_pairs = pairs(frame, phase)
            names = systems_on_all_gpus(all_pairs)
            for target in dict.fromkeys(of_pair.target for of_pair in all_pairs):
                for count in (number for number in counts if number < len(names)):
                    heading = {"table": table.name, "title": table.description.heading, "phase": phase}
                    errors = _errors(frame[frame["architecture"].isin(names)], all_pairs, names, target, count)
                    rows.append({**heading, "target": target, "references": count, **errors})
    return pd.DataFrame(rows)


def _errors(
    frame: pd.DataFrame, all_pairs: Sequence[Pair], names: Sequence[str], target: str, count: int
) -> dict[str, float]:
    to_target = [of_pair for of_pair in all_pairs if of_pair.target == target]
    typical = typical_systems([of_pair.systems.loc[names] for of_pair in to_target])
    truth_kwh = pd.Series(to_target[0].target_kwh, index=to_target[0].systems.index)
    chosen = [str(name) for name in typical.index[references.choose_recommended(typical, count)]]
    on_target = {name: Repeats(System(truth_kwh[name]), (truth_kwh[name],)) for name in chosen}
    phase = to_target[0].phase

    def estimated(gpus: Sequence[str]) -> pd.DataFrame:
        estimates, _ = on_new_gpu(frame[frame["gpu"].isin(gpus)], target, phase, on_target)
        table = pd.DataFrame(
            {name: (one.energy_kwh, one.low_kwh, one.high_kwh) for name, one in estimates.items()},
            index=["energy_kwh", "low_kwh", "high_kwh"],
            dtype="float64",
        ).T
        return table.assign(truth_kwh=truth_kwh)

    sources = [of_pair.source for of_pair in to_target]
    together = estimated(sources)
    is_held = together["truth_kwh"].between(together["low_kwh"], together["high_kwh"])
    return {
        "mdape_percent": _mdape_percent(together),
        "one_gpu_mdape_percent": float(np.median([_mdape_percent(estimated([source])) for source in sources])),
        "coverage": float(is_held.mean()),
        "nominal_coverage": COVERAGE,
        "width": float((together["high_kwh"] / together["low_kwh"]).median()),
    }


def _mdape_percent(table: pd.DataFrame) -> float:
    return float(100 * (table["energy_kwh"] / table["truth_kwh"] - 1).abs().median())


def in_words(accuracy: pd.DataFrame) -> list[str]:
    """Print the errors, medians over the GPUs that are taken for new, and what the intervals hold.

    Args:
        accuracy: as `new_gpu_accuracy` returns it, of one table or several below each other.
    """
    columns = list(dict.fromkeys(accuracy["references"]))
    titles = {key: f"{key[0]}, {key[1]}" for key, _ in accuracy.groupby(["title", "phase"], sort=False)}
    width = max(map(len, titles.values()))
    lines = ["on a new GPU, MdAPE in %, from all other GPUs / from one of them, by the number of references"]
    lines.append(" ".join([" " * width, *(f"{column:>13}" for column in columns)]))
    for key, of_table in accuracy.groupby(["title", "phase"], sort=False):
        errors = of_table.groupby("references")[["mdape_percent", "one_gpu_mdape_percent"]].median()
        cells = [
            " / ".join(f"{error:.1f}" for error in errors.loc[column]) if column in errors.index else ""
            for column in columns
        ]
        coverage = of_table.groupby("references")["coverage"].mean()
        lines.append(" ".join([f"{titles[key]:<{width}}", *(f"{cell:>13}" for cell in cells)]))
        lines.append(
            f"{'':<{width}}  {100 * coverage.min():.0f} to {100 * coverage.max():.0f} % of the energies are in "
            f"their {100 * COVERAGE:.0f} % interval"
        )
    return lines
