import copy
import json
import math
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from simulated import record

from isojoule.errors import InputError
from isojoule.flags.of_record import MEANINGS
from isojoule.records import MeasurementRecord, RunRecord, read_record
from isojoule.records.base import Flag
from isojoule.records.certificate import Certificate
from isojoule.records.challenge import Submission
from isojoule.records.measurement import Energy, Reading, Window
from isojoule.records.writing import write_record
from isojoule.study.cells import cells
from isojoule.study.journal import ended

energies = st.floats(min_value=0, max_value=1e9)
durations = st.floats(min_value=0, max_value=1e9, exclude_min=True)
names = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1)
kinds = st.sampled_from(["measured", "estimated", "simulated"])
readings = st.builds(Reading, energy_kwh=energies, source=names, kind=kinds, uncertainty_kwh=st.none() | energies)
windows = st.builds(
    Window,
    duration_s=durations,
    repetitions=st.integers(1, 10**6),
    instrument_period_s=energies,
    resolution_percent=energies,
    disagreement_percent=st.none() | energies,
    idle_power_w=st.none() | energies,
)
WINDOW = {"duration_s": 1, "repetitions": 1, "instrument_period_s": 0.1, "resolution_percent": 10}


@st.composite
def records(draw):
    """Any record that a stage may write."""
    ok = draw(st.booleans())
    totals = ("cpu_energy_kwh", "gpu_energy_kwh", "ram_energy_kwh", "total_energy_kwh")
    country = draw(st.sampled_from([{}, {"country_iso_code": "FRA", "emissions_kg_co2e": draw(energies)}]))
    codecarbon = {"version": "3", **{name: draw(energies) for name in totals}, **country}
    component = draw(st.sampled_from(["gpu", "cpu"]))
    energy = {
        "duration_s": draw(durations),
        "component": component,
        component: draw(readings),
        "integrated_power": draw(st.none() | readings),
        "codecarbon": codecarbon,
        "window": draw(windows),
    }
    content = {
        "study": draw(names),
        "workload": "tagging",
        "gpu": draw(names),
        "architecture": draw(names),
        "family": draw(names),
        "phase": draw(st.sampled_from(["train", "test"])),
        "repeat": draw(st.integers(0, 2**40)),
        "outcome": "ok" if ok else draw(st.sampled_from(["oom", "untrained"])),
        "started_at": "2026-01-01T00:00:00Z",
        "ended_at": "2026-01-01T00:00:01Z",
        "precision": "fp32",
        "threads": 1,
        "seed": draw(st.integers(0, 2**40)),
        "settings": {},
        "work": {"epochs": 1, "steps": 1, "samples": 1, "batch_size": 1} if ok else None,
        "energy": energy if ok else None,
        "quality": draw(st.dictionaries(names, st.floats(-1e100, 1e100))),
        "hardware": {"hostname": "h", "cpu": "c", "cpu_cores": 1, "memory_bytes": 1},
        "place": draw(st.integers(0, 2**40)),
        "provenance": {
            "commit": None,
            "configuration_fingerprint": "f",
            "code_fingerprint": "f",
            "software": {},
            "attempt": 1,
        },
    }
    return MeasurementRecord.model_validate(content)


@given(record=records())
def test_a_record_is_the_same_after_writing_and_reading(record):
    assert MeasurementRecord.model_validate_json(record.model_dump_json()) == record


@given(record=records())
def test_a_record_has_energy_if_and_only_if_it_was_measured(record):
    content = json.loads(record.model_dump_json())
    content["outcome"] = "oom" if content["outcome"] == "ok" else "ok"
    with pytest.raises(ValidationError, match="outcome ok goes with energy and work"):
        MeasurementRecord.model_validate(content)


def test_energy_needs_a_reading_of_what_computes():
    totals = ("cpu_energy_kwh", "gpu_energy_kwh", "ram_energy_kwh", "total_energy_kwh", "emissions_kg_co2e")
    codecarbon = {"version": "3", "country_iso_code": "FRA", **dict.fromkeys(totals, 0)}
    cpu = {"energy_kwh": 1.0, "source": "RAPL", "kind": "measured"}
    with pytest.raises(ValidationError, match="the computing component, gpu, has no reading"):
        Energy.model_validate(
            {"duration_s": 1, "component": "gpu", "cpu": cpu, "codecarbon": codecarbon, "window": WINDOW}
        )


def test_net_energy_is_that_above_idle():
    totals = ("cpu_energy_kwh", "gpu_energy_kwh", "ram_energy_kwh", "total_energy_kwh", "emissions_kg_co2e")
    energy = Energy(
        duration_s=36,
        component="gpu",
        gpu=Reading(energy_kwh=1e-3, source="NVML", kind="measured"),
        codecarbon={"version": "3", "country_iso_code": "FRA", **dict.fromkeys(totals, 0)},
        window={**WINDOW, "idle_power_w": 25},
    )
    assert energy.net_energy_kwh == pytest.approx(1e-3 - 0.25e-3)


@pytest.mark.parametrize("energy_kwh", [-1.0, float("nan"), float("inf")])
def test_an_impossible_energy_is_no_reading(energy_kwh):
    with pytest.raises(ValidationError):
        Reading(energy_kwh=energy_kwh, source="NVML", kind="measured")


def test_what_is_no_record_is_refused_by_file_and_field(tmp_path):
    path = tmp_path / "train-0.json"
    path.write_text('{"record": "measurement", "schema_version": 1}')
    with pytest.raises(InputError, match=r"train-0\.json: is not a MeasurementRecord: schema_version"):
        read_record(path, MeasurementRecord)
    path.write_text('{"half": ')
    with pytest.raises(InputError, match=r"train-0\.json: is not a MeasurementRecord: the file: Invalid JSON"):
        read_record(path, MeasurementRecord)
    with pytest.raises(InputError, match=r"none\.json: found no such file, expected a record, the JSON of a Meas"):
        read_record(tmp_path / "none.json", MeasurementRecord)


@pytest.fixture
def content(demo):
    """What a record of a measurement holds, without a seal, as one of before seals."""
    return json.loads(record(demo, cells(demo)[0]).model_dump_json())


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("provenance", "attempt"), 10**30, "provenance.attempt: "),
        (("provenance", "attempt"), 10**6 + 1, "provenance.attempt: Input should be less than or equal to 1000000"),
        (("repeat",), 2**63, "repeat: "),
        (("work", "steps"), 10**30, "work.steps: "),
        (("energy", "cpu", "energy_kwh"), 1e308, "energy.cpu.energy_kwh: Input should be less than or equal to 1"),
        (("energy", "duration_s"), 0, "energy.duration_s: Input should be greater than 0"),
        (("energy", "duration_s"), float("inf"), "energy.duration_s: "),
        (("energy", "window", "duration_s"), 0.0, "energy.window.duration_s: Input should be greater than 0"),
        (("energy", "window", "duration_s"), float("nan"), "energy.window.duration_s: "),
        (("energy", "window", "resolution_percent"), float("inf"), "energy.window.resolution_percent: "),
        (("energy", "codecarbon", "emissions_kg_co2e"), 1e308, "energy.codecarbon.emissions_kg_co2e: "),
        (("loss",), 1e308, "loss: "),
        (("ended_at",), "2025-12-31T23:59:59Z", "the file: Value error, ended_at: found 2025-12-31T23:59:59Z, which"),
        (("ended_at",), "2996-01-01T00:00:00Z", "ended_at: Value error, found 2996-01-01T00:00:00Z, which is in the"),
        (("started_at",), "2996-01-01T00:00:00+00:00", "started_at: Value error, found 2996"),
        (("started_at",), "yesterday", "started_at: Value error, found 'yesterday', expected a time in UTC"),
        (("started_at",), "2026-01-01T00:00:00", "started_at: Value error, found '2026-01-01T00:00:00' without a time"),
        (("flags",), ["short-window", "fine"], "flags.1: Input should be 'estimated', "),
        (("hardware", "hostname"), "no\0de", "hardware.hostname: String should match pattern"),
        (("architecture",), "mlp\0", "architecture: String should match pattern"),
        (("settings", "fea\0tures"), "resident", "settings."),
        (("quality", "macro_f1"), float("inf"), "quality.macro_f1: "),
    ],
)  # fmt: skip
def test_what_cannot_be_is_a_complaint_of_the_schema(content, tmp_path, path, value, message):
    holder = content
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    file = tmp_path / "train-0.json"
    file.write_text(json.dumps(content))
    with pytest.raises(InputError) as refused:
        read_record(file, MeasurementRecord)
    assert str(refused.value).startswith(f"{file}: is not a MeasurementRecord: {message}")


def a_run(measured):
    """What a record of `isojoule run` holds that read what this record of a measurement did."""
    names = ("architecture", "gpu", "phase", "started_at", "ended_at", "energy", "hardware")
    described = {"outcome": "ok", "exit_code": 0, "command": ["train", "--fast"], "flops": 10, "params": 5}
    quality = {"quality": {"psds1": 0.25}, "provenance": {"software": {"isojoule": "1"}}}
    return {name: measured[name] for name in names} | described | quality


def a_certificate(measured):
    response = {"update_period_s": 0.1, "lag_s": 0.05, "averaged_s": 0.1, "looked_share": 0.25}
    windows = {"durations_s": [1.0, 2.0], "energies_j": [70.0, 143.0], "nonlinearity_percent": 1.0, "offset_j": -3.0}
    return {
        "kind": "measured", "source": "NVML", "form": "full", "made_at": "2026-01-01T00:00:00Z", "took_s": 100.0,
        "counter": response, "power": response, "idle_power_w": 60.0, "idle_power_without_context_w": 50.0,
        "load_power_w": 300.0, "settling_s": 1.0, "counter_over_power": 1.0, "windows": windows,
        "shortest_window_s": 5.0, "findings": ["A finding."], "step": [[-0.1, 0.0], [0.1, 1.0]],
        "hardware": measured["hardware"], "software": {"isojoule": "1"},
    }  # fmt: skip


def a_submission(measured):
    run = {
        "architecture": "net", "phase": "train", "repeat": 0, "outcome": "ok", "energy_kwh": 1e-3, "duration_s": 9.0,
        "flops": 10, "params": 5, "quality": {"f1": 0.5}, "device": "T4", "devices": 1, "power_limit_w": 70.0,
        "started_at": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    who = {"team": "a", "kit": "b", "made_at": "2026-01-01T00:00:00Z", "software": {"isojoule": "1"}}
    return who | {"references": [run], "systems": [run], "hardware": measured["hardware"]}


KINDS = [
    (MeasurementRecord, lambda measured: measured),
    (RunRecord, a_run),
    (Certificate, a_certificate),
    (Submission, a_submission),
]
LONG_AGO, LATER = "2025-12-31T23:59:59Z", "2996-01-01T00:00:00Z"


def leaves(content, path=()):
    """Every number and every text of a JSON object, by its path."""
    if isinstance(content, dict | list):
        items = content.items() if isinstance(content, dict) else enumerate(content)
        for key, value in items:
            yield from leaves(value, (*path, key))
    elif content is not None and not isinstance(content, bool):
        yield path, content


def with_value(content, path, value):
    changed = copy.deepcopy(content)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return changed


@pytest.mark.parametrize(("model", "made"), KINDS)
@given(st.data())
def test_no_record_of_any_kind_holds_a_number_that_is_none_or_a_nul(demo, model, made, data):
    content = made(json.loads(record(demo, cells(demo)[0]).model_dump_json()))
    model.model_validate_json(json.dumps(content))
    path, value = data.draw(st.sampled_from(sorted(leaves(content), key=str)))
    worse = [value + "\0"] if isinstance(value, str) else [math.nan, math.inf, -math.inf, 1e300, -1e300]
    with pytest.raises(ValidationError):
        model.model_validate_json(json.dumps(with_value(content, path, data.draw(st.sampled_from(worse)))))


@pytest.mark.parametrize(
    ("made", "model", "path", "value", "message"),
    [
        (a_run, RunRecord, ("ended_at",), LONG_AGO, f"Value error, ended_at: found {LONG_AGO}, which is before"),
        (a_run, RunRecord, ("started_at",), "now", "Value error, found 'now', expected a time in UTC"),
        (a_run, RunRecord, ("ended_at",), LATER, f"Value error, found {LATER}, which is in the future"),
        (a_run, RunRecord, ("exit_code",), 3, "Value error, outcome ok goes with exit code 0, found 3"),
        (a_run, RunRecord, ("repeat",), -1, "Input should be greater than or equal to 0"),
        (a_run, RunRecord, ("flags",), ["fine"], "Input should be 'estimated', "),
        (a_run, RunRecord, ("energy", "cpu", "energy_kwh"), 1e10, "Input should be less than or equal to 1000000000"),
        (
            a_run,
            RunRecord,
            ("energy", "window", "idle_power_w"),
            1e10,
            "Input should be less than or equal to 10000000",
        ),
        (a_certificate, Certificate, ("made_at",), LATER, f"Value error, found {LATER}, which is in the future"),
        (a_certificate, Certificate, ("took_s",), 0, "Input should be greater than 0"),
        (a_certificate, Certificate, ("idle_power_w",), -1, "Input should be greater than or equal to 0"),
        (a_certificate, Certificate, ("load_power_w",), 1e10, "Input should be less than or equal to 1000000000"),
        (a_certificate, Certificate, ("counter", "looked_share"), 1.5, "Input should be less than or equal to 1"),
        (a_certificate, Certificate, ("windows", "energies_j"), [1], "Value error, found 1 energies of 2 windows"),
        (a_submission, Submission, ("systems", 0, "energy_kwh"), 1e10, "Input should be less than or equal to 1000000"),
        (a_submission, Submission, ("systems", 0, "duration_s"), 0, "Input should be greater than 0"),
        (a_submission, Submission, ("made_at",), LATER, f"Value error, found {LATER}, which is in the future"),
    ],
)
def test_what_cannot_be_is_a_complaint_of_every_schema(content, tmp_path, made, model, path, value, message):
    file = tmp_path / "record.json"
    file.write_text(json.dumps(with_value(made(content), path, value)))
    with pytest.raises(InputError) as refused:
        read_record(file, model)
    said = str(refused.value)
    assert said.startswith(f"{file}: is not a {model.__name__}: ")
    assert f": {message}" in said


def test_every_flag_has_a_meaning_and_is_known_to_the_schema():
    assert get_args(Flag) == tuple(MEANINGS)


def test_an_attempt_whose_clock_was_put_back_and_whose_message_has_a_nul_is_read(demo, tmp_path):
    begun = record(demo, cells(demo)[0], outcome="running", energy=None, work=None)
    over = ended(begun, "failed", "no\0", "2025-01-01T00:00:00Z")
    write_record(tmp_path / "over.json", over)
    assert (over.ended_at, over.message) == (begun.started_at, "no\\0")
    assert read_record(tmp_path / "over.json", MeasurementRecord).model_dump() == over.model_dump()
