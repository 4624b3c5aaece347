"""The report of a study: one HTML page with its tables, figures, charts and a calculator inside."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from isojoule import __version__
from isojoule.errors import InputError
from isojoule.figures.captions import FIGURES, MEASUREMENTS
from isojoule.normalization.ranking import ALL_PAIRS
from isojoule.normalization.splits import SCHEMES
from isojoule.records import ExtractionRecord
from isojoule.report import calculator, charts, downloads, libraries
from isojoule.tables import flags
from isojoule.tables.energy import energy_table
from isojoule.tables.qualities import QUALITIES
from isojoule.tables.reading import read_any
from isojoule.tables.work import work_of

PAGE = Path(__file__).parent / "template"
VERSIONS = ["isojoule", "python", "torch", "cuda", "codecarbon", "driver"]
# a table that is longer when packed stays beside the page
MOST_PACKED_BYTES = 2_000_000
RANKS_SHOWN = 10
# tables that have a section, each with a column that no other table has
SECTIONS = {
    "pareto/fronts.csv": "cost_mean",
    "pareto/summary.csv": "hypervolume",
    "pareto/stability.csv": "front_jaccard",
    "compute-energy/claims.csv": "criterion",
    "normalization/ranking.csv": "mdape_median_percent",
    "normalization/references.csv": "reference_names",
    "literature/training.csv": "us_person_days",
}


def render(
    measurements: tuple[Path, pd.DataFrame],
    tables: Mapping[str, Path],
    figures: Sequence[Path],
    extraction: ExtractionRecord | None = None,
) -> str:
    """The page as text.

    Args:
        measurements: the table of measurements, and the file that it is from.
        tables: other tables by their path below the study's results, such as `pareto/fronts.csv`; what is not there has
            no section.
        figures: SVG files, shown in this order.
        extraction: what the features cost.

    Raises:
        InputError: a table or figure cannot be read.
    """
    try:
        return _rendered(measurements, tables, figures, extraction)
    except (KeyError, jinja2.UndefinedError) as error:
        raise InputError(f"tables: found one without what the page shows of it: {error}") from error


def _rendered(
    measurements: tuple[Path, pd.DataFrame],
    tables: Mapping[str, Path],
    figures: Sequence[Path],
    extraction: ExtractionRecord | None,
) -> str:
    path, frame = measurements
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGE), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    # in the order of the study; and no NaN, which is no JSON
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False, "allow_nan": False}
    environment.filters["figures"] = lambda value: "" if pd.isna(value) else f"{value:.3g}"
    environment.filters["count"] = lambda value: "" if pd.isna(value) else f"{value:,.0f}"
    ok = frame[frame["outcome"] == "ok"]
    energies = energy_table(frame)
    fronts = _read(tables, "pareto/fronts.csv")
    script, style = libraries.data_tables()
    data = {
        "fronts": None if fronts is None else charts.fronts(fronts),
        "energies": charts.energies(energies),
        "study": calculator.study(frame),
    }
    files = {"measurements.csv": downloads.csv(frame), "tables/energy.csv": downloads.csv(energies)}
    files |= {name: downloads.file(one) for name, one in tables.items() if one.suffix == ".csv"}
    packed = {name: content for name, content in files.items() if len(content) <= MOST_PACKED_BYTES}
    return environment.get_template("page.html.j2").render(
        version=__version__,
        study=_first(frame["study"]) or path.stem,
        started_at=_first(frame["started_at"].dropna().sort_values()),
        ended_at=_first(frame["ended_at"].dropna().sort_values(ascending=False)),
        outcomes=frame["outcome"].value_counts().to_dict(),
        energy_kwh=_in_windows_kwh(ok),
        sources=ok.fillna({"energy_source": "an instrument that the table does not name"})
        .groupby(["gpu", "energy_kind"], sort=False)["energy_source"]
        .unique()
        .to_dict(),
        platforms=_platforms(frame),
        phases={phase: work_of(rows) for phase, rows in ok.groupby("phase", sort=False)},
        versions=_versions(frame),
        commits=sorted(frame["commit"].dropna().unique()),
        flags=_flags(frame),
        claims=_records(_read(tables, "compute-energy/claims.csv")),
        energies=_records(energies),
        fronts=_records(fronts),
        costs=charts.COSTS,
        qualities=QUALITIES,
        shown_qualities=[name for name in QUALITIES if f"{name}_mean" in energies],
        summary=_records(_read(tables, "pareto/summary.csv")),
        stability=_records(_read(tables, "pareto/stability.csv")),
        ranking=_records(_ranked(_read(tables, "normalization/ranking.csv"))),
        references=_records(_read(tables, "normalization/references.csv")),
        literature=_records(_read(tables, "literature/training.csv")),
        extraction=extraction,
        figures=_figures(figures, {MEASUREMENTS: path, **tables}),
        downloads=packed,
        beside=[path.name if name == "measurements.csv" else name for name in (*files, *tables) if name not in packed],
        data=data,
        vega=libraries.vega(),
        data_tables=script,
        data_tables_style=style,
        asset=lambda name: (PAGE / name).read_text(encoding="utf-8"),
    )


def _in_windows_kwh(ok: pd.DataFrame) -> dict[str, float]:
    """What all windows took, by kind: of a phase that was carried to the whole, the part that was measured."""
    kwh = ok["measured_energy_kwh"].fillna(ok["energy_kwh"]) * ok["repetitions"].fillna(1)
    found: dict[str, float] = kwh.groupby(ok["measured_energy_kind"].fillna(ok["energy_kind"])).sum().to_dict()
    return found


def _read(tables: Mapping[str, Path], name: str) -> pd.DataFrame | None:
    if name not in tables:
        return None
    table = read_any(tables[name], "a table")
    if len(table) and SECTIONS[name] not in table:
        raise InputError(f"{tables[name]}: found no column {SECTIONS[name]}, expected what the study's programs write")
    return table


def _records(table: pd.DataFrame | None) -> list[dict[str, Any]]:
    return [] if table is None else [dict(row) for row in table.to_dict("records")]


def _first(values: pd.Series) -> Any:
    known = values.dropna()
    return known.iloc[0] if len(known) else None


def _platforms(frame: pd.DataFrame) -> dict[str, dict[str, str]]:
    columns = ["device_name", "hostname", "driver", "torch", "codecarbon", "precision"]
    groups = frame.groupby("gpu", sort=False)
    found: dict[str, dict[str, str]] = (
        groups[columns].agg(lambda column: ", ".join(map(str, column.dropna().unique()))).to_dict("index")
    )
    counts = groups["outcome"].agg(lambda column: f"{(column == 'ok').sum()} of {len(column)}")
    return {gpu: {**row, "ok": counts[gpu]} for gpu, row in found.items()}


def _versions(frame: pd.DataFrame) -> list[dict[str, Any]]:
    versions = frame.groupby(VERSIONS, sort=False, dropna=False).agg(
        records=("gpu", "size"),
        gpus=("gpu", lambda column: ", ".join(column.unique())),
        first=("started_at", "min"),
        last=("started_at", "max"),
    )
    return _records(versions.reset_index().astype(object).fillna(""))


def _flags(frame: pd.DataFrame) -> list[dict[str, object]]:
    """Every flag that occurs, the most frequent one first: meaning, number of records, and cells with their repeats.

    No cells for a flag that every record has.
    """
    rows = flags.listed(frame)
    cells = rows.groupby(["flag", "meaning", "gpu", "architecture", "phase"], sort=False, dropna=False)["repeat"].agg(
        lambda repeats: ", ".join(map(str, repeats))
    )
    found = []
    for (flag, meaning), count in rows.groupby(["flag", "meaning"], dropna=False).size().sort_values()[::-1].items():
        mine = cells[cells.index.get_level_values("flag") == flag].reset_index().to_dict("records")
        everywhere = count == len(frame)
        found.append({"flag": flag, "meaning": meaning, "records": count, "cells": [] if everywhere else mine})
    return found


def _ranked(ranking: pd.DataFrame | None) -> pd.DataFrame | None:
    """The best methods over all pairs, for each number of references, and our default."""
    if ranking is None or ranking.empty:
        return None
    over_all = ranking[(ranking["pair"] == ALL_PAIRS) & ranking["scheme"].isin(list(SCHEMES))]
    return over_all[(over_all["rank"] <= RANKS_SHOWN) | over_all["default"]]


def _figures(figures: Sequence[Path], tables: Mapping[str, Path]) -> dict[str, list[dict[str, str]]]:
    """By category, in the order of the first figure of each: what is said of a figure, where it is from, itself."""
    found: dict[str, list[dict[str, str]]] = {}
    for figure in figures:
        if (described := FIGURES.get(figure.stem)) is None:
            raise InputError(f"{figure}: found a figure {figure.stem}, expected one of {', '.join(FIGURES)}")
        try:
            content = figure.read_bytes()
        except OSError as error:
            raise InputError(f"{figure}: cannot be read: {error.strerror or error}") from error
        if b"<svg" not in content[:1000]:
            raise InputError(f"{figure}: is no SVG file, expected what plot.py draws")
        table = tables.get(described.table)
        found.setdefault(described.category, []).append(
            {
                "name": figure.stem,
                "title": described.title,
                "caption": described.caption,
                "packed": downloads.packed(content),
                "table": described.table,
                "checksum": hashlib.sha256(table.read_bytes()).hexdigest()[:16] if table else "",
            }
        )
    return found
