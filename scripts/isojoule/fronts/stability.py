"""Whether a front changes with the GPU: the members that the fronts of two GPUs have in common."""

from itertools import combinations

import pandas as pd

from isojoule.pareto.front import SEPARATOR, WITHIN_NOISE

# columns that tell the fronts of a study apart
KEYS = ["cost", "phase", "gpu", "normalized_to", "quality"]
COLUMNS = [
    *("cost", "phase", "quality", "gpu_a", "gpu_b", "normalized_to"),
    *("models", "front_jaccard", "both", "only_a", "only_b", "undecided"),
]


def stability(table: pd.DataFrame) -> pd.DataFrame:
    """Compare the fronts of every pair of GPUs.

    Args:
        table: the table of `Fronts`.

    Returns:
        one row per cost, phase, quality and pair of GPUs, over the `models` that are on both GPUs: members of both
        fronts (`both`), of the first alone (`only_a`), of the second alone (`only_b`); `front_jaccard`, the number on
        both fronts divided by the number on either; and `undecided`, the number of those on one front alone that are
        within noise of the other. A normalized front is compared with that of the GPU it is normalized to, `gpu_a`.
    """
    if table.empty:
        return pd.DataFrame(columns=COLUMNS)
    rows: list[tuple[object, ...]] = []
    is_normalized = table["normalized_to"] != ""
    plain, normalized = table[~is_normalized], table[is_normalized]
    for (cost, phase, quality), part in plain.groupby(["cost", "phase", "quality"], sort=False):
        by_gpu = dict(iter(part.groupby("gpu", sort=False)))
        rows += [(cost, phase, quality, a, b, "", *_overlap(by_gpu[a], by_gpu[b])) for a, b in combinations(by_gpu, 2)]
    for (cost, phase, gpu, target, quality), part in normalized.groupby(KEYS, sort=False):
        of_target = plain[(plain["cost"] == "energy_kwh") & (plain["phase"] == phase) & (plain["quality"] == quality)]
        of_target = of_target[of_target["gpu"] == target]
        rows.append((cost, phase, quality, target, gpu, target, *_overlap(of_target, part)))
    return pd.DataFrame(rows, columns=COLUMNS)


def _overlap(a: pd.DataFrame, b: pd.DataFrame) -> tuple[object, ...]:
    """Return the columns of `COLUMNS` from `models` on, for two fronts."""
    shared = set(a["architecture"]) & set(b["architecture"])
    on_a, on_b = (shared & set(front.loc[front["optimal"], "architecture"]) for front in (a, b))
    near_a, near_b = (shared & set(front.loc[front["verdict"] == WITHIN_NOISE, "architecture"]) for front in (a, b))
    on_both, on_either = on_a & on_b, on_a | on_b
    jaccard = len(on_both) / len(on_either) if on_either else float("nan")
    names = (SEPARATOR.join(sorted(members)) for members in (on_both, on_a - on_b, on_b - on_a))
    undecided = len((on_a - on_b) & near_b) + len((on_b - on_a) & near_a)
    return len(shared), jaccard, *names, undecided
