"""What a cell computed, moved and drew, all of it for the phase once."""

import pandas as pd

from isojoule.errors import InputError
from isojoule.records.memory_traffic import step_bytes
from isojoule.tables.energy import CELL, energy_table
from isojoule.units import JOULES_PER_KWH

# the paper's columns: what is pooled in a panel, beside every family on its own
GROUPS = {"MLP/RNN": ("mlp", "rnn"), "CNN/CRNN": ("cnn", "crnn")}
ALL = "all"

# quantity of compute: column, unit of the slope of energy against it, words
PREDICTORS = {
    "flops": ("published_flops", "J/FLOP", "FLOPs (published count)"),
    "flops-exact": ("exact_flops", "J/FLOP", "FLOPs (exact count)"),
    "bytes-moved": ("moved_bytes", "J/B", "Bytes moved (estimated)"),
    "params": ("params", "J/parameter", "Parameters"),
}
COUNTS = {
    "samples": "max",
    "steps": "max",
    "forward_flops": "first",
    "training_flops_published": "first",
    "training_flops_exact": "first",
    "weights_bytes": "first",
    "activations_bytes": "first",
    "optimizer_state_bytes": "first",
}


def quantities(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The cells with an energy, and what was computed for it.

    Args:
        frame: a table of measurements.

    Returns:
        one row per architecture, gpu and phase: the columns of the table of energy, `energy_j` with `energy_half_j`
        (half of its 95 % interval), and for the whole phase `published_flops` (training: three times the forward
        pass), `exact_flops`, `moved_bytes`, `flop_per_s`; none where the table does not say. And sentences on what was
        assumed.

    Raises:
        InputError: no row has an energy.
    """
    table = energy_table(frame)
    counts = frame[frame["outcome"] == "ok"].groupby(CELL, sort=False, dropna=False).agg(COUNTS)
    table = table[table["repeats"] > 0].merge(counts, left_on=CELL, right_index=True)
    if table.empty:
        raise InputError(
            "the table of measurements has no row with outcome ok of the kinds asked for, there is no energy to explain"
        )
    notes = []
    if table["samples"].isna().all():
        notes.append(
            "the table has no column samples (examples in the energy): its energies are taken as those of one example, "
            "and joules per FLOP are wrong if they are of more"
        )
        table = table.assign(samples=1)
    absent = [name for name in ("flops", "params") if table[name].isna().all()]
    if absent:
        notes.append(f"the table has no column {' and '.join(absent)}: there is no fit of energy against that")
    number = table[["flops", *COUNTS, "energy_mean_kwh", "duration_mean_s"]].astype("float64")
    train = table["phase"] == "train"
    published = number["training_flops_published"].fillna(3 * number["flops"])
    half_kwh = (table["energy_ci95_high_kwh"] - table["energy_mean_kwh"]).astype("float64")
    sizes = (number["weights_bytes"], number["activations_bytes"], number["optimizer_state_bytes"])
    moved = step_bytes("test", *sizes).mask(train, step_bytes("train", *sizes))
    published_flops = number["samples"] * number["flops"].mask(train, published)
    return table.assign(
        energy_j=JOULES_PER_KWH * number["energy_mean_kwh"],
        energy_half_j=JOULES_PER_KWH * half_kwh.fillna(0),
        published_flops=published_flops,
        exact_flops=number["samples"] * number["forward_flops"].mask(train, number["training_flops_exact"]),
        moved_bytes=number["steps"] * moved,
        params=table["params"].astype("float64"),
        flop_per_s=published_flops / number["duration_mean_s"],
    ), notes


def groups(table: pd.DataFrame) -> dict[str, list[str]]:
    """Families by the panel that pools them: all, the paper's two groups, and the others that the table has."""
    present = list(table["family"].unique())
    pooled = {name: [family for family in families if family in present] for name, families in GROUPS.items()}
    others = [family for family in present if not any(family in families for families in GROUPS.values())]
    found = {name: families for name, families in {**pooled, "others": others}.items() if families}
    return {ALL: present, **found} if len(found) > 1 else {ALL: present}
