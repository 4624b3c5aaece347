"""A table or figure between two stages that somebody changed is told by name, and nothing is made of it."""

import shutil

import pandas as pd
import pytest
from commands import isojoule

from isojoule.files import seal_beside
from isojoule.tables.writing import write_table

MEASUREMENTS = "measurements.parquet"


@pytest.fixture(scope="module")
def made(tmp_path_factory, small):
    """A folder with a table of measurements and what stages made of it."""
    folder = tmp_path_factory.mktemp("made")
    names, gpus = sorted(small["architecture"].unique())[::2], small["gpu"].unique()[:2]
    few = small[small["architecture"].isin(names) & small["gpu"].isin(gpus)]
    write_table(few, folder / MEASUREMENTS, "isojoule aggregate")
    for words in (
        ("compare-fronts", MEASUREMENTS, "--output", "pareto", "--draws", 10),
        (
            "evaluate-normalization",
            MEASUREMENTS,
            "--output",
            "normalization/errors.parquet",
            "--splits",
            2,
            "--draws",
            1,
        ),
        ("rank-normalization", "normalization/errors.parquet", "--output", "normalization/ranking.csv"),
        ("tabulate-flags", MEASUREMENTS, "--output", "tables/flags.csv"),
        ("plot", "pareto-energy", "pareto/fronts.csv", "--output", "figures/pareto-energy.svg"),
    ):
        ended = isojoule(*words, cwd=folder)
        assert ended.returncode == 0, ended.stderr
    return folder


@pytest.fixture
def folder(made, tmp_path):
    shutil.copytree(made, tmp_path / "results")
    return tmp_path / "results"


def cut(path):
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[: len(lines) // 2]) + "\n")


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def times_a_thousand(path):
    frame = pd.read_parquet(path)
    frame.loc[frame.index[0], "energy_kwh"] *= 1000
    frame.to_parquet(path, index=False)


REPORT = ("report", MEASUREMENTS, "--output", "report.html", "--tables", "pareto/fronts.csv", "tables/flags.csv",
          "--figures", "figures/pareto-energy.svg")  # fmt: skip


@pytest.mark.parametrize(
    ("name", "change", "reader", "rows", "maker"),
    [
        ("pareto/fronts.csv", cut, ("plot", "pareto-energy", "pareto/fronts.csv", "--output", "x.svg"), True,
         "compare-fronts"),
        ("pareto/fronts.csv", cut, REPORT, True, "compare-fronts"),
        ("pareto/fronts.csv", flip, REPORT, False, "compare-fronts"),
        ("tables/flags.csv", flip, REPORT, False, "tabulate-flags"),
        ("figures/pareto-energy.svg", flip, REPORT, False, "plot"),
        (MEASUREMENTS, times_a_thousand, ("tabulate-energy", MEASUREMENTS, "--output", "x.csv"), False, "aggregate"),
        ("normalization/errors.parquet", flip,
         ("rank-normalization", "normalization/errors.parquet", "--output", "x.csv"), None, "evaluate-normalization"),
        ("normalization/errors.parquet", flip,
         ("plot", "normalization-references", "normalization/errors.parquet", "--output", "x.svg"), None,
         "evaluate-normalization"),
    ],
)  # fmt: skip
def test_what_was_changed_is_told_with_what_makes_it_again(folder, name, change, reader, rows, maker):
    change(folder / name)
    ended = isojoule(*reader, cwd=folder)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"error: {name}: was changed since 20")
    assert f"`isojoule {maker}`" in ended.stderr
    forced = name if maker == "plot" else maker.replace("-", "_")
    assert f"`snakemake --forcerun {forced}`" in ended.stderr
    assert rows is None or (": found " in ended.stderr) == rows
    assert not list(folder.glob("x.*"))
    assert not (folder / "report.html").exists()


def test_what_nobody_changed_is_read(folder):
    ended = isojoule(*REPORT, cwd=folder)
    assert ended.returncode == 0, ended.stderr


def test_a_table_is_sealed_anew_when_it_is_made_again(folder):
    cut(folder / "pareto" / "fronts.csv")
    ended = isojoule("compare-fronts", MEASUREMENTS, "--output", "pareto", "--draws", 10, cwd=folder)
    assert ended.returncode == 0, ended.stderr
    assert isojoule(*REPORT, cwd=folder).returncode == 0


def test_a_table_of_ones_own_under_another_name_is_read(folder):
    frame = pd.read_parquet(folder / MEASUREMENTS)
    frame.iloc[::2].to_csv(folder / "mine.csv", index=False)
    assert isojoule("tabulate-energy", "mine.csv", "--output", "x.csv", cwd=folder).returncode == 0


def test_a_table_that_is_replaced_has_no_seal_of_the_old_one(folder, small):
    path = folder / MEASUREMENTS
    assert seal_beside(path).is_file()
    write_table(small.iloc[::2], path)
    assert not seal_beside(path).exists()
