"""Tables of others: what is nearly one of our columns, left out, or does not go together is told."""

import pandas as pd
import pytest
from commands import isojoule
from their_tables import refusal, table

from isojoule.normalization.user_rows import read_rows
from isojoule.tables import measurements, models
from isojoule.tables.same_work import differing_work


@pytest.mark.parametrize("column", ["GPU", "gpu.1", "g_p_u", "gpu "])
@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_column_that_is_nearly_one_of_ours_is_not_ignored(tmp_path, column, ending):
    frame = pd.DataFrame({column: ["a", "b"], "model": ["m", "m"], "energy_kwh": [1.0, 2.0]})
    path = tmp_path / f"t{ending}"
    frame.to_csv(path, index=False) if ending == ".csv" else frame.to_parquet(path)
    goals = ["--minimize", "energy_kwh"]
    for command in (["front", path, *goals], ["score", path, *goals, "--maximize", "f1", "--reference", "m"],
                    ["tabulate-energy", path, "--output", "o.csv"], ["choose-references", path, "--output", "o.csv"],
                    ["normalize", path, "--target", "a", "--phase", "test"],
                    ["compare-fronts", path, "--output", "o"],
                    ):  # fmt: skip
        ended = isojoule(*command, cwd=tmp_path)
        assert ended.returncode == 2, command
        assert f"t{ending}: found the column " in ended.stderr
        assert "expected gpu" in ended.stderr


@pytest.mark.parametrize("column", ["Energy_kWh", "Energy (kWh)", "energy kwh", "energyKWh"])
def test_a_column_that_the_user_names_may_be_spelt_as_the_user_likes(tmp_path, column):
    (tmp_path / "t.csv").write_text(f"\ufeffmodel,{column}\na,1\nb,2\n")
    assert refusal(tmp_path, f"model,{column}\na,1\n", lambda path: models.read(path, ["f1"])).startswith(
        f"found the column {column}, expected energy_kwh"
    )
    assert "dominated: b" in isojoule("front", "t.csv", "--minimize", column, cwd=tmp_path).stdout


def test_two_columns_of_names_are_never_merged_without_a_word(tmp_path):
    rows = "architecture,model,energy_kwh\nresnet,{},1\nresnet,{},3\nvgg,vgg16,2\n"
    (tmp_path / "t.csv").write_text(rows.format("resnet18", "resnet50"))
    front = ["front", "t.csv", "--minimize", "energy_kwh"]
    ended = isojoule(*front, cwd=tmp_path)
    sentence = "t.csv: column model: found resnet50 in line 3, expected resnet18 as in another row of the architecture"
    assert sentence in ended.stderr
    assert "--name" in ended.stderr
    assert "dominated: vgg16" in isojoule(*front, "--name", "model", cwd=tmp_path).stdout
    (tmp_path / "t.csv").write_text(rows.format("resnet18", "resnet18"))
    assert "named by the column architecture, and not by model" in isojoule(*front, cwd=tmp_path).stdout
    of_gpu = "gpu,phase," + rows.format("resnet18", "resnet50").replace("\nr", "\na,test,r").replace(
        "\nv", "\na,test,v"
    )
    for read in (measurements.read, lambda path: read_rows(path, "test")):
        assert "column model: found resnet50 in line 3" in refusal(tmp_path, of_gpu, read)


def test_what_a_front_leaves_out_is_told(tmp_path):
    """A row that ran out of memory leaves the front of the others, and a repeat without an energy is counted."""
    (tmp_path / "t.csv").write_text(
        "model,repeat,energy_kwh,f1,outcome\na,0,1,0.5,ok\na,1,,0.5,ok\nb,0,2,0.9,ok\nc,0,9,0.9,oom\n"
    )
    goals = ["--minimize", "energy_kwh", "--maximize", "f1"]
    for command in (["front", "t.csv", *goals], ["score", "t.csv", *goals, "--reference", "a"]):
        ended = isojoule(*command, cwd=tmp_path)
        assert ended.returncode == 0, ended.stderr
        assert "left out: c: the only cell (1 oom)" in ended.stdout
        assert "a: 1 of 2 repeats have no energy_kwh" in ended.stdout
    (tmp_path / "t.csv").write_text("model,energy_kwh,outcome\na,1,oom\n")
    assert "found no row whose outcome is ok" in isojoule("front", "t.csv", *goals[:2], cwd=tmp_path).stderr


@pytest.mark.parametrize(
    ("header", "changed", "sentence"),
    [
        ("duration_s", "0.1", "train of m0 on a: the power would be 3.6e+06 W; is its energy in kWh?"),
        (
            "power_w",
            "100000",
            "1 row, the first of train of m0 on a: power_w is 1e+05 W, and energy_kwh over duration_s",
        ),
        ("emissions_kg_co2e", "56", "1 row would have 560 kg CO2e per kWh, the first; is emissions_kg_co2e in kg?"),
        ("accuracy", "71.5", "accuracy is 0.5 to 71.5; is some of it a share, and some in per cent?"),
        ("epochs", "1", "m0 is not the same work in all rows: train with epochs 1 (gpu a) and 10 (gpu b)"),
        ("batch_size", "64", "m0 is not the same work in all rows: train with batch_size 32 (gpu b) and 64 (gpu a)"),
        ("flops", "7", "m0 is not the same work in all rows: flops 7 (gpu a) and 10 (gpu b)"),
    ],
)
def test_every_program_asks_about_rows_that_do_not_go_together(tmp_path, header, changed, sentence):
    values = {"duration_s": "3600", "power_w": "100", "epochs": "10", "batch_size": "32", "flops": "10"}
    values |= {"emissions_kg_co2e": "0.005", "accuracy": "0.5"}
    names = ["gpu", "architecture", "phase", "energy_kwh", *values]
    lines = [",".join([gpu, f"m{n}", "train", "0.1", *values.values()]) for gpu in "ab" for n in range(5)]
    lines[0] = ",".join(["a", "m0", "train", "0.1", *(values | {header: changed}).values()])
    (tmp_path / "t.csv").write_text(table(*lines, header=",".join(names)))
    for read in (measurements.read_told, measurements.read_unmixed, lambda path: models.read(path, ["energy_kwh"])):
        assert sentence in " ".join(read(tmp_path / "t.csv")[-1])
    if header == "duration_s":
        for command in (["tabulate-energy", "t.csv", "--output", "o.csv"], ["report", "t.csv", "--output", "o.html"]):
            assert sentence in isojoule(*command, cwd=tmp_path).stdout, command


def test_tests_on_different_data_are_told(tmp_path):
    (tmp_path / "t.csv").write_text("model,phase,samples,energy_kwh\na,test,10,1\nb,test,5000,2\n")
    ended = isojoule("front", "t.csv", "--minimize", "energy_kwh", cwd=tmp_path)
    assert "tests are of different work: samples 10 (model a) and 5000 (model b)" in ended.stdout


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("T4,m1,train,0.2", "column gpu: t4 and T4 count as 2, which are told apart by capitals and signs alone"),
        ("t4,M_1,train,0.2", "column architecture: m-1 and M_1 count as 2"),
        ("t4,m-1,train,100", "differ by a factor of 1e+03; are they in one unit, and of one system?"),
    ],
)
def test_what_was_typed_otherwise_in_one_row_is_asked_about(tmp_path, row, sentence):
    path = tmp_path / "t.csv"
    path.write_text(f"gpu,architecture,phase,energy_kwh\nt4,m-1,train,0.1\n{row}\nt4,m-11,train,0.1\n")
    for read in (measurements.read_told, measurements.read_unmixed, lambda path: models.read(path, ["energy_kwh"])):
        assert [sentence in said for said in read(path)[-1]].count(True) == 1


def test_counts_that_some_rows_do_not_have_are_compared_where_they_are():
    rows = pd.DataFrame({"architecture": ["a", "a", "b"], "flops": pd.Series([1e9, 2e9, pd.NA], dtype=object)})
    assert differing_work(rows[1:]) == []
    assert len(differing_work(rows)) == 1
