"""The ranking of a challenge as one HTML page that needs no network."""

import math

import pandas as pd

from isojoule import __version__, readable
from isojoule.challenge.ranks import TOLD_APART
from isojoule.records.challenge import Kit
from isojoule.report.page import environment
from isojoule.tables.columns import KINDS

# size of the figure, and its margins, in pixels
WIDTH, HEIGHT, MARGIN = 860, 420, 60
# share of an axis, or of a power of ten, beyond the outermost values
PADDING = 0.05
FEWEST_TICKS, MOST_TICKS = 2, 8


def render(kit: Kit, table: pd.DataFrame, sentences: list[str]) -> str:
    """Write the page as text.

    Args:
        kit: of the challenge.
        table: as `isojoule.challenge.ranking.rank` gives it.
        sentences: what it says in words.
    """
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    unit = readable.unit("kWh", table["energy_kwh"])
    return (
        environment()
        .get_template("challenge.html.j2")
        .render(
            kit=kit,
            version=__version__,
            ranked=[row for row in rows if row["rank"] is not None],
            others=[row for row in rows if row["rank"] is None],
            unit=unit,
            sentences=[sentence for sentence in sentences if "neighbours" in sentence],
            kinds=_kinds(table["energy_kind"]),
            **_figure(table, unit),
            width=WIDTH,
            margin=MARGIN,
            height=HEIGHT,
            style=environment().get_template("style.css").render(),
            csv=table.to_csv(index=False),
        )
    )


def render_rule(rule: str, table: pd.DataFrame, sentences: list[str]) -> str:
    """Write the page of a ranking by a published rule as text.

    Args:
        rule: its name.
        table: as `isojoule.challenge.rules.rank` gives it.
        sentences: what it says in words.
    """
    rows = table.astype(object).where(table.notna(), None)
    return (
        environment()
        .get_template("rule.html.j2")
        .render(
            rule=rule,
            version=__version__,
            scores={score: of_score.to_dict("records") for score, of_score in rows.groupby("score", sort=False)},
            systems=table["system"].nunique(),
            sentences=sentences,
            told_apart=TOLD_APART,
            style=environment().get_template("style.css").render(),
        )
    )


def _kinds(energy_kind: "pd.Series[str]") -> str:
    """What the energies of the table are, in words."""
    present = set(energy_kind.dropna())
    return " and ".join(kind for kind in KINDS if kind in present) or "estimated"


def _figure(table: pd.DataFrame, unit: readable.Unit) -> dict[str, list[dict[str, object]]]:
    """Where ranked systems and ticks stand in the figure: energy on a logarithmic axis, quality on the other."""
    ranked = table[table["rank"].notna()]
    if ranked.empty:
        return {"points": [], "x_ticks": [], "y_ticks": []}
    energies = unit.of(ranked[["low_kwh", "energy_kwh", "high_kwh"]])
    low = energies["low_kwh"].fillna(energies["energy_kwh"]).map(math.log10)
    high = energies["high_kwh"].fillna(energies["energy_kwh"]).map(math.log10)
    left, right = low.min() - PADDING, high.max() + PADDING
    bottom, top = ranked["quality"].min(), ranked["quality"].max()
    padding = PADDING * ((top - bottom) or abs(top) or 1.0)
    bottom, top = bottom - padding, top + padding

    def x(value: float) -> float:
        return round(MARGIN + float((value - left) / (right - left)) * (WIDTH - 2 * MARGIN), 1)

    def y(value: float) -> float:
        return round(HEIGHT - MARGIN - float((value - bottom) / (top - bottom)) * (HEIGHT - 2 * MARGIN), 1)

    points: list[dict[str, object]] = [
        {
            "x": x(math.log10(unit.of(row.energy_kwh))),
            "x_low": x(low[row.Index]),
            "x_high": x(high[row.Index]),
            "y": y(row.quality),
            "label": f"{row.system} of {row.team}: {readable.shown(row.energy_kwh, 'kWh')}, {row.quality:.3g}",
            "is_on_front": bool(row.on_front),
        }
        for row in ranked.itertuples()
    ]
    x_ticks: list[dict[str, object]] = [
        {"at": x(math.log10(value)), "label": readable.digits(value)} for value in _log_ticks(left, right)
    ]
    y_ticks: list[dict[str, object]] = [{"at": y(value), "label": f"{value:.4g}"} for value in _ticks(bottom, top)]
    return {"points": points, "x_ticks": x_ticks, "y_ticks": y_ticks}


def _log_ticks(low: float, high: float) -> list[float]:
    """Return round values on a logarithmic axis between these powers of ten."""
    for digits in ((1, 2, 5), (1,)):
        powers = range(math.floor(low), math.ceil(high) + 1)
        values = [digit * 10.0**power for power in powers for digit in digits]
        values = [value for value in values if low <= math.log10(value) <= high]
        if len(values) <= MOST_TICKS:
            break
    if len(values) < FEWEST_TICKS:
        return _ticks(10**low, 10**high)
    return values[:: math.ceil(len(values) / MOST_TICKS)]


def _ticks(low: float, high: float) -> list[float]:
    """Return some round values between two numbers."""
    power = 10.0 ** math.floor(math.log10(high - low))
    step = next(power * digit for digit in (0.1, 0.2, 0.5, 1, 2) if (high - low) / (power * digit) <= MOST_TICKS)
    return [number * step for number in range(math.ceil(low / step), math.floor(high / step) + 1)]
