"""What the page's charts show, as rows for the browser."""

from typing import Any

import pandas as pd

from isojoule.figures.shared.styles import PHASES, VERDICTS
from isojoule.fronts.costs import NORMALIZED
from isojoule.tables.measurements import QUALITIES

COSTS = {
    "energy_kwh": "Energy",
    NORMALIZED: "Normalized energy",
    "emissions_kg_co2e": "CO2e",
    "flops": "Forward FLOPs of one example",
    "params": "Parameters",
}


def fronts(table: pd.DataFrame) -> dict[str, Any] | None:
    """The points of every front, and the choices that the reader has; none where there is no front.

    Args:
        table: that of compare_fronts.py.
    """
    if table.empty:
        return None
    words = table[["phase", "normalized_to", "energy_kind", "unit"]].fillna("")
    of_phase = words["phase"].map(lambda phase: f" of {PHASES[phase].lower()}" if phase else "")
    kind = words["energy_kind"].map(lambda found: f", {found}" if found else "")
    unit = words["unit"].map(lambda found: f" ({found})" if found else "")
    name = table["cost"].map(COSTS)
    arrow = words["normalized_to"].map(lambda target: f" → {target}" if target else "")
    rows = pd.DataFrame(
        {
            "cost": name + of_phase,
            "label": name + of_phase + unit + kind,
            "platform": table["gpu"] + arrow,
            "quality": table["quality"].map(lambda column: QUALITIES.get(column, column.replace("_", " "))),
            "architecture": table["architecture"],
            "family": table["family"],
            "x": table["cost_mean"],
            "x_low": table["cost_ci95_low"],
            "x_high": table["cost_ci95_high"],
            "y": table["quality_mean"],
            "y_low": table["quality_ci95_low"],
            "y_high": table["quality_ci95_high"],
            "verdict": table["verdict"],
            "probability": table["probability_optimal"],
            "by": table["dominated_by"].fillna(""),
        }
    )
    return {"rows": _columns(rows), "styles": _styles()}


def energies(table: pd.DataFrame) -> dict[str, Any] | None:
    """Energy of every architecture by platform and phase; none where nothing was measured.

    Args:
        table: the table of energy.
    """
    table = table[table["repeats"] > 0]
    if table.empty:
        return None
    rows = pd.DataFrame(
        {
            "architecture": table["architecture"],
            "family": table["family"],
            "platform": table["gpu"],
            "phase": table["phase"].map(PHASES),
            "energy": table["energy_mean_kwh"],
            "low": table["energy_ci95_low_kwh"],
            "high": table["energy_ci95_high_kwh"],
            "kind": table["energy_kind"],
            "power": table["power_mean_w"],
            "duration": table["duration_mean_s"],
        }
    )
    return {"rows": _columns(rows)}


def _columns(rows: pd.DataFrame) -> dict[str, list[Any]]:
    """Column by column, which is half as long as row by row; nothing for what is missing, which JSON has no NaN for."""
    return {name: [None if pd.isna(value) else value for value in rows[name].tolist()] for name in rows}


def _styles() -> dict[str, list[str]]:
    """Colours of verdicts on white and on dark ground, and shapes, as in the figures."""
    shapes = {"o": "circle", "D": "diamond", "X": "cross"}
    return {verdict: [colour, DARK[verdict], shapes[marker]] for verdict, (colour, marker) in VERDICTS.items()}


# of the same hues, with contrast on dark ground
DARK = {"optimal": "#7FB2F0", "within noise": "#F0C75E", "dominated": "#F28B9B"}
