"""Tables of others: what hides a difference is refused in a sentence that names file, line and column."""

import io
import math
import re

import numpy as np
import pandas as pd
import pytest
from commands import isojoule
from hypothesis import given, settings
from hypothesis import strategies as st

from isojoule.errors import InputError
from isojoule.literature import training
from isojoule.normalization import ranking
from isojoule.normalization.user_rows import read_rows
from isojoule.tables import measurements, models
from isojoule.tables.qualities import with_quality_table
from isojoule.tables.reading import read_any
from isojoule.tables.same_work import differing_work


def read_models(path):
    return models.read(path, ["energy_kwh", "macro_f1"], costs=["energy_kwh"])[0]


HEADER = "gpu,architecture,phase,repeat,energy_kwh,duration_s,params,flops,macro_f1,emissions_kg_co2e"
ROWS = [
    f"a40,m{number},train,0,0.{number + 1},10,{10 + number},{100 + number},0.{number + 1},0.01" for number in range(4)
]


def table(*rows, header=HEADER):
    return "\n".join([header, *rows]) + "\n"


def refusal(tmp_path, content, read=measurements.read):
    path = tmp_path / "theirs.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as refused:
        read(path)
    assert str(refused.value).startswith(str(path))
    return str(refused.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize("read", [measurements.read, read_models, lambda path: read_rows(path, "train")])
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (table(ROWS[0] + ","), "found 11 values in line 2, expected 10 as in the header"),
        (table(ROWS[0], "a40,m9,train"), "found 3 values in line 3, expected 10 as in the header"),
        (table(*ROWS, header=HEADER.replace("params", "flops")), "found the column flops twice, expected each once"),
        (table(*ROWS, header=HEADER.replace("params", " params")), "found the column ' params' with blanks around it"),
        (table(*ROWS, header=HEADER.replace("params", "")), "found no name of column 7 in the header"),
        (table(ROWS[0].replace("m0", "m0 ")), "column architecture: found 'm0 ' with blanks around it in line 2"),
        (table(*ROWS).replace(",", ";"), "is not a table of "),
        (
            table(ROWS[0].replace("0.01", "0.0")),
            "column emissions_kg_co2e: found 0.0 in line 2, expected a number",
        ),
        (
            table(ROWS[0], ROWS[1].replace(",10,", ",0,")),
            "column duration_s: found 0",
        ),
        (table(ROWS[0].replace(",10,", ",-5,")), "column duration_s: found -5"),
        (table(ROWS[0].replace(",10,", ",inf,")), "column duration_s: found inf in line 2, expected a finite number"),
        (table(ROWS[0].replace(",100,", ",0,")), "column flops: found 0 in line 2, expected a number above 0"),
        (table(ROWS[0].replace(",0.1,0.01", ",5,0.01")), "column macro_f1: found 5"),
        (table(ROWS[0].replace(",100,", ",1.5,")), "column flops: found 1.5 in line 2, expected a whole number"),
        (table(ROWS[0].replace(",100,", ",-inf,")), "column flops: found -inf in line 2, expected a finite number"),
        (table(ROWS[0].replace(",0.1,10,", ",True,10,")), "column energy_kwh: found True in line 2, expected a number"),
        (table(ROWS[0].replace(",0.1,10,", ',"0,1",10,')), "column energy_kwh: found 0,1 in line 2, expected a number"),
        (table(ROWS[0].replace("m0", '"m\n0 "')), "column architecture: found 'm\\n0 ' with blanks around it"),
        (table(*ROWS, header=HEADER.replace("params", '"par\nams"')), "found the column 'par\\nams', expected a name"),
        (b"\xff\xfe" + table(*ROWS).encode("utf-16-le"), "is not a table of "),
        (table(*ROWS).replace("m1", "m\0"), "is not a table of "),
        ('gpu,architecture\n"a', "is not a table of "),
    ],
)
def test_a_form_that_hides_something_is_refused(tmp_path, content, sentence, read):
    said = refusal(tmp_path, content, read)
    assert sentence in said
    assert "\n" not in said


def test_a_row_behind_a_text_of_several_lines_is_named_by_its_line(tmp_path):
    header, row = f"{HEADER},note", 'a40,m0,train,0,0.1,10,10,100,0.5,0.01,"two\nlines"'
    assert "in line 4, expected" in refusal(
        tmp_path, table(row, row.replace("m0", "m1").replace(",10,", ",0,"), header=header)
    )


def test_what_is_not_stated_is_not_called_measured(tmp_path):
    (tmp_path / "t.csv").write_text(table(*ROWS))
    frame, sentences = measurements.read_unmixed(tmp_path / "t.csv")
    assert set(frame["energy_kind"]) == {"not stated"}
    assert any("does not say how its energies came about" in sentence for sentence in sentences)


def test_rows_without_a_repeat_are_repeats_in_their_order_in_every_program(tmp_path):
    lines = [line.replace(",train,0,", ",train,") for line in (ROWS[0], ROWS[0].replace("0.1,10", "0.2,10"), ROWS[1])]
    (tmp_path / "t.csv").write_text(table(*lines, header=HEADER.replace("repeat,", "")))
    assert measurements.read(tmp_path / "t.csv")["repeat"].tolist() == [0, 1, 0]
    assert read_models(tmp_path / "t.csv")["repeat"].tolist() == [0, 1, 0]


def test_a_row_that_nobody_numbered_is_a_further_repeat(tmp_path):
    (tmp_path / "t.csv").write_text(table(*(ROWS[0].replace(",train,0,", f",train,{n},") for n in ("", "3", ""))))
    assert measurements.read(tmp_path / "t.csv")["repeat"].tolist() == [4, 3, 5]
    assert read_models(tmp_path / "t.csv")["repeat"].tolist() == [4, 3, 5]


def test_rows_of_no_stated_kind_are_not_mixed_with_measured_ones(tmp_path):
    lines = [f"{row},{kind}" for row, kind in zip(ROWS, ("measured", "", "measured", ""), strict=True)]
    (tmp_path / "t.csv").write_text(table(*lines, header=f"{HEADER},energy_kind"))
    for read in (measurements.read_unmixed, lambda path: models.read(path, ["energy_kwh"])[::2]):
        frame, sentences = read(tmp_path / "t.csv")
        assert frame["architecture"].tolist() == ["m0", "m2"]
        assert "left out: 2 not stated rows; ask for them by --kinds" in sentences


def test_a_front_of_energies_says_that_their_kind_is_not_stated(tmp_path):
    (tmp_path / "t.csv").write_text("model,joules,accuracy\nA,1,0.7\nB,2,0.8\n")
    goals = ["--minimize", "joules", "--maximize", "accuracy"]
    for command in (["front", "t.csv", *goals], ["score", "t.csv", *goals, "--reference", "A"]):
        ended = isojoule(*command, cwd=tmp_path)
        assert "not stated" in ended.stdout
        assert "measured" not in ended.stdout


def test_a_family_that_some_rows_lack_is_the_architecture(tmp_path):
    (tmp_path / "t.csv").write_text("gpu,architecture,family,phase,energy_kwh\na,m,mlp,train,1\na,n,,train,2\n")
    assert measurements.read(tmp_path / "t.csv")["family"].tolist() == ["mlp", "n"]


def test_an_architecture_has_the_family_of_its_other_rows_and_no_second_one(tmp_path):
    rows = "gpu,architecture,family,phase,energy_kwh\na,m,mlp,train,1\nb,m,,train,2\nb,m,{},test,2\n"
    (tmp_path / "t.csv").write_text(rows.format("mlp"))
    assert measurements.read(tmp_path / "t.csv")["family"].tolist() == ["mlp", "mlp", "mlp"]
    said = refusal(tmp_path, rows.format("cnn"))
    assert said == "column family: found cnn in line 4, expected mlp as in another row of m"


def test_names_of_digits_are_names_in_the_tables_of_the_analysis_and_in_the_report(tmp_path):
    rows = [f"{gpu},0{n}0,train,0.{n},0.{n}" for gpu in ("1080", "1e3") for n in (1, 2, 3)]
    (tmp_path / "t.csv").write_text(table(*rows, header="gpu,architecture,phase,energy_kwh,macro_f1"))
    assert isojoule("compare-fronts", "t.csv", "--output", "pareto", cwd=tmp_path).returncode == 0
    fronts = read_any(tmp_path / "pareto" / "fronts.csv", "fronts")
    assert set(fronts["normalized_to"].dropna()) | set(fronts["gpu"]) == {"1080", "1e3"}
    stability = read_any(tmp_path / "pareto" / "stability.csv", "stability")
    assert stability[["gpu_a", "gpu_b"]].iloc[0].tolist() == ["1080", "1e3"]
    assert isojoule("report", "t.csv", "--tables", "pareto/fronts.csv", "pareto/stability.csv",
                    "--output", "r.html", cwd=tmp_path).returncode == 0  # fmt: skip
    page = (tmp_path / "r.html").read_text()
    assert re.search(r"<td[^>]*>010</td>", page)
    assert not [wrong for wrong in (">1080.0<", ">1000.0<", ">10<", ">1000<") if wrong in page]
    assert "not stated" in page
    body = re.sub(r"<script.*?</script>|<style>.*?</style>", "", page, flags=re.DOTALL)
    assert "measured" not in body.lower()


def test_names_in_an_index_of_parquet_are_a_column(tmp_path):
    frame = pd.DataFrame({"accuracy": [0.7, 0.8], "energy_kwh": [0.02, 0.05]}, index=pd.Index(["A", "B"], name="model"))
    frame.to_parquet(tmp_path / "t.parquet")
    assert read_any(tmp_path / "t.parquet", "a table")["model"].tolist() == ["A", "B"]
    frame.rename_axis(None).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(InputError, match="found names in an index without a name, expected them in a column"):
        read_any(tmp_path / "t.parquet", "a table")


def test_numbers_beyond_what_a_whole_number_holds_are_named(tmp_path):
    assert "column flops: found 1e+20 in line 2, expected a whole number below 2^63" in refusal(
        tmp_path, table(ROWS[0].replace(",100,", ",1e+20,"))
    )


@pytest.mark.parametrize(
    ("cost", "value"),
    [
        ("energy_consumed", "0"),
        ("joules", "-3"),
        ("E", "0.0"),
        ("Verbrauch_wh", "0"),
        ("MACs", "0"),
        ("gpu_energy_kwh", "0"),
    ],
)
def test_no_model_is_optimal_because_its_cost_is_zero_under_another_name(tmp_path, cost, value):
    (tmp_path / "t.csv").write_text(f"model,accuracy,{cost}\nA,0.71,0.1\nB,0.8,{value}\n")
    goals = ["--minimize", cost, "--maximize", "accuracy"]
    for command in (["front", "t.csv", *goals], ["score", "t.csv", *goals, "--reference", "A"]):
        ended = isojoule(*command, cwd=tmp_path)
        assert ended.returncode == 2
        assert f"t.csv: column {cost}: found {float(value)} in line 3, expected a number above 0" in ended.stderr


def test_an_error_rate_may_be_zero_where_the_user_says_so(tmp_path):
    (tmp_path / "t.csv").write_text("model,energy_kwh,wer\nA,0.2,0\nB,0.1,0.3\nC,0.3,0.3\n")
    ended = isojoule("front", "t.csv", "--minimize", "energy_kwh", "wer", "--any-sign", "wer", cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "optimal: A" in ended.stdout
    assert "optimal: B" in ended.stdout
    assert "dominated: C" in ended.stdout


def test_a_row_is_named_by_its_line_after_others_were_left_out(tmp_path):
    (tmp_path / "t.csv").write_text("model,energy_kwh,energy_kind\nA,1,simulated\n,2,measured\n")
    ended = isojoule("front", "t.csv", "--minimize", "energy_kwh", cwd=tmp_path)
    assert "t.csv: column model: found nothing in line 3, expected a name" in ended.stderr


def test_a_column_that_the_user_names_tells_one_model_from_another(tmp_path):
    (tmp_path / "t.csv").write_text("net,gpu,repeat,energy_kwh\na,x,0,1\nb,x,0,2\n")
    ended = isojoule("front", "t.csv", "--minimize", "energy_kwh", "--name", "net", cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "dominated: b, dominated by a" in ended.stdout


@pytest.mark.parametrize("read", [measurements.read, read_models, lambda path: read_rows(path, "train")])
@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (",1e308,10,", "column energy_kwh: found 1e+308 in line 2, expected a number up to 1e+09 kWh"),
        (",1e-300,10,", "column energy_kwh: found 1e-300 in line 2, expected 0 or a number of 1e-100 or more"),
        (",0.1,1e10,", "column duration_s: found 10000000000.0 in line 2, expected a number up to 1e+09 s"),
        (",0.1,1e-300,", "column duration_s: found 1e-300 in line 2, expected 0 or a number of 1e-100 or more"),
    ],
)
def test_a_number_whose_sums_and_ratios_are_none_is_refused(tmp_path, values, sentence, read):
    assert refusal(tmp_path, table(ROWS[0].replace(",0.1,10,", values)), read) == sentence


def test_values_of_other_types_in_parquet_are_no_numbers(tmp_path):
    frame = pd.DataFrame({"gpu": ["a"], "architecture": ["m"], "phase": ["train"], "energy_kwh": [1.0]})
    for name, value in {"duration_s": pd.Timedelta("10s"), "params": True, "loss": pd.Timestamp("2026-01-01")}.items():
        frame.assign(**{name: [value]}).to_parquet(tmp_path / "t.parquet")
        with pytest.raises(InputError, match=f"t.parquet: column {name}: found .* in row 1, expected a number"):
            measurements.read(tmp_path / "t.parquet")


def test_a_table_that_was_read_from_a_text_does_not_lend_its_lines_to_another_one(tmp_path):
    (tmp_path / "t.csv").write_text("model,energy_kwh\n\n\na,1\n")
    read_any(tmp_path / "t.csv", "a table").assign(energy_kwh="x").to_parquet(tmp_path / "t.parquet")
    with pytest.raises(InputError, match=r"t.parquet: column energy_kwh: found x in row 1"):
        read_models(tmp_path / "t.parquet")


@pytest.mark.parametrize("text", ["inf", "0", "-1", "nan?"])
def test_other_tables_name_the_line_as_well(tmp_path, text):
    (tmp_path / "t.csv").write_text(f"model,gpu,gpus,hours\na,T4,1,5\nb,T4,1,{text}\n")
    with pytest.raises(InputError, match=f"t.csv: column hours: found {text.replace('?', '.')} in line 3, expected a"):
        training.read(tmp_path / "t.csv")
    (tmp_path / "r.csv").write_text(f"architecture,energy_kwh,duration_s\na,1,1\nb,1,{text}\n")
    with pytest.raises(InputError, match=f"r.csv: column duration_s: found {text.replace('?', '.')}.* in line 3"):
        read_rows(tmp_path / "r.csv", "train")
    with pytest.raises(InputError, match=r"t.csv: found no column phase, scheme, source"):
        ranking.read(tmp_path / "t.csv")


def test_kinds_that_leave_nothing_are_refused_by_every_program(tmp_path):
    (tmp_path / "t.csv").write_text(table(*[f"{row},measured" for row in ROWS], header=f"{HEADER},energy_kind"))
    for command in (["tabulate-energy", "t.csv", "--output", "o.csv"], ["front", "t.csv", "--minimize", "energy_kwh"],
                    ["compare-fronts", "t.csv", "--output", "o"]):  # fmt: skip
        ended = isojoule(*command, "--kinds", "simulated", cwd=tmp_path) if command[0] != "tabulate-energy" else None
        if ended is not None:
            assert ended.returncode == 2, command
            assert "kinds: found no row of simulated" in ended.stderr


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("m0,5\n,4\n", "column architecture: found nothing in line 3, expected its name in every row"),
        ("m0,5\nm9,4\n", "column architecture: found m9 in line 3, expected an architecture of this study"),
        ("m0,5\nm0,4\n", "column architecture: found m0 in line 3, expected every architecture once"),
        ("m0,5\nm1,\n", "column mean_opinion_score: found nothing in line 3, expected a number"),
        ("m0,5\nm1,6\n", "column mean_opinion_score: found 6 in line 3, expected 1 to 5"),
        ("m0,5\nm1,good\n", "column mean_opinion_score: found good in line 3, expected a number"),
    ],
)
def test_a_table_of_qualities_names_line_and_column(tmp_path, content, sentence):
    (tmp_path / "t.csv").write_text(table(*ROWS))
    study = measurements.read(tmp_path / "t.csv")
    said = refusal(
        tmp_path,
        f"architecture,mean_opinion_score\n{content}",
        lambda path: with_quality_table(study, path, ["mean_opinion_score"]),
    )
    assert said == sentence


def mutated(text, generator):
    """Change a table as people and programs do."""
    lines = text.splitlines()
    number = generator.integers(0, len(lines))
    fields = lines[number].split(",")
    place = generator.integers(0, len(fields))
    pieces = ["", " ", ",", '"', "inf", "-1", "nan", "1e999", "\0", "é", "0", "1e30", "-inf", "x", ";", "\t", "\r", "'"]
    fields[place] = [*pieces, fields[place] + " ", " " + fields[place], fields[place] + ",", fields[0]][
        generator.integers(0, len(pieces) + 4)
    ]
    lines[number] = ",".join(fields)
    if generator.random() < 0.2:
        lines.insert(generator.integers(0, len(lines)), lines[generator.integers(0, len(lines))])
    return "\n".join(lines) + "\n"


@settings(max_examples=150)
@given(
    seed=st.integers(0, 10**6),
    changes=st.integers(1, 3),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "latin-1", "utf-16"]),
    read=st.sampled_from([measurements.read, read_models]),
)
def test_a_mutated_table_is_read_as_it_stands_or_refused_in_a_sentence(tmp_path_factory, seed, changes, encoding, read):
    """Neither a traceback nor a silent change: what is read is what an independent reader finds in the file."""
    generator, text = np.random.default_rng(seed), table(*ROWS)
    for _ in range(changes):
        text = mutated(text, generator)
    path = tmp_path_factory.mktemp("mutated") / "t.csv"
    path.write_bytes(text.encode(encoding, "replace"))
    refused = None
    try:
        frame = read(path)
    except InputError as error:
        refused = str(error)
    if refused is not None:
        assert "\n" not in refused
        return
    plain = pd.read_csv(io.BytesIO(path.read_bytes()), dtype=str, keep_default_na=False, encoding="utf-8-sig")
    assert len(frame) == len(plain)
    if not {"architecture", "energy_kwh"} <= set(plain):
        # a table of models may have any columns; each program asks for its own
        assert read is read_models
        return
    assert frame["architecture"].tolist() == plain["architecture"].tolist()
    energies = [float(value) if value and value != "nan" else math.nan for value in plain["energy_kwh"]]
    assert frame["energy_kwh"].astype("float64").tolist() == pytest.approx(energies, nan_ok=True)
    assert all(math.isnan(value) or (math.isfinite(value) and value > 0) for value in energies)
    assert read is read_models or not any(map(math.isnan, energies))


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
        assert "left out: c: all of 1 cells (1 oom)" in ended.stdout
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


@pytest.mark.parametrize(("value", "expected"), [(-1.0, "a number of 0 or more"), (1e308, "a number up to 1e+100")])
def test_errors_that_there_cannot_be_are_not_ranked(tmp_path, value, expected):
    rows = {name: ["a"] for name in ranking.EXPECTED.words} | {name: [1.0] for name in ranking.EXPECTED.numbers}
    pd.DataFrame(rows).to_csv(tmp_path / "e.csv", index=False)
    assert len(ranking.read(tmp_path / "e.csv")) == 1
    pd.DataFrame(rows | {"mdape_percent": [value]}).to_csv(tmp_path / "e.csv", index=False)
    with pytest.raises(
        InputError, match=rf"e.csv: column mdape_percent: found .* in line 2, expected {re.escape(expected)}"
    ):
        ranking.read(tmp_path / "e.csv")


def test_counts_that_some_rows_do_not_have_are_compared_where_they_are():
    rows = pd.DataFrame({"architecture": ["a", "a", "b"], "flops": pd.Series([1e9, 2e9, pd.NA], dtype=object)})
    assert differing_work(rows[1:]) == []
    assert len(differing_work(rows)) == 1
