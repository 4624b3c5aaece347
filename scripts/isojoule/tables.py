"""The table of energy: one row per architecture, platform and phase, with the spread over repeats."""

import pandas as pd


def energy_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean and spread of the repeats that ended well.

    Args:
        frame: a table of measurements.

    Returns:
        one row per architecture, gpu and phase, in the order of first appearance; the standard deviation is that of the
        sample (n - 1), and none for a single repeat; `outcomes` counts what every repeat came to.
    """
    cell = ["architecture", "family", "gpu", "phase"]
    rows = frame.groupby(cell, sort=False, dropna=False)
    ok = frame[frame["outcome"] == "ok"].groupby(cell, sort=False, dropna=False)
    table = pd.DataFrame(
        {
            "params": rows["params"].first(),
            "flops": rows["flops"].first(),
            "repeats": ok["energy_kwh"].count(),
            "outcomes": rows["outcome"].agg(
                lambda column: ", ".join(f"{n} {o}" for o, n in column.value_counts().items())
            ),
            "energy_kind": ok["energy_kind"].agg(lambda column: ", ".join(column.dropna().unique())),
            "energy_mean_kwh": ok["energy_kwh"].mean(),
            "energy_std_kwh": ok["energy_kwh"].std(),
            "duration_mean_s": ok["duration_s"].mean(),
            "power_mean_w": ok["power_w"].mean(),
            "macro_f1_mean": ok["macro_f1"].mean(),
            "mean_average_precision_mean": ok["mean_average_precision"].mean(),
        }
    ).reindex(rows["params"].first().index)
    table["repeats"] = table["repeats"].fillna(0).astype(int)
    spread = 100 * table["energy_std_kwh"] / table["energy_mean_kwh"]
    table.insert(table.columns.get_loc("energy_std_kwh") + 1, "energy_spread_percent", spread)
    return table.reset_index()
