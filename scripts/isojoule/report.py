"""The report of a study: one HTML page with its tables and figures inside."""

import base64
from pathlib import Path

import jinja2
import pandas as pd

from isojoule import figures as drawn
from isojoule import flags
from isojoule.records import ExtractionRecord
from isojoule.tables import energy_table

VERSIONS = ["isojoule", "python", "torch", "cuda", "codecarbon", "driver"]
TEMPLATES = Path(__file__).parent / "templates"


def render(frame: pd.DataFrame, extraction: ExtractionRecord, claims: pd.DataFrame, figures: list[Path]) -> str:
    """The page as text.

    Args:
        frame: a table of measurements.
        extraction: what the features cost.
        claims: those of `isojoule.compute_energy.claims`.
        figures: SVG files, shown in this order.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.filters["figures"] = lambda value: "" if pd.isna(value) else f"{value:.3g}"
    environment.filters["count"] = lambda value: "" if pd.isna(value) else f"{value:,.0f}"
    ok = frame[frame["outcome"] == "ok"]
    platforms = frame.groupby("gpu", sort=False)[
        ["device_name", "hostname", "driver", "torch", "codecarbon", "precision"]
    ]
    versions = frame.groupby(VERSIONS, sort=False, dropna=False).agg(
        records=("gpu", "size"),
        gpus=("gpu", lambda column: ", ".join(column.unique())),
        first=("started_at", "min"),
        last=("started_at", "max"),
    )
    return environment.get_template("report.html.j2").render(
        study=frame["study"].iloc[0],
        started_at=frame["started_at"].min(),
        ended_at=frame["ended_at"].max(),
        outcomes=frame["outcome"].value_counts().to_dict(),
        energy_kwh=(ok["energy_kwh"] * ok["repetitions"].fillna(1)).groupby(ok["energy_kind"]).sum().to_dict(),
        sources=ok.groupby(["gpu", "energy_kind"], sort=False)["energy_source"].unique().to_dict(),
        platforms=platforms.agg(lambda column: ", ".join(map(str, column.dropna().unique()))).to_dict("index"),
        versions=versions.reset_index().astype(object).fillna("").to_dict("records"),
        commits=sorted(frame["commit"].dropna().unique()),
        flags=_flags(frame),
        claims=claims.to_dict("records"),
        table=energy_table(frame).to_dict("records"),
        extraction=extraction,
        figures=[(_caption(path.stem), base64.b64encode(path.read_bytes()).decode()) for path in figures],
    )


def _flags(frame: pd.DataFrame) -> list[dict[str, object]]:
    """Every flag that occurs, the most frequent one first: meaning, number of records, and cells with their repeats."""
    rows = flags.listed(frame)
    cells = rows.groupby(["flag", "meaning", "gpu", "architecture", "phase"], sort=False, dropna=False)["repeat"].agg(
        lambda repeats: ", ".join(map(str, repeats))
    )
    found = []
    for (flag, meaning), count in rows.groupby(["flag", "meaning"], dropna=False).size().sort_values()[::-1].items():
        mine = cells[cells.index.get_level_values("flag") == flag].reset_index().to_dict("records")
        found.append({"flag": flag, "meaning": meaning, "records": count, "cells": mine})
    return found


def _caption(figure: str) -> str:
    return drawn.FIGURES[figure].caption if figure in drawn.FIGURES else figure
