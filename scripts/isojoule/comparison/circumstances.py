"""What differs between two studies beside their energies: hardware, versions, configuration, data."""

import pandas as pd

# columns of the table of measurements that say how a cell was measured, by what they are of
CIRCUMSTANCES = {
    "hardware": ("device_name", "device_uuid", "hostname"),
    "versions": ("driver", "cuda", "cudnn", "torch", "python", "codecarbon", "isojoule", "commit"),
    "configuration": (
        *("workload", "task", "features", "precision", "threads", "devices", "batch_size", "epochs", "steps"),
        *("samples", "audio_s", "country_iso_code"),
    ),
    "data": ("data_fingerprint",),
    "models": ("params", "flops", "forward_flops", "backward_flops"),
    "meter": ("energy_source", "energy_kind"),
}
MOST_SHOWN = 5


def differing_circumstances(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """Tell which circumstances of the cells that both tables have are others.

    Args:
        a: a table of measurements.
        b: another one.

    Returns:
        one row per platform and column whose values differ: `gpu`, `of` (hardware, versions, configuration, data,
        models, meter), `column`, `cells` (in how many cells it differs), `in_a`, `in_b` (the values of these cells).
    """
    cell = ["gpu", "architecture", "phase"]
    rows = []
    for gpu in [gpu for gpu in a["gpu"].unique() if gpu in set(b["gpu"])]:
        groups = [table[(table["gpu"] == gpu) & (table["outcome"] == "ok")].groupby(cell[1:]) for table in (a, b)]
        for of, columns in CIRCUMSTANCES.items():
            for name in columns:
                in_a, in_b = (cells[name].agg(lambda values: frozenset(values.dropna())) for cells in groups)
                known = in_a.index.intersection(in_b.index)
                other = [key for key in known if in_a[key] != in_b[key]]
                if other:
                    rows.append(
                        {
                            "gpu": gpu,
                            "of": of,
                            "column": name,
                            "cells": len(other),
                            "in_a": _in_words(frozenset().union(*in_a[other])),
                            "in_b": _in_words(frozenset().union(*in_b[other])),
                        }
                    )
    return pd.DataFrame(rows, columns=["gpu", "of", "column", "cells", "in_a", "in_b"])


def _in_words(values: frozenset[object]) -> str:
    shown = sorted(map(str, values))
    more = f" and {len(shown) - MOST_SHOWN} more" if len(shown) > MOST_SHOWN else ""
    return ", ".join(shown[:MOST_SHOWN]) + more or "not stated"
