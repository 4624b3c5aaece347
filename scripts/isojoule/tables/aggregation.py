"""From one JSON record per cell to one table of measurements."""

from dataclasses import asdict
from pathlib import Path

import pandas as pd

from isojoule.errors import InputError
from isojoule.flags.of_study import with_flags_of_the_study
from isojoule.readable import counted
from isojoule.records import ComputeRecord, MeasurementRecord, read_record
from isojoule.records.measurement import FINAL
from isojoule.study.cells import architectures, cells
from isojoule.study.journal import Journal
from isojoule.study.reruns import compute_fingerprint, fingerprints
from isojoule.tables.outcomes import taken_from
from isojoule.tables.qualities import QUALITIES, with_quality_table
from isojoule.tables.rows import as_table, row, row_without_record
from isojoule.workloads import interface
from isojoule.workloads.interface import Architecture, Configuration

PROBLEMS_SHOWN = 10
# attempts that are not over, or over without a word, as an outcome of a cell
OPEN = {"running": "missing", "ok": "missing", "oom": "missing", "untrained": "missing"}


def aggregate(configuration: Configuration, results: Path) -> pd.DataFrame:
    """The study's table of measurements.

    Every record in the folder `results` is read. Those of cells that the configuration no longer has are left out. A
    cell without a record has a row whose outcome says why: that of its last attempt, or missing. An architecture that
    was not counted has no FLOPs.

    Args:
        configuration: of the study.
        results: the folder of the study's results, with `records`, `compute` and `features`.

    Returns:
        one row per cell, in the order of the cells, with all columns of `columns.COLUMNS`.

    Raises:
        InputError: records are of an unknown schema, of another configuration or there twice, all of which are named;
            or there is none; or the workload has a quality or a setting that the table does not know; or the table of
            qualities is wrong; or flags are excluded that every cell has.
    """
    models = architectures(configuration)
    data = interface.data_fingerprint(results / "features")
    if unknown := sorted(set(configuration.QUALITIES) - set(QUALITIES)):
        raise InputError(
            f"workload {configuration.workload}: QUALITIES: found {unknown[0]}, expected a column with a quality in "
            f"isojoule/tables/columns.py, such as {', '.join(QUALITIES)}"
        )
    compute = _counts(results / "compute", configuration, models)
    rows = []
    records, journal = _records(results / "records", configuration, models, data), Journal(results)
    for cell in cells(configuration):
        record = records.get((cell.gpu, cell.architecture, cell.phase, cell.repeat))
        if record is None:
            last = journal.last(cell, fingerprints(configuration, cell, data, models))
            outcome = last.outcome if last else "missing"
            names = {"study": configuration.study, "workload": configuration.workload, **asdict(cell)}
            names |= {"family": models[cell.architecture].family, "outcome": OPEN.get(outcome, outcome)}
            rows.append(row_without_record(names, compute.get(cell.architecture)))
            continue
        times = configuration.whole(record.architecture, record.phase)
        # the record is of another study where that one decides the cell alike
        values = row(record, compute.get(record.architecture), times) | {"study": configuration.study}
        if configuration.phases.train is not None and configuration.whole(record.architecture, "train") != 1:
            # a part of the training made the weights: their quality is not what the energy of the whole training buys
            values |= dict.fromkeys(record.quality)
        rows.append(values)
    table = as_table(rows)
    if configuration.analysis.quality_table is not None:
        qualities = configuration.measured_qualities()
        table = with_quality_table(table, Path(configuration.analysis.quality_table), qualities)
    excluded = configuration.analysis.exclude_flags
    flagged = with_flags_of_the_study(table, excluded)
    if (table["outcome"] == "ok").any() and not (flagged["outcome"] == "ok").any():
        number = (flagged["outcome"] == "excluded").sum()
        raise InputError(
            f"analysis.exclude_flags: found {', '.join(excluded)}, which leaves out all {number} cells that have an "
            "energy; expected some to be left"
        )
    return flagged


def _counts(folder: Path, configuration: Configuration, models: dict[str, Architecture]) -> dict[str, ComputeRecord]:
    """The compute records of the study's architectures by their names, without those that were not counted."""
    paths = {name: folder / f"{name}.json" for name in models}
    counts = {name: read_record(path, ComputeRecord) for name, path in paths.items() if path.is_file()}
    problems = [
        f"{paths[name]}: was counted with another configuration, of {count.architecture}; "
        f"`isojoule count-compute --architecture {name}` makes it again"
        for name, count in counts.items()
        if count.configuration_fingerprint != compute_fingerprint(configuration, models[name])
    ]
    if problems:
        raise InputError("\n       ".join(problems))
    return counts


def _records(
    folder: Path, configuration: Configuration, models: dict[str, Architecture], data_fingerprint: str
) -> dict[tuple[str, str, str, int], MeasurementRecord]:
    """The records of the study's cells, by the identity of the cell."""
    expected = {(c.gpu, c.architecture, c.phase, c.repeat): c for c in cells(configuration)}
    records: dict[tuple[str, str, str, int], MeasurementRecord] = {}
    paths: dict[tuple[str, str, str, int], Path] = {}
    problems = []
    for path in sorted(folder.rglob("*.json")):
        try:
            record = read_record(path, MeasurementRecord)
        except InputError as error:
            problems.append(str(error))
            continue
        cell = expected.get(record.identity)
        if cell is None:
            continue
        decided_by = fingerprints(configuration, cell, data_fingerprint, models)
        if record.outcome not in FINAL:
            problems.append(f"{path}: outcome: found {record.outcome}, expected one of {', '.join(FINAL)}")
        elif record.identity in paths:
            problems.append(f"{path}: is the same cell as {paths[record.identity]} ({cell})")
        elif not record.is_of(decided_by):
            problems.append(f"{path}: was measured with other code, configuration or data; start the study again")
        records[record.identity], paths[record.identity] = record, path
    if not records and not problems:
        problems.append(f"{folder}: found no record of any of {len(expected)} cells, expected some")
    if problems:
        more = [f"and {len(problems) - PROBLEMS_SHOWN} more"] if len(problems) > PROBLEMS_SHOWN else []
        raise InputError("\n       ".join(problems[:PROBLEMS_SHOWN] + more))
    return records


def in_words(table: pd.DataFrame, results: Path) -> list[str]:
    """Say which records are of another study, which cells lack a record or a count, and what to do.

    Args:
        table: as `aggregate` returns it.
        results: the folder of the study's results.
    """
    uncounted = table.loc[table["params"].isna(), "architecture"].unique()
    sentences = [
        f"{counted(count, 'cell was', 'cells were')} measured by the study {study}, which decides them alike"
        for study, count in taken_from(table).items()
    ]
    sentences += [
        f"{name}: found no {results}/compute/{name}.json, so that its parameters and FLOPs are empty: "
        "`isojoule count-compute` makes it, or says why it cannot"
        for name in uncounted
    ]
    unmeasured = table[~table["outcome"].isin([*FINAL, "excluded"])]
    if unmeasured.empty:
        return sentences
    counts = ", ".join(f"{count} {outcome}" for outcome, count in unmeasured["outcome"].value_counts().items())
    first = unmeasured.iloc[0]
    cell = f"{first['architecture']} on {first['gpu']}, {first['phase']}, repeat {first['repeat']}"
    return [
        *sentences,
        f"{len(unmeasured)} of {len(table)} cells have no record ({counts}), the first of them {cell}: "
        f"`isojoule status {results}` says why, and the command that measured goes on with them",
    ]
