"""Measured, estimated and simulated energies: no analysis mixes them unless the user asks for it."""

from collections.abc import Sequence

import pandas as pd

from isojoule.errors import InputError
from isojoule.tables.columns import KINDS


def of_kinds(frame: pd.DataFrame, kinds: Sequence[str] | None = None) -> tuple[pd.DataFrame, str]:
    """The rows whose energies are of these kinds, and those without an energy.

    Args:
        frame: a table with the column `energy_kind`, and `phase` where its energies are of several phases.
        kinds: of `KINDS`; by default the one kind that a phase has, or `measured` where it has several.

    Returns:
        the rows, and a sentence on what was left out, empty where nothing was.

    Raises:
        InputError: a kind is unknown; or a phase has several kinds, none of them is measured, and none was asked for.
    """
    if unknown := [kind for kind in kinds or [] if kind not in KINDS]:
        raise InputError(f"kinds: found {unknown[0]}, expected of {', '.join(KINDS)}")
    is_left_out = pd.Series(False, index=frame.index)
    for _, of_phase in frame.groupby("phase") if "phase" in frame else [("", frame)]:
        present = [kind for kind in KINDS if (of_phase["energy_kind"] == kind).any()]
        if kinds is None and len(present) > 1 and "measured" not in present:
            raise InputError(
                f"kinds: found {' and '.join(present)} energies in one table, expected you to say which to use"
            )
        kept = kinds or (present if len(present) == 1 else ["measured"])
        is_left_out[of_phase.index] = of_phase["energy_kind"].notna() & ~of_phase["energy_kind"].isin(kept)
    if is_left_out.all() and len(frame) and kinds:
        raise InputError(f"kinds: found no row of {', '.join(kinds)}, expected some")
    counts = frame.loc[is_left_out, "energy_kind"].value_counts()
    left_out = " and ".join(f"{count} {kind} rows" for kind, count in counts.items())
    return frame[~is_left_out], f"left out: {left_out}; ask for them by --kinds" if left_out else ""
