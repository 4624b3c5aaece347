"""What a study is and is not, in the first lines of its page."""

from typing import NamedTuple

import pandas as pd

from isojoule.tables.columns import KINDS, NOT_STATED
from isojoule.tables.devices import only_device

SYNTHETIC = "synthetic"
MOST_SOURCES = 2


class Remark(NamedTuple):
    """One thing that a reader must know before the first number: a few words, and a sentence on them."""

    words: str
    sentence: str


def about(frame: pd.DataFrame, data_source: str | None = None) -> list[Remark]:
    """Say what the energies of a study are, and what it cannot tell.

    Args:
        frame: a table of measurements.
        data_source: `dataset.source` of the configuration, where there is one.
    """
    ok = frame[frame["outcome"] == "ok"]
    rows_of_kinds = {kind: ok[ok["energy_kind"] == kind] for kind in KINDS}
    remarks = [_of_kind(kind, rows, len(ok)) for kind, rows in rows_of_kinds.items() if len(rows)]
    platforms = ok["gpu"].nunique()
    device = only_device(ok)
    if platforms > 1 and device:
        which = "Both" if platforms == 2 else f"All {platforms}"
        remarks.append(
            Remark(
                "One machine",
                f"{which} platforms are settings of one device ({device}): nothing here tells what another would take",
            )
        )
    if data_source == SYNTHETIC:
        remarks.append(
            Remark(
                "Made-up data",
                "The models learn signals that are made from a seed, to try isojoule out. How good they are at it says "
                "nothing of real data: choose no model for real work by this page",
            )
        )
    return remarks


def _of_kind(kind: str, rows: pd.DataFrame, total: int) -> Remark:
    energies = f"all {total:,} energies" if len(rows) == total else f"{len(rows):,} of {total:,} energies"
    are, they_are = ("are", "they are") if len(rows) > 1 else ("is", "it is")
    if total == 1:
        energies = "the only energy"
    sources = list(rows["energy_source"].dropna().unique())
    others = "; and others" if len(sources) > MOST_SOURCES else ""
    by = f" ({'; '.join(sources[:MOST_SOURCES])}{others})" if sources else ""
    what = _what_is_in_it(rows)
    if kind == "measured":
        return Remark("Measured", f"Instruments measured {energies}{by}{what}")
    if kind == "simulated":
        return Remark(
            "Simulated, not measured",
            f"{energies.capitalize()} {are} made up{by}: nobody ran anything for {'them' if len(rows) > 1 else 'it'}",
        )
    if kind == NOT_STATED:
        return Remark("Not stated", f"The table does not say whether {energies} {are} measured or estimated")
    carried = int((rows["measured_energy_kind"] == "measured").sum())
    if carried == len(rows):
        return Remark(
            "Estimated from a part",
            f"A part of the work was measured for {energies}, and carried to all of it{by}{what}",
        )
    part = f"; of {carried:,} a part of the work was measured, and carried to all of it" if carried else ""
    is_none = 1 < len(rows) == total
    none = f"None of the {total:,} energies is measured" if is_none else f"No instrument measured {energies}"
    return Remark("Estimated, not measured", f"{none}: {they_are} computed{by}{part}{what}")


def _what_is_in_it(rows: pd.DataFrame) -> str:
    """Say which part of the machine the energies are of, where their records tell."""
    is_gpu = rows["gpu_energy_kwh"].notna()
    is_cpu = rows["cpu_energy_kwh"].notna() & ~is_gpu
    board = "of a GPU it is the energy of its board, without the rest of the machine"
    processor = "of a CPU it is the energy of the processor alone, without memory and the rest of the machine"
    if not is_gpu.any() and is_cpu.all():
        processor = "this is the energy of the processor alone, without memory and the rest of the machine"
    return "".join(f"; {words}" for words, found in ((board, is_gpu), (processor, is_cpu)) if found.any())
