import json

import numpy as np
import pandas as pd
import pytest
from simulated import record
from studies import changed

from isojoule.errors import InputError
from isojoule.figures import captions
from isojoule.figures.shared import drawing, reading
from isojoule.records import ComputeRecord, read_record
from isojoule.records.writing import write_record
from isojoule.report.page import render
from isojoule.study.cells import cells
from isojoule.tables import measurements
from isojoule.tables.aggregation import aggregate, in_words
from isojoule.tables.columns import COLUMNS
from isojoule.tables.energy import energy_table
from isojoule.tables.kinds import of_kinds
from isojoule.tables.outcomes import without_energy
from isojoule.tables.plausibility import doubts
from isojoule.tables.rows import as_table, row
from isojoule.tables.writing import write_table
from isojoule.units import JOULES_PER_KWH


def aggregated(folder, demo):
    return aggregate(demo, folder)


def refusal(folder, demo):
    with pytest.raises(InputError) as refused:
        aggregated(folder, demo)
    return str(refused.value)


def test_every_cell_is_a_row(folder, demo):
    frame = aggregated(folder, demo)
    assert len(frame) == len(cells(demo)) == 96
    assert list(frame.columns) == list(COLUMNS)
    first = frame.iloc[0]
    assert (first.energy_kwh, first.energy_kind, first.duration_s) == (1e-3, "simulated", 36.0)
    assert first.power_w == pytest.approx(1e-3 * 3.6e6 / 36)
    assert (first.params, first.flops, first.training_flops_exact) == (100, 100, 200)
    assert pd.isna(first.gpu_energy_kwh)


def test_a_table_is_the_same_after_writing_and_reading(folder, demo, tmp_path):
    frame = aggregated(folder, demo)
    for name in ("table.parquet", "table.csv"):
        write_table(frame, tmp_path / name)
        pd.testing.assert_frame_equal(measurements.read(tmp_path / name), frame)


def test_co2e_is_that_of_the_computing_component(folder, demo):
    """In a demo on a CPU the figure for CPU, GPU and memory together is 3.5 to 12.7 times as much."""
    frame = aggregated(folder, demo)
    ok = frame[frame["outcome"] == "ok"]
    assert (ok["emissions_kg_co2e"] / ok["energy_kwh"]).tolist() == pytest.approx([0.056] * len(ok))
    assert ok["codecarbon_emissions_kg_co2e"].tolist() == pytest.approx([1.12e-4] * len(ok))


def test_emissions_are_missing_where_no_country_was_stated(folder, demo, path, tmp_path):
    content = json.loads(path.read_text())
    del content["seal"]
    del content["energy"]["codecarbon"]["country_iso_code"], content["energy"]["codecarbon"]["emissions_kg_co2e"]
    path.write_text(json.dumps(content))
    write_table(aggregated(folder, demo), tmp_path / "table.csv")
    frame = measurements.read(tmp_path / "table.csv")
    is_missing = frame[["emissions_kg_co2e", "country_iso_code"]].isna()
    assert is_missing.all(axis=1).sum() == is_missing.any(axis=1).sum() == 1
    assert frame["codecarbon_energy_kwh"].notna().all()


@pytest.mark.parametrize("name", ["configuration_fingerprint", "code_fingerprint", "data_fingerprint"])
def test_a_record_of_another_configuration_code_or_data_is_refused_by_name(folder, demo, path, name):
    content = json.loads(path.read_text())
    del content["seal"]
    content["provenance"][name] = "fedcba9876543210"
    path.write_text(json.dumps(content))
    assert f"{path}: was measured with other code, configuration or data" in refusal(folder, demo)


def test_a_record_of_another_study_that_is_decided_alike_is_taken_and_said_whose_it_is(folder, demo, tmp_path):
    """The table refused them, and said that code, configuration or data were others."""
    renamed = changed(demo, {"study": "renamed"})
    frame = aggregate(renamed, folder)
    assert set(frame["study"]) == {"renamed"}
    assert set(frame["record_study"]) == {"demo"}
    assert in_words(frame, folder) == [f"{len(frame)} cells were measured by the study demo, which decides them alike"]
    write_table(frame, tmp_path / "measurements.parquet")
    page = render((tmp_path / "measurements.parquet", frame), {}, [])
    assert "<title>renamed: " in page
    assert f"<li>{len(frame)} cells were measured by the study demo, whose code" in page
    assert in_words(aggregate(demo, folder), folder) == []


def test_an_attempt_that_is_not_final_is_no_record(folder, demo, path):
    changed = record(demo, cells(demo)[0], outcome="running", energy=None, work=None)
    path.write_text(changed.model_dump_json())
    assert f"{path}: outcome: found running, expected one of ok, oom, untrained" in refusal(folder, demo)


def test_a_record_of_unknown_schema_is_refused_by_name(folder, demo, path):
    path.write_text(path.read_text().replace('"schema_version": 3', '"schema_version": 9'))
    assert f"{path}: is not a MeasurementRecord: schema_version" in refusal(folder, demo)
    path.write_text("{}")
    assert f"{path}: is not a MeasurementRecord" in refusal(folder, demo)


def test_a_record_twice_is_refused_by_name(folder, demo, path):
    copy = path.with_name("copy.json")
    copy.write_text(path.read_text())
    assert f"{path}: is the same cell as {copy}" in refusal(folder, demo)


def test_a_cell_without_a_record_is_a_row_that_says_so(folder, demo, path):
    """One cell that cannot succeed, a board that is down or an archive that was cut off means no empty hands."""
    path.unlink()
    frame = aggregated(folder, demo)
    assert len(frame) == len(cells(demo))
    row = frame.iloc[0]
    assert (row.architecture, row.gpu, row.phase, row.outcome) == ("mlp-1x16", "cpu-1thread", "train", "missing")
    assert pd.isna(row.energy_kwh)
    assert row.params > 0
    assert (frame["outcome"] == "ok").sum() == len(frame) - 1
    (sentence,) = in_words(frame, folder)
    assert sentence.startswith(
        f"1 of {len(frame)} cells have no record (1 missing), the first of them mlp-1x16 on cpu-1thread, train, rep"
    )


@pytest.mark.parametrize("outcome", ["failed", "refused", "stopped", "lost", "oom-once"])
def test_the_last_attempt_at_a_cell_without_a_record_is_its_outcome(folder, demo, path, outcome):
    path.unlink()
    attempt = record(demo, cells(demo)[0], outcome=outcome, message="no", energy=None, work=None)
    file = folder / "attempts" / "cpu-1thread" / "mlp-1x16" / "train-0.1.json"
    file.parent.mkdir(parents=True)
    file.write_text(attempt.model_dump_json())
    assert aggregated(folder, demo).iloc[0].outcome == outcome


def test_cells_without_an_energy_are_named_as_one_where_they_are_all_of_a_platform_or_an_architecture(folder, demo):
    frame = aggregated(folder, demo)
    assert without_energy(frame) == []
    frame.loc[frame["gpu"] == "cpu-2threads", "outcome"] = "refused"
    frame.loc[(frame["architecture"] == "cnn-2x2") & (frame["gpu"] == "cpu-1thread"), "outcome"] = "oom"
    frame.loc[(frame["architecture"] == "mlp-1x16") & (frame["phase"] == "test"), "outcome"] = "missing"
    number = (frame["gpu"] == "cpu-2threads").sum()
    lines = [
        f"cpu-2threads: all of {number} cells ({number - 2} refused, 2 missing)",
        "cnn-2x2: all of 4 cells (4 oom)",
        "mlp-1x16 on cpu-1thread: 2 of 4 cells (2 missing)",
    ]
    assert without_energy(frame) == lines
    assert without_energy(frame, 1) == [lines[0], "and 2 more"]


def test_what_was_measured_stays_where_its_compute_could_not_be_counted(folder, demo):
    """It was called missing."""
    (folder / "compute" / "cnn-2x2.json").unlink()
    frame = aggregated(folder, demo)
    assert (frame["outcome"] == "ok").all()
    of_architecture = frame[frame["architecture"] == "cnn-2x2"]
    assert of_architecture["energy_kwh"].notna().all()
    assert of_architecture[["params", "flops", "training_flops_exact"]].isna().all(axis=None)
    (sentence,) = in_words(frame, folder)
    assert sentence.startswith(f"cnn-2x2: found no {folder}/compute/cnn-2x2.json, so that its parameters and FLOPs")


@pytest.mark.parametrize("change", ["another architecture", "another configuration"])
def test_a_count_of_something_else_is_refused_by_name(folder, demo, change):
    """A whole and sealed count of another network was taken for that of this one, without a word."""
    file, other = folder / "compute" / "cnn-2x2.json", folder / "compute" / "cnn-2x4.json"
    if change == "another architecture":
        file.write_bytes(other.read_bytes())
    study = changed(demo, {"batch_size": 16}) if change == "another configuration" else demo
    count = read_record(file, ComputeRecord).architecture
    assert f"{file}: was counted with another configuration, of {count}; " in refusal(folder, study)


def test_a_model_without_products_has_no_flops_in_a_table_that_every_program_reads(folder, demo, tmp_path):
    """The programs refused the whole study, since energies are related to FLOPs, and its were 0."""
    file = folder / "compute" / "cnn-2x2.json"
    counts = dict.fromkeys(("forward_flops", "backward_flops", "training_flops_exact"), 0)
    published = dict.fromkeys(("deepspeed_forward_flops", "training_flops_published"), 0)
    write_record(file, read_record(file, ComputeRecord).model_copy(update=counts | published))
    write_table(aggregated(folder, demo), tmp_path / "m.parquet", "isojoule aggregate")
    frame = measurements.read(tmp_path / "m.parquet")
    of_architecture = frame[frame["architecture"] == "cnn-2x2"]
    assert of_architecture[[*counts, "flops"]].isna().all(axis=None)
    assert of_architecture["params"].notna().all()


def test_a_study_without_any_record_is_refused(folder, demo):
    for file in (folder / "records").rglob("*.json"):
        file.unlink()
    assert "found no record of any of" in refusal(folder, demo)


def test_records_of_what_was_removed_stay_and_are_left_out(folder, demo):
    demo = changed(demo, {"gpus.cpu-2threads": None})
    assert set(aggregated(folder, demo)["gpu"]) == {"cpu-1thread"}
    assert (folder / "records" / "cpu-2threads").is_dir()


def test_out_of_memory_is_a_row_without_energy(folder, demo, path):
    changed = record(demo, cells(demo)[0], outcome="oom", message="out of memory", energy=None, work=None)
    path.write_text(changed.model_dump_json())
    frame = aggregated(folder, demo)
    assert frame.iloc[0].outcome == "oom"
    assert pd.isna(frame.iloc[0].energy_kwh)
    row = energy_table(frame).iloc[0]
    assert (row.repeats, row.outcomes) == (1, "1 oom, 1 ok")


def test_the_table_has_the_statistics_over_repeats_by_hand(folder, demo):
    frame = aggregated(folder, demo)
    row = energy_table(frame).set_index(["architecture", "gpu", "phase"]).loc[("mlp-1x16", "cpu-1thread", "train")]
    assert (row.repeats, row["flags"]) == (2, "spread")
    assert row.energy_mean_kwh == pytest.approx(1.5e-3)
    assert row.energy_std_kwh == pytest.approx(0.5e-3 * 2**0.5)
    assert row.energy_cv_percent == pytest.approx(100 * 2**0.5 / 3)
    # t of 0.975 with one degree of freedom is 12.706
    assert np.log(row.energy_ci95_high_kwh / row.energy_mean_kwh) == pytest.approx(12.706 / 3, rel=1e-4)
    assert np.log(row.energy_mean_kwh / row.energy_ci95_low_kwh) == pytest.approx(12.706 / 3, rel=1e-4)


def test_measured_repeats_are_not_averaged_with_estimated_ones(folder, demo):
    frame = aggregated(folder, demo)
    frame.loc[frame["repeat"] == 0, "energy_kind"] = "measured"
    row = energy_table(frame).iloc[0]
    assert (row.repeats, row.energy_kind) == (1, "measured")
    assert row.energy_mean_kwh == pytest.approx(1e-3)


def test_a_flag_that_every_cell_has_cannot_be_excluded(folder, demo):
    assert len(aggregated(folder, changed(demo, {"analysis.exclude_flags": ["short-window"]}))) == 96
    demo = changed(demo, {"analysis.exclude_flags": ["spread", "short-window"]})
    for path in (folder / "records").rglob("*.json"):
        content = json.loads(path.read_text())
        del content["seal"]
        content["energy"]["window"]["resolution_percent"] = 3
        path.write_text(json.dumps(content))
    assert refusal(folder, demo).startswith(
        "analysis.exclude_flags: found spread, short-window, which leaves out all 96 cells that have an energy"
    )


def test_one_repeat_has_a_mean_and_nothing_else(folder, demo):
    frame = aggregated(folder, demo)
    row = energy_table(frame[frame["repeat"] == 0]).iloc[0]
    assert row.energy_mean_kwh == pytest.approx(1e-3)
    assert row[["energy_std_kwh", "energy_ci95_low_kwh", "energy_ci95_high_kwh", "energy_cv_percent"]].isna().all()


def test_flagged_cells_leave_the_analysis_where_the_configuration_says_so(folder, demo):
    frame = aggregated(folder, changed(demo, {"analysis.exclude_flags": ["spread"]}))
    outcomes = frame.groupby(["architecture", "gpu", "phase"])["outcome"].agg(
        lambda column: " ".join(sorted(set(column)))
    )
    assert set(outcomes) == {"excluded", "ok"}
    assert frame["energy_kwh"].notna().all()
    row = energy_table(frame).iloc[0]
    assert (row.repeats, row.outcomes) == (0, "2 excluded")
    assert pd.isna(row.energy_mean_kwh)
    assert "mlp-1x16" not in set(reading.drawable(frame[frame["gpu"] == "cpu-1thread"])["architecture"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "gpu,architecture,phase\na,b,train\n",
            "found no column energy_kwh, expected at least gpu",
        ),
        ("gpu,architecture,phase,energy_kwh\na,b,train,x\n", "column energy_kwh: found x in line 2, expected a number"),
        (
            "gpu,architecture,phase,energy_kwh,params\na,b,train,1,2\na,c,train,1,2.5\n",
            "column params: found 2.5 in line 3, expected a whole number",
        ),
        (
            "gpu,architecture,phase,energy_kwh\na,b,train,0\n",
            "column energy_kwh: found 0 in line 2, expected a number above 0",
        ),
        (
            "gpu,architecture,phase,energy_kwh\na,b,fit,1\n",
            "column phase: found fit in line 2, expected one of train, test",
        ),
        (
            "gpu,architecture,phase,repeat,energy_kwh\na,b,test,0,1\na,b,test,0,1\n",
            "the cell a b test 0 is there twice, again in line 3",
        ),
        ("", "is not a table of measurements"),
    ],
)
def test_an_external_table_that_is_wrong_is_refused(tmp_path, content, message):
    path = tmp_path / "external.csv"
    path.write_text(content)
    with pytest.raises(InputError) as refused:
        measurements.read(path)
    assert f"{path}: {message}" in str(refused.value)


def test_an_external_table_enters_and_keeps_its_own_columns(tmp_path):
    path = tmp_path / "external.csv"
    path.write_text("gpu,architecture,phase,energy_kwh,duration_s,flops,accuracy\na,net,test,0.5,3600,1000,0.9\n")
    frame = measurements.read(path)
    assert frame.loc[0, ["repeat", "outcome", "family", "energy_kind"]].tolist() == [0, "ok", "net", "not stated"]
    assert (frame.loc[0, "flops"], frame.loc[0, "accuracy"], frame.loc[0, "power_w"]) == (1000, 0.9, 500)
    for name in ("energy-platforms", "energy-quality", "energy-computation-test", "power-computation"):
        drawing.save(captions.load(name).draw, frame, [tmp_path / f"{name}.png"])
        assert (tmp_path / f"{name}.png").stat().st_size > 2000


def test_kinds_are_not_mixed_unasked(world):
    frame = world.assign(energy_kind=np.where(world["gpu"] == world["gpu"].iloc[0], "measured", "estimated"))
    kept, sentence = of_kinds(frame)
    assert set(kept["energy_kind"]) == {"measured"}
    assert sentence == "left out: 258 estimated rows; ask for them by --kinds"
    assert len(of_kinds(frame, ["measured", "estimated"])[0]) == len(frame)
    with pytest.raises(InputError, match="kinds: found guessed, expected of measured, not stated, estimated, sim"):
        of_kinds(frame, ["guessed"])
    frame["energy_kind"] = frame["energy_kind"].replace("measured", "simulated")
    with pytest.raises(InputError, match="kinds: found estimated and simulated energies in one table"):
        of_kinds(frame)


def test_units_that_look_mixed_up_are_doubted(world):
    assert doubts(world) == []
    gpu = world["gpu"].iloc[0]
    in_wh = world.assign(energy_kwh=world["energy_kwh"].where(world["gpu"] != gpu, world["energy_kwh"] * 1000))
    in_wh["power_w"] = in_wh["energy_kwh"] * 3.6e6 / in_wh["duration_s"]
    sentences = doubts(in_wh)
    assert any(f"train on {gpu}: the median power would be" in doubt for doubt in sentences)
    assert any(
        f"train on {gpu}:" in doubt and "times the energy of the middle platform" in doubt for doubt in sentences
    )
    is_mlp = (world["gpu"] == gpu) & (world["architecture"] == "mlp-1x512")
    mlp_in_wh = world.assign(energy_kwh=world["energy_kwh"].where(~is_mlp, world["energy_kwh"] * 1000))
    assert any(f"of mlp-1x512 on {gpu}:" in doubt for doubt in doubts(mlp_in_wh))


def test_a_part_that_was_measured_is_carried_to_the_whole(folder, demo):
    cell = next(iter(cells(demo)))
    counts = read_record(folder / "compute" / f"{cell.architecture}.json", ComputeRecord)
    part = record(demo, cell, 2e-3, window={"repetitions": 3, "repetition_energies_kwh": [1e-3, 2e-3, 3e-3]})
    whole = row(part, counts, 10)
    # Student's t of two degrees of freedom, times a deviation of half the mean over the root of 3
    factor = np.exp(4.302653 * 0.5 / 3**0.5)
    assert whole["carried_high_kwh"] == pytest.approx(10 * 2e-3 * factor, rel=1e-6)
    assert whole["carried_low_kwh"] == pytest.approx(10 * 2e-3 / factor, rel=1e-6), "no energy is below 0"
    assert (whole["energy_kwh"], whole["measured_energy_kwh"]) == (pytest.approx(2e-2), 2e-3)
    assert (whole["duration_s"], whole["measured_duration_s"]) == (360, 36)
    assert (whole["steps"], whole["measured_steps"], whole["samples"]) == (20, 2, 160)
    assert (whole["energy_kind"], whole["flags"]) == ("simulated", "unsteady extrapolated not-sealed")
    assert whole["epochs"] == 10 * part.work.epochs
    shorter = row(part, counts, 0.1)
    assert (shorter["steps"], shorter["samples"]) == (1, 1.6), "less than one step is one"
    by_rapl = part.energy.cpu.model_copy(update={"kind": "measured"})
    measured = part.model_copy(update={"energy": part.energy.model_copy(update={"cpu": by_rapl})})
    whole = row(measured, counts, 10)
    assert (whole["energy_kind"], whole["cpu_energy_kind"], whole["measured_energy_kind"]) == (
        "estimated",
        "estimated",
        "measured",
    )


def test_what_was_measured_whole_has_no_part(folder, demo):
    cell = next(iter(cells(demo)))
    counts = read_record(folder / "compute" / f"{cell.architecture}.json", ComputeRecord)
    whole = row(record(demo, cell, 2e-3), counts)
    assert (whole["energy_kwh"], whole["duration_s"], whole["flags"]) == (2e-3, 36, "not-sealed")
    assert [name for name in whole if name.startswith(("carried", "measured")) and whole[name] is not None] == []


def test_what_grows_with_the_work_is_carried_and_no_ratio_is(folder, demo):
    cell = next(iter(cells(demo)))
    counts = read_record(folder / "compute" / f"{cell.architecture}.json", ComputeRecord)
    work = {"epochs": 1, "steps": 2, "samples": 16, "batch_size": 8, "audio_s": 72.0}
    part = record(demo, cell, 2e-3, window={"idle_power_w": 50.0}, work=work)
    whole = row(part, counts, 10)
    assert whole["power_w"] == pytest.approx(whole["energy_kwh"] * JOULES_PER_KWH / whole["duration_s"])
    assert whole["real_time_factor"] == whole["audio_s"] / whole["duration_s"] == 2
    idle_kwh = whole["idle_power_w"] * whole["duration_s"] / JOULES_PER_KWH
    assert whole["net_energy_kwh"] == pytest.approx(whole["energy_kwh"] - idle_kwh)
    assert (whole["window_s"], whole["repetitions"], whole["batch_size"]) == (36, 1, 8), "they are of the measurement"


@pytest.mark.parametrize(("field", "names"), [("settings", {"feature": "resident"}), ("quality", {"f1": 0.5})])
def test_what_a_workload_tells_and_the_table_does_not_know_is_refused_by_name(folder, demo, path, field, names):
    path.write_text(record(demo, cells(demo)[0], **{field: names}).model_dump_json())
    assert refusal(folder, demo).startswith(f"workload tagging: {field}: found {next(iter(names))}, expected one that")


def test_a_value_of_no_column_is_refused():
    with pytest.raises(KeyError, match="energy_wh"):
        as_table([{"gpu": "t4", "energy_wh": 1.0}])
