"""The record of a normalized energy, in words."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from isojoule import readable


def of_new_gpu_in_words(records: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Describe systems on a new GPU in lines to print: what systems have in common is said once, then each in a line.

    Args:
        records: those of `Normalized.record` by the name of the system, all of one GPU and phase.
    """
    unit = readable.unit("kWh", [record["energy_kwh"] for record in records.values()])
    lines = []
    by_method = sorted(records.items(), key=lambda item: (item[1]["method"], item[1]["interval"]))
    for (method, basis), of_method in groupby(by_method, key=lambda item: (item[1]["method"], item[1]["interval"])):
        group = dict(of_method)
        first = next(iter(group.values()))
        common = [said for said in first["warnings"] if all(said in record["warnings"] for record in group.values())]
        lines += [
            f"{first['phase']} on {first['target']}: {readable.counted(len(group), 'system')}, {first['energy_kind']}",
            f"method: {method}; {len(first['references'])} references",
            f"interval: {basis}",
            *(f"warning: {said}" for said in common),
        ]
        for name, record in group.items():
            interval = "no interval"
            if record["low_kwh"] is not None:
                ends = unit.between(record["low_kwh"], record["high_kwh"])
                interval = f"{100 * record['coverage']:.0f} % interval {ends}"
            lines.append(f"  {name}: {unit.shown(record['energy_kwh'])}, {interval}")
            lines += [f"    warning: {said}" for said in record["warnings"] if said not in common]
    return lines


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
