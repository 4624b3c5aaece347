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
from their_tables import HEADER, ROWS, read_models, refusal, table

from isojoule.errors import InputError
from isojoule.literature import training
from isojoule.normalization import ranking
from isojoule.normalization.user_rows import read_rows
from isojoule.tables import measurements, models
from isojoule.tables.qualities import with_quality_table
from isojoule.tables.reading import read_any


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
    shown = re.sub(r"<script.*?</script>|<style>.*?</style>", "", page, flags=re.DOTALL).lower()
    doubt = "the table does not say whether all 6 energies are measured or estimated"
    assert doubt in shown
    assert "measured" not in shown.replace(doubt, "")


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
