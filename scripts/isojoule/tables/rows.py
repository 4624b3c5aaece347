"""From the records of a cell to its row in the table of measurements."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from isojoule.errors import InputError
from isojoule.flags.of_record import ordered
from isojoule.records import ComputeRecord, MeasurementRecord, RunRecord
from isojoule.records.extrapolation import extrapolated
from isojoule.records.measurement import Extrapolation
from isojoule.tables.columns import COLUMNS, Column, Derived
from isojoule.tables.derived import joined
from isojoule.tables.left_out import LEFT_OUT

# workloads put values into these fields of a record under names of their own
NAMED_BY_WORKLOADS = ("settings", "quality")
KNOWN_PATHS = {*LEFT_OUT, *(path for column in COLUMNS.values() for path in column.paths)}


@dataclass(frozen=True)
class Sources:
    """Where the values of a row are from: the paths of columns begin with one of these names.

    Attributes:
        record: of the cell.
        compute: of the cell's architecture; None where it was not counted.
        part: the record again, where it is of a part of the phase and the row is of all of it.
        whole: the extrapolation from that part.
    """

    record: MeasurementRecord
    compute: ComputeRecord | None
    part: MeasurementRecord | None = None
    whole: Extrapolation | None = None


def row(record: MeasurementRecord, compute: ComputeRecord | None, times: float = 1) -> dict[str, Any]:
    """The row of a cell, a value for each of `COLUMNS`; None where there is none.

    Where a part of the phase was measured, the row tells of the whole phase, as an estimate, and has what was measured
    beside it.

    Args:
        record: of the cell.
        compute: of the cell's architecture; None where it was not counted, whose columns are empty then.
        times: how many times the work of the record the whole phase is, by the configuration of the table.

    Raises:
        InputError: the workload gave the record a setting or a quality that the table does not know.
    """
    _check_names(record)
    sources = Sources(record, compute)
    if times != 1 and record.energy is not None and record.work is not None:
        sources = Sources(record, compute, record, extrapolated(record.energy, record.work, times))
    values = {name: _value(column, sources) for name, column in COLUMNS.items()}
    if sources.whole is None:
        return values
    return {name: _scaled(value, COLUMNS[name], times) for name, value in values.items()}


@dataclass(frozen=True)
class SourcesOfRun:
    """Where the values of the row of a run are from; of what only a study has, there are none."""

    record: RunRecord
    compute: None = None
    part: None = None
    whole: None = None


def row_of_run(record: RunRecord) -> dict[str, Any]:
    """The row of a run, a value for each of `COLUMNS` and for each quality of the user; None where there is none.

    A run that is not ok has no energy in its row, as in the table of a study; its record has it.
    """
    sources = SourcesOfRun(record if record.outcome == "ok" else record.model_copy(update={"energy": None}))
    values = {name: _value(column, sources) for name, column in COLUMNS.items() if name != "flags"}
    stated = {"flops": record.flops, "params": record.params, "family": record.architecture}
    return values | stated | {"flags": joined(ordered(record.flags))} | record.quality


def row_without_record(identity: dict[str, Any], compute: ComputeRecord | None) -> dict[str, Any]:
    """The row of a cell that nobody has measured, a value for each of `COLUMNS`; None where there is none.

    Args:
        identity: what is known of the cell all the same, by column: its names, and the outcome.
        compute: of the cell's architecture; None where it was not counted.
    """
    of_compute = {
        name: None if compute is None else _stated(column, getattr(compute, column.source.partition(".")[2]))
        for name, column in COLUMNS.items()
        if isinstance(column.source, str) and column.source.startswith("compute.")
    }
    return {**dict.fromkeys(COLUMNS), **of_compute, **identity}


def as_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows as a table with all of `COLUMNS`, in their order and types.

    Raises:
        KeyError: a row has a value that is of no column.
    """
    if unknown := {name for row in rows for name in row} - set(COLUMNS):
        raise KeyError(f"no columns of the table of measurements: {', '.join(sorted(unknown))}")
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.astype({name: column.dtype for name, column in COLUMNS.items()})


def _check_names(record: MeasurementRecord) -> None:
    for field in NAMED_BY_WORKLOADS:
        for name in getattr(record, field):
            if f"record.{field}.{name}" not in KNOWN_PATHS:
                raise InputError(
                    f"workload {record.workload}: {field}: found {name}, expected one that has a column in "
                    "isojoule/tables/columns.py, or a reason to have none in isojoule/tables/left_out.py"
                )


def _value(column: Column, sources: Sources | SourcesOfRun) -> Any:
    values = [_at(path, sources) for path in column.paths]
    return _stated(column, column.source.function(*values) if isinstance(column.source, Derived) else values[0])


def _stated(column: Column, value: Any) -> Any:
    """A value as the table has it: none where a model without products has 0 FLOPs, to which nothing is related."""
    return None if column.unit == "FLOP" and value == 0 else value


def _at(path: str, sources: Sources | SourcesOfRun) -> Any:
    """The value at a path; None where something on the way to it is absent, as a run has no field of a study."""
    value: Any = sources
    for name in path.split("."):
        if value is None:
            return None
        value = value.get(name) if isinstance(value, dict) else getattr(value, name, None)
    return value


def _scaled(value: Any, column: Column, times: float) -> Any:
    """The value of the whole phase; what is counted stays a whole number, and there is at least one of it."""
    if value is None or not column.scales:
        return value
    return max(round(times * value), 1) if column.dtype == "Int64" else times * value
