"""The record of a normalized energy, in words."""

from collections.abc import Mapping
from typing import Any

from isojoule import readable


def in_words(record: Mapping[str, Any]) -> list[str]:
    """Describe a record in lines to print.

    Args:
        record: that of `Normalized.record`, with the scores of `scores_on_both_gpus` if there are any.
    """
    low_kwh, high_kwh = record["low_kwh"], record["high_kwh"]
    unit = readable.unit("kWh", [record["energy_kwh"]])
    interval = "no interval"
    if low_kwh is not None:
        interval = f"{100 * record['coverage']:.0f} % interval {unit.between(low_kwh, high_kwh)}"
    energy = f"{unit.shown(record['energy_kwh'])} ({record['energy_kind']})"
    lines = [
        f"{record['phase']} on {record['target']}: {energy}, {interval}",
        f"method: {record['method']}; {len(record['references'])} references",
        f"interval: {record['interval']}",
    ]
    if "energy_weighted_score" in record:
        lines.append(
            f"energy-weighted score with {record['reference']}: {record['energy_weighted_score']:.3g} on your GPU, "
            f"{record['energy_weighted_score_on_target']:.3g} on {record['target']}"
        )
    return [*lines, *(f"warning: {warning}" for warning in record["warnings"])]
