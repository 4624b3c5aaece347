"""Energy and emissions of trainings, from what papers say of their hardware and hours; every number is an estimate.

Douwes, Esling and Briot, "Energy consumption of deep generative audio models", section 4.2; Douwes and Esling, "A
multi-objective approach for sustainable deep learning".
"""

import difflib
import math
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from isojoule.errors import InputError
from isojoule.tables.reading import read_any
from isojoule.tables.values import numbers, refuse

GPUS = Path(__file__).parent / "gpus.csv"
PUBLISHED = Path(__file__).parent / "published"
REQUIRED = ("model", "gpu", "gpus", "hours")
# columns that may be absent, and the most that each can be
OPTIONAL = {"power_w": math.inf, "utilization_percent": 100.0}
# the world's average of 2018 (the poster), and a person's daily use of electricity in the US (the paper)
WORLD_KG_PER_KWH = 0.437
US_PERSON_DAY_KWH = 12.1
# the maximum power of boards lies between, from a module for the edge to several dies on one board
POWER_OF_BOARDS_W = (5.0, 5000.0)
# words in names of GPUs that do not tell one from another
MAKERS = ("nvidia", "geforce", "tesla", "quadro")


def read(path: Path) -> pd.DataFrame:
    """Read a table of trainings.

    Args:
        path: CSV or parquet file with the columns `model`, `gpu` (its name), `gpus` (their number), `hours`, and, where
            known, `power_w` (maximum power of one GPU) and `utilization_percent`.

    Raises:
        InputError: the file is unreadable, a column is missing, or a value is no number above 0.
    """
    table = read_any(path, "a table of trainings", known=(*REQUIRED, *OPTIONAL))
    missing = [name for name in REQUIRED if name not in table]
    if missing:
        raise InputError(f"{path}: found no column {', '.join(missing)}, expected {', '.join(REQUIRED)}")
    if table.empty:
        raise InputError(f"{path}: found no row, expected one per training")
    refuse(table, "model", table["model"].isna(), "a name")
    for name in (*REQUIRED[2:], *(column for column in OPTIONAL if column in table)):
        values, limit = numbers(table, name), OPTIONAL.get(name, math.inf)
        is_right = (values > 0) & (values <= limit) | (np.isnan(values) if name in OPTIONAL else False)
        refuse(table, name, ~is_right, "a number above 0" + ("" if math.isinf(limit) else f" and up to {limit:g}"))
        table[name] = values
    is_unknown = table["gpu"].isna() & (table["power_w"].isna() if "power_w" in table else True)
    refuse(table, "gpu", is_unknown, "a name, or its maximum power in power_w")
    return table


def estimate(
    trainings: pd.DataFrame, kg_per_kwh: float = WORLD_KG_PER_KWH, countries: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """Estimate energy and emissions of every training.

    The energy is maximum power x GPUs x hours, the worst case (section 4.2 of the paper); the emissions are the energy
    times an emission factor (the poster).

    Args:
        trainings: as `read` returns them.
        kg_per_kwh: emission factor in kg CO2e/kWh.
        countries: further emission factors by ISO code.

    Returns:
        the table with `power_w` filled in and `power_from` (where it is from), `energy_kwh`, `energy_scaled_kwh` (that
        times the utilisation, which is rather too low, since an idle GPU draws power as well), `emissions_kg_co2e`,
        `us_person_days`, `emissions_<country>_kg_co2e`, and `energy_kind`, which is estimated.

    Raises:
        InputError: a GPU without `power_w` has a name that is not known.
    """
    table = trainings.copy()
    if "power_w" not in table:
        table["power_w"] = float("nan")
    has_power = table["power_w"].notna()
    table["power_from"] = "the table"
    for row in table.index[~has_power]:
        table.loc[row, ["power_w", "power_from"]] = _data_sheet(str(table.loc[row, "gpu"]), table.loc[row, "model"])
    table["energy_kwh"] = table["power_w"] * table["gpus"] * table["hours"] / 1000
    if "utilization_percent" in table:
        table["energy_scaled_kwh"] = table["energy_kwh"] * table["utilization_percent"] / 100
    table["emissions_kg_co2e"] = kg_per_kwh * table["energy_kwh"]
    table["us_person_days"] = table["energy_kwh"] / US_PERSON_DAY_KWH
    for country, factor in (countries or {}).items():
        table[f"emissions_{country}_kg_co2e"] = factor * table["energy_kwh"]
    return table.assign(energy_kind="estimated")


def published() -> pd.DataFrame:
    """Estimate the published trainings (Douwes, Esling and Briot, table 1)."""
    return estimate(read(PUBLISHED / "training.csv"))


def in_words(table: pd.DataFrame, kg_per_kwh: float) -> list[str]:
    """Describe the estimates in lines to print, with the numbers of table 1 of the paper."""
    lines = [f"estimated, worst case (maximum power x GPUs x hours), at {kg_per_kwh:g} kg CO2e/kWh:"]
    width = max(len(str(model)) for model in table["model"])
    for _, row in table.iterrows():
        gpu = "GPU" if pd.isna(row["gpu"]) else row["gpu"]
        hardware = f"{row['gpus']:g} x {gpu}, {row['power_w']:g} W by {row['power_from']}, {row['hours']:g} h"
        scaled_kwh = row.get("energy_scaled_kwh", float("nan"))
        lines.append(
            f"  {row['model']:{width}}  {row['energy_kwh']:.1f} kWh, {row['emissions_kg_co2e']:.2f} kg CO2e, "
            f"{row['us_person_days']:.1f} US person-days ({hardware})"
            + ("" if pd.isna(scaled_kwh) else f"; {scaled_kwh:.1f} kWh at {row['utilization_percent']:g} % utilisation")
        )
    low_w, high_w = POWER_OF_BOARDS_W
    doubtful = table[(table["power_w"] < low_w) | (table["power_w"] > high_w)]
    return [
        *(
            f"{row['model']}: one GPU takes at most {row['power_w']:g} W; is power_w in W?"
            for _, row in doubtful.iterrows()
        ),
        *lines,
    ]


def _data_sheet(gpu: str, model: object) -> tuple[float, str]:
    """Return the maximum power of a GPU in watts, by its name, and the source of that number."""
    gpus = pd.read_csv(GPUS, dtype={"source": "str"})
    plain_names = gpus["gpu"].map(_plain_name)
    rows = gpus[plain_names == _plain_name(gpu)]
    if rows.empty:
        # a GPU is listed without its memory where that makes no difference
        rows = gpus[plain_names == _plain_name(re.sub(r"\d+ ?GB", "", gpu, flags=re.IGNORECASE))]
    if rows.empty:
        close = difflib.get_close_matches(gpu, gpus["gpu"], n=5, cutoff=0.3) or list(gpus["gpu"][-5:])
        raise InputError(
            f"gpu of {model}: found {gpu}, expected a column power_w with its maximum power, or a known one "
            f"such as {', '.join(close)}"
        )
    row = rows.iloc[0]
    return float(row["max_power_w"]), str(row["source"])


def _plain_name(gpu: str) -> str:
    words = re.split(r"[\s_-]+", gpu.lower())
    return "".join(word for word in words if word not in MAKERS and not re.fullmatch(r"sxm\d?", word))
