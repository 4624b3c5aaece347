"""Whether a front changes with the GPU: members in common for every pair of GPUs."""

from itertools import combinations

import pandas as pd

from isojoule.pareto.front import SEPARATOR, WITHIN_NOISE

KEYS = ["cost", "phase", "gpu", "normalized_to", "quality"]


def stability(table: pd.DataFrame) -> pd.DataFrame:
    """Does the front change with the GPU?

    Args:
        table: that of `Fronts`.

    Returns:
        one row per cost, phase, quality and pair of GPUs, over the models that are on both: how many, members of both
        fronts, of the first alone, of the second alone, `front_jaccard` (both over either), and `undecided`: how many
        of those on one alone are within noise on the other. A normalized front stands beside that of the GPU it is
        normalized to, `gpu_a`.
    """
    rows = []
    columns = ["cost", "phase", "quality", "gpu_a", "gpu_b", "normalized_to", "models", "front_jaccard"]
    columns += ["both", "only_a", "only_b", "undecided"]
    if table.empty:
        return pd.DataFrame(columns=columns)
    plain, normalized = table[table["normalized_to"] == ""], table[table["normalized_to"] != ""]
    for (cost, phase, quality), part in plain.groupby(["cost", "phase", "quality"], sort=False):
        by_gpu = dict(iter(part.groupby("gpu", sort=False)))
        rows += [(cost, phase, quality, a, b, "", *_overlap(by_gpu[a], by_gpu[b])) for a, b in combinations(by_gpu, 2)]
    for (cost, phase, gpu, target, quality), part in normalized.groupby(KEYS, sort=False):
        own = plain[(plain["cost"] == "energy_kwh") & (plain["phase"] == phase) & (plain["quality"] == quality)]
        own = own[own["gpu"] == target]
        rows.append((cost, phase, quality, target, gpu, target, *_overlap(own, part)))
    return pd.DataFrame(rows, columns=columns)


def _overlap(a: pd.DataFrame, b: pd.DataFrame) -> tuple[object, ...]:
    shared = set(a["architecture"]) & set(b["architecture"])
    on_a, on_b, noisy_a, noisy_b = (
        shared & set(part.loc[chosen, "architecture"])
        for part, chosen in (
            (a, a["optimal"]),
            (b, b["optimal"]),
            (a, a["verdict"] == WITHIN_NOISE),
            (b, b["verdict"] == WITHIN_NOISE),
        )
    )
    either = on_a | on_b
    lists = (SEPARATOR.join(sorted(part)) for part in (on_a & on_b, on_a - on_b, on_b - on_a))
    undecided = len((on_a - on_b) & noisy_b) + len((on_b - on_a) & noisy_a)
    return len(shared), len(on_a & on_b) / len(either) if either else float("nan"), *lists, undecided
