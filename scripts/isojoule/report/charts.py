"""What the page's charts show, as columns for the browser."""

from typing import Any

import pandas as pd

from isojoule import readable
from isojoule.figures.shared.styles import PHASES, VERDICTS
from isojoule.fronts.costs import COSTS
from isojoule.tables.qualities import QUALITIES

# colours of verdicts with contrast on a dark background, of the same hues as on a white one
DARK_COLOURS = {"optimal": "#7FB2F0", "within noise": "#F0C75E", "dominated": "#F28B9B"}
# quantities of the chart of energies with the unit of their columns, and the statistics that are drawn of them
QUANTITIES = {"energy": "kWh", "power": "W", "duration": "s"}
STATISTICS = {"": "mean", "_low": "ci95_low", "_high": "ci95_high"}
# names that Vega has for the markers of the figures
SHAPES = {"o": "circle", "D": "diamond", "X": "cross"}


def fronts(table: pd.DataFrame) -> dict[str, Any] | None:
    """Return the points of every front, and the styles of their verdicts.

    Args:
        table: the table of fronts, as `isojoule compare-fronts` writes it.

    Returns:
        the content, or None where there is no front.
    """
    if table.empty:
        return None
    texts = table[["phase", "normalized_to", "energy_kind", "unit"]].astype("string").fillna("")
    of_phase = texts["phase"].map(lambda phase: f" of {PHASES[phase].lower()}" if phase else "")
    kind = texts["energy_kind"].map(lambda kinds: f", {kinds}" if kinds else "")
    units = cost_units(table)
    unit = pd.Series([units[key] for key in zip(table["cost"], texts["phase"], strict=True)], table.index)
    size = unit.map(lambda shown: shown.size)
    symbol = unit.map(lambda shown: shown.symbol)
    in_unit = symbol.map(lambda name: f" ({name})" if name else "")
    to_target = texts["normalized_to"].map(lambda target: f" → {target}" if target else "")
    cost = table["cost"].map(lambda column: COSTS[column].label) + of_phase
    rows = pd.DataFrame(
        {
            "cost": cost,
            "label": cost + in_unit + kind,
            "unit": symbol,
            "platform": table["gpu"] + to_target,
            "quality": table["quality"].map(lambda column: QUALITIES.get(column, column.replace("_", " "))),
            "architecture": table["architecture"],
            "family": table["family"],
            "x": table["cost_mean"] / size,
            "x_low": table["cost_ci95_low"] / size,
            "x_high": table["cost_ci95_high"] / size,
            "y": table["quality_mean"],
            "y_low": table["quality_ci95_low"],
            "y_high": table["quality_ci95_high"],
            "verdict": table["verdict"],
            "probability": table["probability_optimal"],
            "by": table["dominated_by"].astype("string").fillna(""),
        }
    )
    styles = {
        verdict: [colour, DARK_COLOURS[verdict], SHAPES[marker]] for verdict, (colour, marker) in VERDICTS.items()
    }
    return {"rows": _columns(rows), "styles": styles}


def cost_units(table: pd.DataFrame) -> dict[tuple[str, str], readable.Unit]:
    """Choose one unit for all fronts of a cost and phase, by both.

    Args:
        table: the table of fronts, which may have no row.
    """
    if table.empty:
        return {}
    groups = table.groupby(["cost", table["phase"].fillna("")])
    return {key: readable.unit(COSTS[key[0]].unit, rows["cost_mean"]) for key, rows in groups}


def energies(table: pd.DataFrame) -> dict[str, Any] | None:
    """Return the energy, power and duration of every architecture by platform and phase, and their units by phase.

    Args:
        table: the table of energy.

    Returns:
        the content, or None where no cell has an energy.
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
            "kind": table["energy_kind"],
            "repeats": table["repeats"],
        }
    )
    units: dict[str, dict[str, str]] = {}
    for name, of_records in QUANTITIES.items():
        ending = f"_{of_records.lower()}"
        of_phase = {
            phase: readable.unit(of_records, part[f"{name}_mean{ending}"]) for phase, part in table.groupby("phase")
        }
        size = table["phase"].map({phase: unit.size for phase, unit in of_phase.items()})
        for column, statistic in STATISTICS.items():
            rows[f"{name}{column}"] = table[f"{name}_{statistic}{ending}"] / size
        for phase, unit in of_phase.items():
            units.setdefault(PHASES[str(phase)], {})[name] = unit.symbol
    return {"rows": _columns(rows), "units": units}


def _columns(rows: pd.DataFrame) -> dict[str, list[Any]]:
    """Return the table by column, which takes half the room of rows, with None for NaN, which JSON does not know."""
    return {name: [None if pd.isna(value) else value for value in rows[name].tolist()] for name in rows}
