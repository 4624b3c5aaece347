"""What energies are of, in words: how many epochs, steps or seconds of audio, and what part of it was measured."""

import pandas as pd


def work_of(rows: pd.DataFrame) -> str:
    """What the energies of these rows are of, and from how much of it they were carried to the whole.

    Args:
        rows: of a table of measurements, of one phase, all `ok`.
    """
    units = {"audio_s": "s of audio"} if rows["audio_s"].notna().all() else {"epochs": "epoch", "steps": "step"}
    ranges = {unit: _range(rows[name]) for name, unit in units.items() if rows[name].notna().any()}
    parts = [f"{values} {unit}{'' if values == '1' or ' ' in unit else 's'}" for unit, values in ranges.items()]
    carried = rows[(rows["measured_duration_s"] / rows["duration_s"]).notna()]
    if len(carried):
        count = f"{len(carried)} of {len(rows)} " if len(carried) < len(rows) else ""
        share_percent = 100 * carried["measured_duration_s"] / carried["duration_s"]
        parts.append(f"{count}carried from {_range(share_percent)} % of it")
    return ", ".join(parts)


def _range(values: pd.Series) -> str:
    """The lowest and the highest value; one number where both read the same."""
    ends = (float(end) for end in (values.min(), values.max()))
    return " to ".join(dict.fromkeys(f"{end:,.0f}" if end >= 1000 else f"{end:.3g}" for end in ends))
