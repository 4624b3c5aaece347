"""Quality flags of a whole study: those that only its other cells tell, and the list of all flagged cells."""

from collections.abc import Collection

import pandas as pd

from isojoule.flags.of_record import MEANINGS, SPREAD_PERCENT, WARMER_C, ordered


def with_flags_of_the_study(frame: pd.DataFrame, excluded: Collection[str] = ()) -> pd.DataFrame:
    """The table with the flags that only the other cells of a study tell.

    Args:
        frame: a table of measurements.
        excluded: flags whose cells are to be left out: their outcome becomes `excluded`.
    """
    is_ok = frame["outcome"] == "ok"
    ok = frame[is_ok]
    energies_kwh = ok.groupby(["gpu", "architecture", "phase"])["energy_kwh"]
    spread_percent = (
        100 * (energies_kwh.transform("max") - energies_kwh.transform("min")) / energies_kwh.transform("mean")
    )
    by_gpu, by_device_name = ok.groupby("gpu"), ok.groupby("device_name")
    start_c = ok["gpu_start_temperature_c"]
    tests = {
        "spread": spread_percent > SPREAD_PERCENT,
        "hot-start": start_c - by_gpu["gpu_start_temperature_c"].transform("median") >= WARMER_C,
        "several-drivers": by_device_name["driver"].transform("nunique") > 1,
        "several-versions": sum(by_gpu[name].transform("nunique") > 1 for name in ("torch", "cuda", "cudnn")) > 0,
        "several-boards": by_device_name["device_uuid"].transform("nunique") > 1,
        "several-devices": by_gpu["device_name"].transform("nunique") > 1,
    }
    flags = frame["flags"].fillna("").str.split()
    for flag, holds in tests.items():
        holds = holds.reindex(frame.index).astype("boolean").fillna(False)
        flags = flags.where(~holds, flags.map(lambda names, flag=flag: [*names, flag]))
    is_excluded = is_ok & flags.map(lambda names: not set(names).isdisjoint(excluded))
    return frame.assign(
        flags=flags.map(ordered).str.join(" ").replace("", None).astype("string"),
        outcome=frame["outcome"].mask(is_excluded, "excluded"),
    )


def flagged_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per flag and cell: `flag`, `meaning`, and which cell it is, in the order of the table.

    Args:
        frame: a table of measurements.
    """
    flagged = frame.assign(flag=frame["flags"].str.split()).explode("flag").dropna(subset=["flag"])
    flagged = flagged.assign(meaning=flagged["flag"].map(MEANINGS))
    return flagged[["flag", "meaning", "gpu", "architecture", "phase", "repeat", "outcome"]].reset_index(drop=True)
