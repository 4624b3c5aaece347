"""A table of systems (`isojoule normalize --systems`): of one GPU, each run once, nothing left out without a word."""

import json
from pathlib import Path

import pandas as pd
import pytest
from commands import isojoule
from simulated import normalization_task

from isojoule.study import reading
from isojoule.study.cells import architectures
from isojoule.tables import measurements
from isojoule.tables.writing import write_table

EXAMPLE = Path(__file__).parents[2] / "reference" / "example"
HEADER = "architecture,energy_kwh,gpu,device_name,devices,phase,repeat,outcome,energy_kind"
GOOD = "net,{kwh},mine,board,1,train,0,ok,simulated"


@pytest.fixture(scope="module")
def folder(small, tmp_path_factory):
    """A study, and references of a GPU that is not in it."""
    folder = tmp_path_factory.mktemp("systems")
    first, *_, target = small["gpu"].unique()
    study, given, _, _ = normalization_task(small, first, target, 4)
    write_table(study, folder / "study.parquet")
    energies = [system.energy_kwh for system in given.values()]
    references = pd.DataFrame({"architecture": list(given), "energy_kwh": energies})
    references = references.assign(gpu="mine", device_name="board", devices=1, phase="train", energy_kind="simulated")
    references.to_csv(folder / "references.csv", index=False)
    (folder / "target").write_text(target)
    (folder / "kwh").write_text(repr(sorted(energies)[1]))
    return folder


def normalized(folder, *lines):
    kwh = (folder / "kwh").read_text()
    (folder / "systems.csv").write_text("\n".join([HEADER, *lines]).replace("{kwh}", kwh) + "\n")
    words = ["study.parquet", "--target", (folder / "target").read_text(), "--phase", "train"]
    return isojoule("normalize", *words, "--references", "references.csv", "--systems", "systems.csv", cwd=folder)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "systems.csv: found no row of train with outcome ok"),
        ([GOOD.replace("board", "other")], "systems.csv: found device_name other, expected board as of the references"),
        ([GOOD.replace("board,1", "board,4")], "systems.csv: found devices 4, expected 1 as of the references"),
        ([GOOD, GOOD.replace("net", "b").replace("board", "c")], "systems.csv: found device_name c, expected board"),
        ([GOOD, GOOD], "systems.csv: the cell mine net train 0 is there twice, again in line 3, expected each repeat"),
        ([GOOD.replace("{kwh}", "")], "systems.csv: column energy_kwh: found nothing in line 2, expected a number"),
        ([GOOD.replace("{kwh}", "inf")], "systems.csv: column energy_kwh: found inf in line 2, expected a finite"),
        ([GOOD.replace("{kwh}", "1e30")], "systems.csv: column energy_kwh: found 1e+30 in line 2, expected a number"),
        ([GOOD.replace("train", "test")], "systems.csv: found no row of train with outcome ok"),
        ([GOOD, GOOD.replace("net", "b").replace("mine", "t4")], "systems.csv: found the GPUs mine, t4, expected"),
        ([GOOD.replace("simulated", "measured")], "kinds: found measured and simulated energies in references.csv"),
    ],
)  # fmt: skip
def test_what_cannot_be_normalized_is_one_sentence(folder, lines, message):
    ended = normalized(folder, *lines)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"error: {message}"), ended.stderr
    assert ended.stderr.count("\n") == 1


def test_what_is_odd_of_a_table_is_said(folder):
    kwh = (folder / "kwh").read_text()
    copy = GOOD.replace(",0,ok", ",1,ok")
    failed = "gone,,mine,board,1,train,0,failed,"
    again = "net,,mine,board,1,train,2,oom,"
    tested = GOOD.replace("net", "tested").replace("train", "test")
    said = normalized(folder, GOOD, copy, failed, again, tested).stdout
    assert said.startswith("net:\n")
    assert "warning: left out: 1 row of gone: failed\n" in said
    assert "warning: left out: 1 row of net: oom\n" in said
    assert "warning: 1 row is the same as others in every column but repeat, and count as repeats\n" in said
    assert "tested" not in said
    labelled = normalized(folder, GOOD.replace("mine", "h100")).stdout
    assert "warning: gpu: the references are of mine, the systems of h100; are both the same GPU" in labelled
    # who gave no name has that of the device
    assert "warning: gpu: " not in normalized(folder, GOOD.replace("mine", "board")).stdout
    in_joules = normalized(folder, GOOD.replace("{kwh}", str(float(kwh) * 3.6e6))).stdout
    assert "warning: extrapolation: energy_kwh of your system is " in in_joules


def test_the_networks_to_measure_are_those_of_the_example():
    """The same work: else what differs between two computers is the work."""
    here = reading.load(EXAMPLE.parents[1] / "config" / "references.yaml")
    there = reading.load(EXAMPLE / "study.yaml")
    own = {"study", "gpus", "repeats", "architectures"}
    contents = [{key: value for key, value in of.plain().items() if key not in own} for of in (here, there)]
    assert contents[0] == contents[1]
    assert set(architectures(here)) < set(architectures(there))
    table = measurements.read(EXAMPLE / "measurements.csv")
    assert set(table["architecture"]) == set(architectures(there))
    assert set(table["gpu"]) == set(there.gpus)
    assert set(table["energy_kind"]) == {"estimated"}
    assert len(table) == len(set(table["architecture"])) * len(there.gpus) * there.repeats


def test_a_program_is_normalized_to_the_example(tmp_path):
    """A computer that takes twice the energy for everything, and a program beside the networks on it."""
    table = measurements.read(EXAMPLE / "measurements.csv")
    names = architectures(reading.load(EXAMPLE.parents[1] / "config" / "references.yaml"))
    of_target = table[(table["gpu"] == "epyc-1thread") & table["architecture"].isin(names)]
    means = 2 * of_target.groupby("architecture")["energy_kwh"].mean()
    references = means.reset_index().assign(gpu="mine", phase="train", energy_kind="estimated", duration_s=1.0)
    references.to_csv(tmp_path / "references.csv", index=False)
    middle = float(means.median())
    (tmp_path / "mine.csv").write_text(f"{HEADER},duration_s\nnet,{middle},cpu,CPU,1,train,0,ok,estimated,2\n")
    write_table(table.drop(columns="duration_s"), tmp_path / "without.csv")
    words = ["--target", "epyc-1thread", "--phase", "train", "--references", "references.csv", "--systems", "mine.csv"]
    for study in (EXAMPLE / "measurements.csv", "without.csv"):
        (record,) = json.loads(isojoule("normalize", study, *words, "--json", cwd=tmp_path).stdout)
        assert record["energy_kwh"] == pytest.approx(middle / 2, rel=0.25)
        assert record["low_kwh"] < middle / 2 < record["high_kwh"]
        assert record["energy_kind"] == "estimated"
    # the other platform of the example has no durations, and would teach nothing if they were used
    assert "on 1 other GPU by energy_kwh" in record["method"]
    assert "not used: duration_s, which is not known of the study's GPUs" in record["warnings"]
