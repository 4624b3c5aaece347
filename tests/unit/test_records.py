import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from isojoule.errors import InputError
from isojoule.records import MeasurementRecord, read_record
from isojoule.records.measurement import Energy, Reading, Window

energies = st.floats(min_value=0, allow_infinity=False, allow_nan=False)
names = st.text(min_size=1)
kinds = st.sampled_from(["measured", "estimated", "simulated"])
readings = st.builds(Reading, energy_kwh=energies, source=names, kind=kinds, uncertainty_kwh=st.none() | energies)
windows = st.builds(
    Window,
    duration_s=energies,
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
        "duration_s": draw(energies),
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
        "quality": draw(st.dictionaries(names, st.floats(allow_infinity=False, allow_nan=False))),
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
    with pytest.raises(InputError, match=r"none\.json: cannot be read: No such file"):
        read_record(tmp_path / "none.json", MeasurementRecord)
