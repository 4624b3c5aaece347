"""Quality flags: of a record by its own facts, of a study by its other cells."""

from pathlib import Path

import pandas as pd
import pytest
from simulated import record
from studies import changed

from isojoule.flags import of_record
from isojoule.flags.of_study import with_flags_of_the_study
from isojoule.study.cells import cells
from isojoule.tables.rows import as_table

PROJECT = Path(__file__).parents[2]
STATISTICS = {
    "samples": 10,
    "period_s": 1,
    "utilization_percent": 90,
    "memory_utilization_percent": 40,
    "power_w": 60,
    "sm_clock_mhz": 1500,
    "memory_clock_mhz": 5000,
    "start_temperature_c": 60,
    "max_temperature_c": 70,
    "peak_memory_bytes": 1,
    "foreign_processes": 0,
}


GPU = {
    "name": "Tesla T4", "uuid": "GPU-1", "nvml_index": 0, "driver": "580", "power_limit_w": 70, "memory_bytes": 1,
    "counter_period_s": None, "power": "instantaneous", "mig": False,
}  # fmt: skip


def flagged(demo, failed_attempts=0, window=(), kind="measured", hardware=None, **statistics):
    cell = cells(demo)[0]
    plain = record(demo, cell, window=window)
    energy = plain.energy.model_dump()
    energy["cpu"]["kind"] = kind
    machine = {**plain.hardware.model_dump(), "gpu": GPU | hardware if hardware else None}
    provenance = {**plain.provenance.model_dump(), "attempt": 5, "failed_attempts": failed_attempts}
    return of_record.of_record(
        record(
            demo,
            cell,
            energy=energy,
            provenance=provenance,
            hardware=machine,
            gpu_statistics={**STATISTICS, **statistics},
        )
    )


def test_a_good_record_has_no_flag(demo):
    assert flagged(demo) == []
    assert flagged(demo, window={"repetition_energies_kwh": [1e-3, 1e-3, 1.04e-3]}) == []


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"kind": "estimated"}, "estimated"),
        ({"window": {"resolution_percent": 1.01}}, "short-window"),
        ({"window": {"disagreement_percent": 2.1}}, "disagreement"),
        ({"window": {"repetition_energies_kwh": [1e-3, 1e-3, 1.06e-3]}}, "unsteady"),
        ({"window": {"host_load_percent": 50.1}}, "busy-host"),
        ({"window": {"steady_state": {"duration_s": 40, "reached": False}}}, "unsteady-board"),
        ({"throttled_percent": {"hw-thermal": 10}}, "throttled"),
        ({"throttled_percent": None}, "throttling-unknown"),
        ({"start_temperature_c": None, "max_temperature_c": None}, "temperature-unknown"),
        ({"unlisted_memory_bytes": 1}, "shared-device"),
        ({"drawing_processes": 1}, "display"),
        ({"hardware": {"mig": None}}, "company-unknown"),
        ({"hardware": {"scope": "module"}}, "module-energy"),
        ({"throttled_percent": {"power-cap": 10}}, "power-capped"),
        ({"start_temperature_c": 80}, "hot-start"),
        ({"foreign_processes": 1}, "shared-device"),
        ({"foreign_processes": None}, "company-unknown"),
        ({"failed_attempts": 1}, "attempt-above-1"),
    ],
)
def test_each_flag_has_its_fact(demo, changes, flag):
    assert flagged(demo, **changes) == [flag]


@pytest.mark.parametrize(
    "window",
    [
        {"resolution_percent": 1},
        {"disagreement_percent": 2},
        {"host_load_percent": 50},
        {"steady_state": {"duration_s": 9, "reached": True}},
    ],
)
def test_thresholds_themselves_are_good(demo, window):
    assert flagged(demo, window=window) == []


def table(**columns):
    """Two architectures, three repeats each, on one platform."""
    rows = [
        {"gpu": "t4", "architecture": name, "family": "mlp", "phase": "train", "repeat": repeat, "outcome": "ok"}
        for name in ("a", "b")
        for repeat in range(3)
    ]
    frame = as_table(rows)
    defaults = {"energy_kwh": [1.0] * 6, "driver": "580", "device_uuid": "GPU-1", "device_name": "Tesla T4"}
    defaults |= {"torch": "2.13", "cuda": "13.0", "cudnn": "91300"}
    for name, values in {**defaults, **columns}.items():
        frame[name] = pd.Series([values] * 6 if isinstance(values, str) else values, dtype=frame[name].dtype)
    return frame


def with_flags(frame, excluded=()):
    return with_flags_of_the_study(frame, excluded)


def test_a_study_without_fault_has_no_flag():
    frame = with_flags(table())
    assert frame["flags"].isna().all()
    assert (frame["outcome"] == "ok").all()


def test_repeats_that_differ_flag_their_cell_and_no_other():
    frame = with_flags(table(energy_kwh=[1, 1, 1.051, 1, 1.02, 1.049]))
    assert frame["flags"].tolist()[:3] == ["spread"] * 3
    assert frame["flags"].isna().tolist()[3:] == [True] * 3


@pytest.mark.parametrize(
    ("column", "other", "flag"),
    [
        ("driver", "590", "several-drivers"),
        ("device_uuid", "GPU-2", "several-boards"),
        ("device_name", "A40", "several-devices"),
        ("torch", "2.12", "several-versions"),
        ("cuda", "12.6", "several-versions"),
        ("cudnn", "91200", "several-versions"),
    ],
)
def test_a_platform_of_two_kinds_is_flagged_whole(column, other, flag):
    values = [table()[column][0]] * 5 + [other]
    assert (with_flags(table(**{column: values}))["flags"] == flag).all()


def test_one_name_on_two_boards_is_flagged_across_platforms():
    """As h200-fp32 on one board and h200-bf16 on another."""
    frame = table(device_uuid=["GPU-1"] * 3 + ["GPU-2"] * 3)
    frame["gpu"] = frame["gpu"].where(frame["architecture"] == "a", "t4-bf16")
    assert (with_flags(frame)["flags"] == "several-boards").all()
    frame["device_name"] = frame["gpu"]
    assert with_flags(frame)["flags"].isna().all()


def test_a_counter_without_a_second_reading_is_unchecked(demo):
    cell = cells(demo)[0]
    gpu = GPU | {"counter_period_s": 0.02}
    plain = record(demo, cell)
    reading = {"energy_kwh": 1e-3, "source": "NVML", "kind": "measured"}
    energy = {**plain.energy.model_dump(), "component": "gpu", "gpu": reading}
    hardware = {**plain.hardware.model_dump(), "gpu": gpu}
    assert of_record.of_record(record(demo, cell, energy=energy, hardware=hardware)) == ["unchecked"]
    energy["integrated_power"] = reading
    assert of_record.of_record(record(demo, cell, energy=energy, hardware=hardware)) == []


def test_flags_of_a_record_follow_its_facts_and_not_what_they_once_were(demo):
    once = record(demo, cells(demo)[0], flags=["disagreement", "initial-weights"])
    assert of_record.of_record(once) == ["initial-weights"]


def test_a_start_warmer_than_the_platforms_is_hot():
    frame = with_flags(table(gpu_start_temperature_c=[40, 40, 41, 42, 40, 52]))
    assert frame["flags"].tolist()[5] == "hot-start"
    assert frame["flags"].isna().sum() == 5


def test_flags_of_records_stay_and_are_not_doubled():
    frame = table(gpu_start_temperature_c=[60, 60, 60, 60, 60, 85], flags=[None] * 5 + ["hot-start power-capped"])
    assert with_flags(frame)["flags"].tolist()[5] == "power-capped hot-start"


def test_excluded_cells_keep_their_numbers_and_are_no_longer_ok():
    frame = with_flags(table(energy_kwh=[1, 1, 1.2, 1, 1, 1]), excluded=["spread"])
    assert frame["outcome"].tolist() == ["excluded"] * 3 + ["ok"] * 3
    assert frame["energy_kwh"].tolist() == [1, 1, 1.2, 1, 1, 1]


def test_cells_without_energy_are_left_alone():
    frame = table(energy_kwh=[None, 1, 1, 1, 1, 1], outcome=["oom"] + ["ok"] * 5)
    assert with_flags(frame, excluded=list(of_record.MEANINGS))["outcome"].tolist() == ["oom"] + ["ok"] * 5


def test_every_flag_can_be_excluded_by_the_configuration(demo):
    assert changed(demo, {"analysis.exclude_flags": list(of_record.MEANINGS)}).analysis.exclude_flags == [
        *of_record.MEANINGS
    ]


def test_every_flag_is_explained_to_users():
    text = (PROJECT / "docs" / "flags.md").read_text()
    assert [flag for flag in of_record.MEANINGS if f"| `{flag}` | {of_record.MEANINGS[flag]} |" not in text] == []


def test_a_board_of_a_job_on_several_is_as_good_a_reason_as_the_first(demo):
    cell = cells(demo)[0]
    plain = record(demo, cell)
    energy = {**plain.energy.model_dump(), "cpu": {**plain.energy.cpu.model_dump(), "kind": "measured"}}
    hardware = {**plain.hardware.model_dump(), "gpu": GPU, "further_gpus": [GPU | {"scope": "module", "mig": None}]}
    options = {"energy": energy, "hardware": hardware, "gpu_statistics": STATISTICS}
    assert of_record.of_record(record(demo, cell, devices=2, **options)) == ["company-unknown", "module-energy"]
    # a test computes on the first alone
    assert of_record.of_record(record(demo, cell, devices=1, **options)) == []
