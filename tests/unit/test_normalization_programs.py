"""Normalization from the command line: a table to a figure, my own system, and what is refused."""

import json
from pathlib import Path

import pandas as pd
import pytest
from commands import isojoule, process
from simulated import normalization_task

from isojoule import seals
from isojoule.normalization import DEFAULT
from isojoule.tables.writing import write_table

PROJECT = Path(__file__).parents[2]
REAL = PROJECT.parent / "shared" / "real" / "imagenet-inference-energy.csv"


def program(folder, name, *arguments):
    """Run a command of ours; return its exit code and all that it printed."""
    ended = isojoule(name, *arguments, cwd=folder)
    return ended.returncode, ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory, small):
    folder = tmp_path_factory.mktemp("programs")
    half = small["architecture"].isin(small["architecture"].unique()[::2])
    write_table(small[half & small["gpu"].isin(small["gpu"].unique()[:2])], folder / "world.parquet")
    return folder


def test_the_programs_from_a_table_to_a_figure(folder):
    code, output = program(
        folder, "evaluate-normalization", "world.parquet", "--output", "errors.parquet", "--splits", 2, "--draws", 2
    )
    assert code == 0, output
    code, output = program(folder, "rank-normalization", "errors.parquet", "--output", "ranking.csv")
    assert code == 0, output
    assert "by our default" in output
    assert pd.read_csv(folder / "ranking.csv")["rank"].min() == 1
    code, output = program(folder, "plot", "normalization-references", "errors.parquet", "--output", "figure.png")
    assert code == 0, output
    code, output = program(folder, "choose-references", "world.parquet", "--output", "references.csv")
    assert code == 0, output
    assert "train: " in output
    code, output = program(folder, "evaluate-mixed", "world.parquet", "--output", "mixed.csv", "--draws", 2)
    assert code == 0, output
    assert all(seals.check(folder / name) for name in ("errors.parquet", "ranking.csv", "references.csv", "mixed.csv"))


def test_my_own_system_from_the_command_line(folder, small):
    first, *_, target = small["gpu"].unique()
    study, given, systems, truth = normalization_task(small, first, target, 6)
    between = sorted((name for name in systems if name not in given), key=lambda name: systems[name].energy_kwh)
    write_table(study, folder / "study.parquet")
    rows = [{"architecture": name, **vars(system)} for name, system in given.items()]
    pd.DataFrame(rows)[["architecture", "energy_kwh", "duration_s"]].to_csv(folder / "mine.csv", index=False)
    other = between[len(between) // 2]
    reference = next(iter(given))
    arguments = (
        "study.parquet", "--target", target, "--phase", "train", "--references", "mine.csv",
        "--energy-kwh", systems[other].energy_kwh, "--duration-s", systems[other].duration_s,
        "--flops", systems[other].flops, "--params", systems[other].params,
        "--quality", 0.4, "--reference", reference,
    )  # fmt: skip
    code, output = program(folder, "normalize", *arguments)
    assert code == 0, output
    assert output.startswith(f"train on {target}: ")
    assert "90 % interval" in output
    assert "warning: kind: the study's energies are simulated" in output
    code, output = program(folder, "normalize", *arguments, "--json", "--output", "normalized.json")
    record = json.loads(output)
    assert record == json.loads((folder / "normalized.json").read_text())
    assert record["energy_kwh"] == pytest.approx(truth[other], rel=0.5)
    score = 0.4 * given[reference].energy_kwh / systems[other].energy_kwh
    assert record["energy_weighted_score"] == pytest.approx(score)
    code, output = program(folder, "normalize", *arguments[:-1], "mlp-0")
    assert (code, output.splitlines()[0].split(",")[0]) == (2, "error: reference: found mlp-0")


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("one-gpu", lambda frame: frame[frame["gpu"] == frame["gpu"].iloc[0]], "found 1 GPU ("),
        (
            "few",
            lambda frame: frame[frame["architecture"].isin(frame["architecture"].unique()[:4])],
            "found 4 architectures",
        ),
    ],
)
def test_a_study_that_cannot_be_normalized_is_one_sentence(folder, small, name, change, message):
    write_table(change(small), folder / f"{name}.csv")
    code, output = program(folder, "evaluate-normalization", f"{name}.csv", "--output", f"{name}.parquet")
    assert code == 2
    assert message in output
    assert "Traceback" not in output
    assert not (folder / f"{name}.parquet").exists()
    code, output = program(
        folder, "evaluate-normalization", f"{name}.csv", "--output", f"{name}.parquet", "--allow-empty"
    )
    assert code == 0, output
    assert "nothing to normalize: " in output
    assert program(folder, "rank-normalization", f"{name}.parquet", "--output", f"{name}-ranking.csv")[0] == 0


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        (
            "evaluate-normalization",
            ("--splits", "0"),
            "--splits: found 0, expected a whole number of 1 or more",
        ),
        ("evaluate-normalization", ("--scheme", "loo"), "splits: found loo, expected one of shuffle, kfold"),
        ("evaluate-mixed", ("--seed", "-1"), "--seed: found -1, expected a whole number of 0 or more"),
        ("choose-references", ("--error-percent", "-3"), "--error-percent: found -3, expected a number above 0"),
        ("evaluate-normalization", ("--output", "out.csv"), "output: found out.csv, expected a .parquet file"),
        ("choose-references", ("--kinds", "guessed"), "kinds: found guessed, expected of measured"),
        ("choose-references", ("--choice", "best"), "--choice: found best, expected one of min-max, quantiles, "),
    ],
)
def test_options_that_are_wrong_are_one_sentence(folder, name, arguments, message):
    code, output = program(folder, name, "world.parquet", "--output", "out.parquet", *arguments)
    assert code == 2
    assert message in output
    assert "Traceback" not in output
    assert not (folder / "out.parquet").exists()


def test_a_table_of_others_with_extra_and_missing_columns(folder):
    """No duration, FLOPs or parameters, a column of its own; identical energies on one GPU are survived."""
    rows = [
        {
            "gpu": gpu,
            "architecture": f"net-{number}",
            "phase": "test",
            "energy_kwh": 1 if gpu == "c" else number,
            "room": 7,
        }
        for gpu in "abc"
        for number in range(1, 13)
    ]
    pd.DataFrame(rows).to_csv(folder / "others.csv", index=False)
    code, output = program(
        folder, "evaluate-normalization", "others.csv", "--output", "others.parquet", "--splits", 2, "--draws", 2
    )
    assert code == 0, output
    errors = pd.read_parquet(folder / "others.parquet")
    assert not errors["method"].str.startswith("line+").any()
    assert set(errors.loc[errors["method"] == DEFAULT, "columns"]) == {"energy_kwh"}
    assert (errors.loc[errors["method"] == DEFAULT, "source"] != "c").all(), "identical energies determine no line"
    assert (errors.loc[(errors["source"] == "a") & (errors["target"] == "b"), "mdape_percent"].min()) < 1e-9
    assert process("simulate", "--gpus", 2, "--output", "w.csv", cwd=folder).returncode == 0
    assert set(pd.read_csv(folder / "w.csv")["energy_kind"]) == {"simulated"}
