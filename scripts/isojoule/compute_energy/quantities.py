"""What each cell computed, moved and drew in one run of its phase."""

import pandas as pd

from isojoule.errors import InputError
from isojoule.records.memory_traffic import step_bytes
from isojoule.tables.energy import CELL, energy_table
from isojoule.units import JOULES_PER_KWH

# families that share a column of panels in the paper (figures 1 and 2)
GROUPS = {"MLP/RNN": ("mlp", "rnn"), "CNN/CRNN": ("cnn", "crnn")}
ALL = "all"

# quantity of compute: its column, the unit of the slope of energy against it, its name for readers
PREDICTORS = {
    "flops": ("published_flops", "J/FLOP", "FLOPs (published count)"),
    "flops-exact": ("exact_flops", "J/FLOP", "FLOPs (exact count)"),
    "bytes-moved": ("moved_bytes", "J/B", "Bytes moved (estimated)"),
    "params": ("params", "J/parameter", "Parameters"),
}
# columns of the table of measurements, and which of a cell's repeats tells their value
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
    """Compute the quantities of compute for every cell that has an energy.

    Args:
        frame: a table of measurements.

    Returns:
        one row per architecture, GPU and phase, and sentences on what was assumed. The columns are those of the table
        of energy; `energy_j`; and for the whole phase
        `published_flops` (three times the forward pass in training), `exact_flops`, `moved_bytes` and `flop_per_s`,
        which are missing where the table does not tell them.

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
    is_training = table["phase"] == "train"
    training_flops = number["training_flops_published"].fillna(3 * number["flops"])
    published_flops = number["samples"] * number["flops"].mask(is_training, training_flops)
    exact_flops = number["samples"] * number["forward_flops"].mask(is_training, number["training_flops_exact"])
    sizes = (number["weights_bytes"], number["activations_bytes"], number["optimizer_state_bytes"])
    bytes_per_step = step_bytes("test", *sizes).mask(is_training, step_bytes("train", *sizes))
    return table.assign(
        energy_j=JOULES_PER_KWH * number["energy_mean_kwh"],
        published_flops=published_flops,
        exact_flops=exact_flops,
        moved_bytes=number["steps"] * bytes_per_step,
        params=table["params"].astype("float64"),
        flop_per_s=published_flops / number["duration_mean_s"],
    ), notes


def groups(table: pd.DataFrame) -> dict[str, list[str]]:
    """Return the families of a table by the panel that pools them: all, the paper's two groups, and the others."""
    present = list(table["family"].unique())
    grouped = {name: [family for family in families if family in present] for name, families in GROUPS.items()}
    grouped["others"] = [family for family in present if not any(family in families for families in GROUPS.values())]
    not_empty = {name: families for name, families in grouped.items() if families}
    return {ALL: present, **not_empty} if len(not_empty) > 1 else {ALL: present}


def energy_kinds(cells: pd.DataFrame) -> str:
    """Name the kinds of energy of some cells; a single cell may have several."""
    return ", ".join(sorted({kind for kinds in cells["energy_kind"].dropna() for kind in kinds.split(", ")}))
