"""Quality flags of a whole study: those that only its other cells tell, and the list of all flagged cells."""

from collections.abc import Collection

import pandas as pd

from isojoule.records.flags import MEANINGS, SPREAD_PERCENT, WARMER_C, ordered


def with_those_of_the_study(frame: pd.DataFrame, excluded: Collection[str] = ()) -> pd.DataFrame:
    """The table with the flags that only the other cells of a study tell.

    Args:
        frame: a table of measurements.
        excluded: flags whose cells are to be left out: their outcome becomes `excluded`.
    """
    ok = frame["outcome"] == "ok"
    cell = frame[ok].groupby(["gpu", "architecture", "phase"])["energy_kwh"]
    spread_percent = 100 * (cell.transform("max") - cell.transform("min")) / cell.transform("mean")
    start_c = frame["gpu_start_temperature_c"]
    platform, named = frame[ok].groupby("gpu"), frame[ok].groupby("device_name")
    tests = {
        "spread": (spread_percent > SPREAD_PERCENT),
        "hot-start": start_c[ok] - platform["gpu_start_temperature_c"].transform("median") >= WARMER_C,
        "several-drivers": named["driver"].transform("nunique") > 1,
        "several-boards": named["device_uuid"].transform("nunique") > 1,
        "several-devices": platform["device_name"].transform("nunique") > 1,
    }
    found = frame["flags"].fillna("").str.split()
    for flag, holds in tests.items():
        holds = holds.reindex(frame.index).astype("boolean").fillna(False)
        found = found.where(~holds, found.map(lambda flags, flag=flag: [*flags, *({flag} - set(flags))]))
    out = ok & found.map(lambda flags: bool(set(flags) & set(excluded)))
    return frame.assign(
        flags=found.map(ordered).str.join(" ").replace("", None).astype("string"),
        outcome=frame["outcome"].mask(out, "excluded"),
    )


def listed(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per flag and cell: `flag`, `meaning`, and which cell it is, in the order of the table.

    Args:
        frame: a table of measurements.
    """
    rows = frame.assign(flag=frame["flags"].str.split()).explode("flag").dropna(subset=["flag"])
    rows = rows.assign(meaning=rows["flag"].map(MEANINGS))
    return rows[["flag", "meaning", "gpu", "architecture", "phase", "repeat", "outcome"]].reset_index(drop=True)
