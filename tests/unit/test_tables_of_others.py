"""Tables of others: what hides a difference is refused in a sentence that names file, line and column."""

import io
import math

import numpy as np
import pandas as pd
import pytest
from commands import isojoule
from hypothesis import given, settings
from hypothesis import strategies as st

from isojoule.errors import InputError
from isojoule.tables import measurements, models
from isojoule.tables.reading import read_any

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


@pytest.mark.parametrize("read", [measurements.read, lambda path: models.read(path, ["energy_kwh"])])
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


def test_a_family_that_some_rows_lack_is_the_architecture(tmp_path):
    (tmp_path / "t.csv").write_text("gpu,architecture,family,phase,energy_kwh\na,m,mlp,train,1\na,n,,train,2\n")
    assert measurements.read(tmp_path / "t.csv")["family"].tolist() == ["mlp", "n"]


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


def test_kinds_that_leave_nothing_are_refused_by_every_program(tmp_path):
    (tmp_path / "t.csv").write_text(table(*[f"{row},measured" for row in ROWS], header=f"{HEADER},energy_kind"))
    for command in (["tabulate-energy", "t.csv", "--output", "o.csv"], ["front", "t.csv", "--minimize", "energy_kwh"],
                    ["compare-fronts", "t.csv", "--output", "o"]):  # fmt: skip
        ended = isojoule(*command, "--kinds", "simulated", cwd=tmp_path) if command[0] != "tabulate-energy" else None
        if ended is not None:
            assert ended.returncode == 2, command
            assert "kinds: found no row of simulated" in ended.stderr


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
    seed=st.integers(0, 10**6), changes=st.integers(1, 3), encoding=st.sampled_from(["utf-8", "utf-8-sig", "latin-1"])
)
def test_a_mutated_table_is_read_as_it_stands_or_refused_in_a_sentence(tmp_path_factory, seed, changes, encoding):
    """Neither a traceback nor a silent change: what is read is what an independent reader finds in the file."""
    generator, text = np.random.default_rng(seed), table(*ROWS)
    for _ in range(changes):
        text = mutated(text, generator)
    path = tmp_path_factory.mktemp("mutated") / "t.csv"
    path.write_bytes(text.encode(encoding, "replace"))
    refused = None
    try:
        frame = measurements.read(path)
    except InputError as error:
        refused = str(error)
    if refused is not None:
        assert "\n" not in refused
        return
    plain = pd.read_csv(io.BytesIO(path.read_bytes()), dtype=str, keep_default_na=False, encoding="utf-8-sig")
    assert len(frame) == len(plain)
    assert frame["architecture"].tolist() == plain["architecture"].tolist()
    energies = [float(value) for value in plain["energy_kwh"]]
    assert frame["energy_kwh"].tolist() == pytest.approx(energies)
    assert all(math.isfinite(value) and value > 0 for value in energies)
