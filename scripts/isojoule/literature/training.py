"""Energy and emissions of trainings from what papers say of them; every number is an estimate.

Douwes, Esling and Briot, "Energy consumption of deep generative audio models", section 4.2; Douwes and Esling, "A
multi-objective approach for sustainable deep learning".
"""

import difflib
import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from isojoule.errors import InputError
from isojoule.tables.reading import read_any

GPUS = Path(__file__).parent / "gpus.csv"
PUBLISHED = Path(__file__).parent / "published"
REQUIRED = ("model", "gpu", "gpus", "hours")
# world average of 2018 (the poster), and a person's daily use of electricity in the US (the paper)
WORLD_KG_PER_KWH = 0.437
US_PERSON_DAY_KWH = 12.1
MAKERS = ("nvidia", "geforce", "tesla", "quadro")


def read(path: Path) -> pd.DataFrame:
    """Read a table of trainings.

    Args:
        path: CSV or parquet; columns `model`, `gpu` (name), `gpus` (number), `hours`, and, where known, `power_w`
            (maximum, of one GPU) and `utilization_percent`.

    Raises:
        InputError: unreadable, a column is missing, or a value is no number above 0.
    """
    frame = read_any(path, "a table of trainings")
    missing = [name for name in REQUIRED if name not in frame]
    if missing:
        raise InputError(f"{path}: found no column {', '.join(missing)}, expected {', '.join(REQUIRED)}")
    frame = frame.reset_index(drop=True)
    if (unnamed := frame["model"].isna()).any():
        raise InputError(f"{path}: model: found no name in row {int(unnamed.to_numpy().argmax()) + 1}")
    if frame.empty:
        raise InputError(f"{path}: found no row, expected one per training")
    optional = [name for name in ("power_w", "utilization_percent") if name in frame]
    for name in ("gpus", "hours", *optional):
        numbers = pd.to_numeric(frame[name], errors="coerce").astype("float64")
        absent = frame[name].isna() if name in optional else False
        wrong = ~((numbers > 0) & (numbers < float("inf"))) & ~absent
        if name == "utilization_percent":
            wrong |= numbers > 100
        if wrong.any():
            row = frame[wrong].iloc[0]
            limit = "a number above 0 and up to 100" if name == "utilization_percent" else "a number above 0"
            raise InputError(f"{path}: {name} of {row['model']}: found {row[name]}, expected {limit}")
        frame[name] = numbers
    return frame


def estimated(
    trainings: pd.DataFrame, kg_per_kwh: float = WORLD_KG_PER_KWH, countries: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """Energy and emissions of every training.

    Args:
        trainings: as `read` gives them.
        kg_per_kwh: emission factor, kg CO2e/kWh.
        countries: further factors by ISO code.

    Returns:
        the table with `power_w` filled in, `power_from`, `energy_kwh` (the worst case: maximum power x GPUs x hours),
        `energy_scaled_kwh` (that x utilisation: rather too low, since an idle GPU draws power as well),
        `emissions_kg_co2e`, `us_person_days`, `emissions_<country>_kg_co2e`, and `energy_kind`, which is estimated.

    Raises:
        InputError: a GPU without power whose name is not known.
    """
    table = trainings.copy()
    if "power_w" not in table:
        table["power_w"] = float("nan")
    given = table["power_w"].notna()
    table["power_from"] = "the table"
    for row in table.index[~given]:
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
    return estimated(read(PUBLISHED / "training.csv"))


def in_words(table: pd.DataFrame, kg_per_kwh: float) -> list[str]:
    """The estimates as lines to read, as in table 1 of the paper."""
    lines = [f"estimated, worst case (maximum power x GPUs x hours), at {kg_per_kwh:g} kg CO2e/kWh:"]
    width = max(len(str(model)) for model in table["model"])
    for _, row in table.iterrows():
        hardware = f"{row['gpus']:g} x {row['gpu']}, {row['power_w']:g} W by {row['power_from']}, {row['hours']:g} h"
        scaled = row.get("energy_scaled_kwh", float("nan"))
        lines.append(
            f"  {row['model']:{width}}  {row['energy_kwh']:.1f} kWh, {row['emissions_kg_co2e']:.2f} kg CO2e, "
            f"{row['us_person_days']:.1f} US person-days ({hardware})"
            + ("" if pd.isna(scaled) else f"; {scaled:.1f} kWh at {row['utilization_percent']:g} % utilisation")
        )
    return lines


def _data_sheet(gpu: str, model: object) -> tuple[float, str]:
    known = pd.read_csv(GPUS, dtype={"source": "str"})
    plain = known["gpu"].map(_plain)
    # with its memory if that makes a difference, without it if not
    rows = known[plain == _plain(gpu)]
    rows = known[plain == _plain(re.sub(r"\d+ ?GB", "", gpu, flags=re.IGNORECASE))] if rows.empty else rows
    if rows.empty:
        close = difflib.get_close_matches(gpu, known["gpu"], n=5, cutoff=0.3) or list(known["gpu"][-5:])
        raise InputError(
            f"gpu of {model}: found {gpu}, expected a column power_w with its maximum power, or a known one "
            f"such as {', '.join(close)}"
        )
    row = rows.iloc[0]
    return float(row["max_power_w"]), str(row["source"])


def _plain(name: str) -> str:
    words = re.split(r"[\s_-]+", name.lower())
    return "".join(word for word in words if word not in MAKERS and not re.fullmatch(r"sxm\d?", word))
