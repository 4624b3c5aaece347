"""What a study measured, and how: devices, sources of energy, flags, versions."""

from typing import Any

import pandas as pd

from isojoule.flags.of_study import flagged_cells
from isojoule.report.analysis_tables import records
from isojoule.tables.work import work_of

VERSIONS = ["isojoule", "python", "torch", "cuda", "codecarbon", "driver"]
UNNAMED_SOURCE = "an instrument that the table does not name"


def provenance(frame: pd.DataFrame) -> dict[str, Any]:
    """Return what the page says of how a table of measurements came about, by the names of the template."""
    ok = frame[frame["outcome"] == "ok"]
    sources = ok.fillna({"energy_source": UNNAMED_SOURCE}).groupby(["gpu", "energy_kind"], sort=False)["energy_source"]
    return {
        "started_at": frame["started_at"].dropna().min() if frame["started_at"].notna().any() else None,
        "ended_at": frame["ended_at"].dropna().max() if frame["ended_at"].notna().any() else None,
        "outcomes": frame["outcome"].value_counts().to_dict(),
        "energy_kwh": _energy_in_windows_kwh(ok),
        "sources": sources.unique().to_dict(),
        "of_boards": bool(((ok["energy_kind"] == "measured") & ok["gpu_energy_kwh"].notna()).any()),
        "platforms": _platforms(frame),
        "phases": {phase: work_of(rows) for phase, rows in ok.groupby("phase", sort=False)},
        "versions": _versions(frame),
        "commits": sorted(frame["commit"].dropna().unique()),
        "flags": _flags(frame),
    }


def _energy_in_windows_kwh(ok: pd.DataFrame) -> dict[str, float]:
    """Sum the energies of all measured windows by kind; of a phase that was carried to the whole, the measured part."""
    kwh = ok["measured_energy_kwh"].fillna(ok["energy_kwh"]) * ok["repetitions"].fillna(1)
    kinds = ok["measured_energy_kind"].fillna(ok["energy_kind"])
    by_kind: dict[str, float] = kwh.groupby(kinds).sum().to_dict()
    return by_kind


def _platforms(frame: pd.DataFrame) -> dict[str, dict[str, str]]:
    columns = ["device_name", "hostname", "driver", "torch", "codecarbon", "precision"]
    groups = frame.groupby("gpu", sort=False)
    values: dict[str, dict[str, str]] = (
        groups[columns].agg(lambda column: ", ".join(map(str, column.dropna().unique()))).to_dict("index")
    )
    ended_well = groups["outcome"].agg(lambda column: f"{(column == 'ok').sum()} of {len(column)}")
    return {gpu: {**of_gpu, "ok": ended_well[gpu]} for gpu, of_gpu in values.items()}


def _versions(frame: pd.DataFrame) -> list[dict[str, Any]]:
    versions = frame.groupby(VERSIONS, sort=False, dropna=False).agg(
        records=("gpu", "size"),
        gpus=("gpu", lambda column: ", ".join(column.unique())),
        first=("started_at", "min"),
        last=("started_at", "max"),
    )
    return records(versions.reset_index().astype(object).fillna(""))


def _flags(frame: pd.DataFrame) -> list[dict[str, object]]:
    """Return every flag that occurs, the most frequent one first: meaning, number of records, and flagged cells.

    A flag that every record has comes without cells.
    """
    rows = flagged_cells(frame)
    repeats = rows.groupby(["flag", "meaning", "gpu", "architecture", "phase"], sort=False, dropna=False)["repeat"]
    cells = repeats.agg(lambda numbers: ", ".join(map(str, numbers))).reset_index()
    counts = rows.groupby(["flag", "meaning"], dropna=False).size().sort_values()[::-1]
    return [
        {
            "flag": flag,
            "meaning": meaning,
            "records": count,
            "cells": [] if count == len(frame) else records(cells[cells["flag"] == flag]),
        }
        for (flag, meaning), count in counts.items()
    ]
