"""The ranking of a challenge as one HTML page that needs no network."""

import math

import pandas as pd

from isojoule import __version__, readable
from isojoule.challenge.ranks import TOLD_APART
from isojoule.records.challenge import Kit
from isojoule.report.page import environment

# size of the figure, and its margins, in pixels
WIDTH, HEIGHT, MARGIN = 860, 420, 60


def render(kit: Kit, table: pd.DataFrame, sentences: list[str]) -> str:
    """Write the page as text.

    Args:
        kit: of the challenge.
        table: as `isojoule.challenge.ranking.rank` gives it.
        sentences: what it says in words.
    """
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return (
        environment()
        .get_template("challenge.html.j2")
        .render(
            kit=kit,
            version=__version__,
            ranked=[row for row in rows if row["rank"] is not None],
            others=[row for row in rows if row["rank"] is None],
            unit=readable.unit("kWh", table["energy_kwh"]),
            sentences=[sentence for sentence in sentences if "neighbours" in sentence],
            points=_points(table),
            width=WIDTH,
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


def _points(table: pd.DataFrame) -> list[dict[str, object]]:
    """Where each ranked system stands in the figure: energy on a logarithmic axis, quality on the other."""
    ranked = table[table["rank"].notna()]
    if ranked.empty:
        return []
    low = ranked["low_kwh"].fillna(ranked["energy_kwh"]).map(math.log10)
    high = ranked["high_kwh"].fillna(ranked["energy_kwh"]).map(math.log10)
    left, right = low.min(), max(high.max(), low.min() + 1e-9)
    bottom, top = ranked["quality"].min(), max(ranked["quality"].max(), ranked["quality"].min() + 1e-9)

    def x(value: float) -> float:
        return round(MARGIN + float((value - left) / (right - left)) * (WIDTH - 2 * MARGIN), 1)

    return [
        {
            "x": x(math.log10(row.energy_kwh)),
            "x_low": x(low[row.Index]),
            "x_high": x(high[row.Index]),
            "y": round(HEIGHT - MARGIN - (row.quality - bottom) / (top - bottom) * (HEIGHT - 2 * MARGIN), 1),
            "label": f"{row.system} of {row.team}: {readable.shown(row.energy_kwh, 'kWh')}, {row.quality:.3g}",
            "is_on_front": bool(row.on_front),
        }
        for row in ranked.itertuples()
    ]
