"""Columns of the table of measurements: nothing that a record holds is lost without a reason."""

import inspect
from pathlib import Path
from types import NoneType, UnionType
from typing import Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import pytest
from pydantic import BaseModel

from isojoule.records import ComputeRecord, MeasurementRecord
from isojoule.records.measurement import Kind
from isojoule.records.provenance import PACKAGES
from isojoule.study import reading
from isojoule.tables.columns import COLUMNS, KINDS, NOT_STATED, PHASES, Derived
from isojoule.tables.left_out import LEFT_OUT
from isojoule.tables.qualities import QUALITIES
from isojoule.tables.rows import Sources
from isojoule.workloads import interface

PROJECT = Path(__file__).parents[2]
DTYPES = {frozenset({str}): "string", frozenset({int}): "Int64", frozenset({float}): "Float64"}
DTYPES |= {frozenset({int, float}): "Float64"}
PATHS = {path for column in COLUMNS.values() for path in column.paths}


def alternatives(annotation):
    """The types that a value may have beside None."""
    if get_origin(annotation) in (Union, UnionType):
        return {kind for part in get_args(annotation) for kind in alternatives(part)}
    if get_origin(annotation) is Literal:
        return {type(value) for value in get_args(annotation)}
    return {annotation} - {NoneType}


def types_at(path):
    """The types that a value at a path may have; fails where the records have no such path."""
    owner = Sources
    for name in path.split("."):
        if get_origin(owner) is dict:
            annotation = get_args(owner)[1]
        elif isinstance(attribute := inspect.getattr_static(owner, name, None), property):
            annotation = get_type_hints(attribute.fget)["return"]
        else:
            annotation = get_type_hints(owner)[name]
        types = alternatives(annotation)
        owner = next(iter(types))
    return types


def leaves(model, path):
    """The paths of all fields of a record, and of the records inside it."""
    for name in model.model_fields:
        (kind, *others) = alternatives(get_type_hints(model)[name])
        if not others and inspect.isclass(kind) and issubclass(kind, BaseModel):
            yield from leaves(kind, f"{path}.{name}")
        else:
            yield f"{path}.{name}"


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_has_the_type_of_what_the_records_have_at_its_source(name):
    column = COLUMNS[name]
    types = {kind for path in column.paths for kind in types_at(path)}
    if isinstance(column.source, Derived):
        returned = alternatives(get_type_hints(column.source.function)["return"])
        types = types if any(isinstance(kind, TypeVar) for kind in returned) else returned
    # settings of a workload may be of any type
    if column.source not in ("record.settings.features", "record.settings.task"):
        assert DTYPES[frozenset(types)] == column.dtype


@pytest.mark.parametrize("path", [*leaves(MeasurementRecord, "record"), *leaves(ComputeRecord, "compute")])
def test_a_field_of_a_record_has_a_column_or_a_reason_to_have_none(path):
    has_column = path in PATHS or any(source.startswith(f"{path}.") for source in PATHS)
    has_reason = any(path == left_out or path.startswith(f"{left_out}.") for left_out in LEFT_OUT)
    assert has_column != has_reason


@pytest.mark.parametrize("path", LEFT_OUT)
def test_what_is_left_out_is_in_the_records_and_in_no_column(path):
    assert types_at(path)
    assert path not in PATHS


def test_every_version_in_a_record_has_a_column_or_a_reason_to_have_none():
    prefix = "record.provenance.software."
    versions = {"isojoule", "python", "system", "cuda", "cudnn", *PACKAGES}
    assert {path.removeprefix(prefix) for path in [*PATHS, *LEFT_OUT] if path.startswith(prefix)} == versions


def test_every_setting_that_a_workload_shows_has_a_column_or_a_reason_to_have_none():
    shown = set()
    for study in ("demo.yaml", "waveflow-demo.yaml"):
        shown |= set(reading.load(PROJECT / "config" / study).shown_settings())
    prefix = "record.settings."
    assert {path.removeprefix(prefix) for path in [*PATHS, *LEFT_OUT] if path.startswith(prefix)} == shown


def test_every_quality_of_a_workload_has_a_column():
    assert {name for workload in interface.names() for name in interface.load(workload).QUALITIES} <= set(QUALITIES)


def test_every_energy_and_emission_that_a_record_has_grows_with_the_work():
    grows = {name for name, column in COLUMNS.items() if column.unit in ("kWh", "kg")}
    of_the_part = {name for name, column in COLUMNS.items() if column.paths[0].split(".")[0] in ("part", "whole")}
    assert {name for name in grows - of_the_part if not COLUMNS[name].scales} == set()


def test_kinds_and_phases_are_those_of_the_records():
    # a table of others may not state it, a record always does
    assert set(KINDS) - {NOT_STATED} == set(get_args(Kind))
    assert set(PHASES) == set(get_args(MeasurementRecord.model_fields["phase"].annotation))
