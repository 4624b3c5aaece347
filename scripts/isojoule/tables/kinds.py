"""Measured, estimated and simulated energies: no analysis mixes them unless the user asks for it."""

from collections.abc import Iterable, Sequence

import pandas as pd

from isojoule.errors import InputError
from isojoule.readable import counted
from isojoule.tables.columns import KINDS, NOT_STATED


def of_estimate(kinds: Iterable[str]) -> str:
    """The kind of what was estimated from energies of these kinds: an estimate, unless one of them is simulated."""
    return max((*kinds, "estimated"), key=KINDS.index)


def check_one_kind(own: Iterable[str], study: Iterable[str], asked: Sequence[str] | None, origin: str) -> None:
    """Refuse energies of a user that are of another kind than a study's, unless the user asked for both.

    Args:
        own: kinds of the user's energies; those that are not stated are of no other kind.
        study: kinds of the study's energies.
        asked: kinds to use together.
        origin: what the user's energies are called in messages.

    Raises:
        InputError: the energies are of several kinds that were not asked for.
    """
    stated = [kind for kind in KINDS if kind in {*own, *study} and kind != NOT_STATED]
    own_words, study_words = (" and ".join(kind for kind in KINDS if kind in set(kinds)) for kinds in (own, study))
    if len(stated) > 1 and not set(stated) <= set(asked or []):
        raise InputError(
            f"kinds: found {own_words} energies in {origin} and {study_words} ones in the study, expected one kind, or "
            f"--kinds {' '.join(stated)}; what comes of both is {of_estimate(stated)}"
        )


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
    left_out = " and ".join(counted(count, f"{kind} row") for kind, count in counts.items())
    return frame[~is_left_out], f"left out: {left_out}; ask for them by --kinds" if left_out else ""
