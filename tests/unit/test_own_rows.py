"""Normalize rows as `isojoule run --append` writes them: mine and the references, repeated, many at once."""

import errno
import fcntl
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from commands import isojoule
from simulated import normalization_task

from isojoule.errors import InputError
from isojoule.normalization import normalize
from isojoule.normalization.user_repeats import normalize_repeats, pooled, repeats_on
from isojoule.normalization.user_rows import Repeats, references_of_study, systems_of
from isojoule.normalization.user_system import Target
from isojoule.programs.keeping import Keeper
from isojoule.tables.writing import write_table

# eight processes add rows to one file, each two of them
APPENDING = """
import os, sys
from pathlib import Path
from isojoule.tables.appending import append
processes = []
for number in range(8):
    if not (pid := os.fork()):
        for row in range(2):
            append(Path(sys.argv[1]), {"gpu": "mine", "architecture": f"net-{row}", "family": "net", "phase": "train",
                "outcome": "ok", "energy_kwh": 1e-3, "energy_kind": "measured", "params": number + 1})
        os._exit(0)
    processes.append(pid)
sys.exit(max(os.waitpid(pid, 0)[1] for pid in processes))
"""


@pytest.fixture(scope="module")
def task(small):
    """A study, six references, and all other systems of a GPU that is not in the study."""
    first, *_, target = small["gpu"].unique()
    study, given, systems, truth = normalization_task(small, first, target, 6)
    return study, target, given, {name: system for name, system in systems.items() if name not in given}, truth


def rows(systems, rename="", repeats=(1.0,), gpu="mine"):
    return [
        {"gpu": gpu, "architecture": f"{rename}{name}", "phase": "train", "outcome": "ok", "repeat": number,
         "energy_kwh": system.energy_kwh * factor, "duration_s": system.duration_s, "flops": system.flops,
         "params": system.params, "psds1": 0.5}
        for name, system in systems.items()
        for number, factor in enumerate(repeats)
    ]  # fmt: skip


@pytest.fixture
def folder(task, tmp_path):
    study, *_ = task
    write_table(study, tmp_path / "study.parquet")
    return tmp_path


def test_my_rows_are_the_references_and_the_systems(folder, task):
    """Those of the study are references, and all others are normalized at once."""
    study, target, given, systems, truth = task
    own = dict(list(systems.items())[:3])
    pd.DataFrame(rows(given) + rows(own, "my-")).to_csv(folder / "mine.csv", index=False)
    words = ["study.parquet", "--target", target, "--phase", "train", "--references", "mine.csv"]
    ended = isojoule("normalize", *words, "--output", "target.csv", cwd=folder)
    assert ended.returncode == 0, ended.stderr
    table = pd.read_csv(folder / "target.csv").set_index("architecture")
    assert list(table.index) == [f"my-{name}" for name in own]
    assert (table["psds1"] == 0.5).all()
    for name, system in own.items():
        alone = normalize(study, target, "train", given, system)
        assert table.loc[f"my-{name}", "energy_kwh"] == pytest.approx(alone.energy_kwh)
        assert table.loc[f"my-{name}", "low_kwh"] == pytest.approx(alone.low_kwh)
        assert table.loc[f"my-{name}", "energy_kwh"] == pytest.approx(truth[name], rel=0.5)
    assert set(table["gpu"]) == {target}
    assert set(table["energy_kind"]) == {"simulated"}
    # in files of their own it is the same
    pd.DataFrame(rows(given)).to_csv(folder / "references.csv", index=False)
    pd.DataFrame(rows(own, "my-")).to_csv(folder / "systems.csv", index=False)
    words = [*words[:-1], "references.csv", "--systems", "systems.csv", "--json"]
    records = json.loads(isojoule("normalize", *words, cwd=folder).stdout)
    assert [record["energy_kwh"] for record in records] == pytest.approx(list(table["energy_kwh"]))


def test_the_spread_of_repeats_is_in_the_interval(task):
    """Twice the spread is in it twice, beside what the method leaves open; one repeat more makes it narrower."""
    study, target, given, systems, _ = task
    name = sorted(systems, key=lambda name: systems[name].energy_kwh)[len(systems) // 2]

    def half(factors):
        system = systems[name]
        energies = tuple(system.energy_kwh * factor for factor in factors)
        own = {"mine": Repeats(replace(system, energy_kwh=float(np.mean(energies))), energies)}
        references = {key: Repeats(value, (value.energy_kwh,)) for key, value in given.items()}
        result = normalize_repeats(study, target, "train", references, own)["mine"]
        assert ("the spread of the repeats" in result.interval) == (len(set(factors)) > 1)
        return np.log(result.high_kwh / result.energy_kwh)

    once, close, wide = half([1.0]), half([0.99, 1.0, 1.01]), half([0.9, 1.0, 1.1])
    assert once < close < wide
    assert half([0.9, 1.0, 1.1, 0.9, 1.1, 1.0, 0.9, 1.1]) < wide
    # the pooled standard deviation of these logarithms
    assert pooled({"a": Repeats(systems[name], (1.0, np.e)), "b": Repeats(systems[name], (5.0,))}).deviation == (
        pytest.approx(np.sqrt(0.5))
    )


def test_a_gpu_of_the_study_needs_no_rows_of_its_own(folder, task):
    study, target, _, systems, truth = task
    source = next(gpu for gpu in study["gpu"].unique() if gpu != target)
    name, system = next(iter(systems.items()))
    own = study[(study["gpu"] == source) & (study["architecture"] == name) & (study["phase"] == "train")]
    energy_kwh, duration_s = (float(own[column].mean()) for column in ("energy_kwh", "duration_s"))
    words = ["study.parquet", "--target", target, "--phase", "train", "--source", source, "--energy-kwh", energy_kwh]
    ended = isojoule("normalize", *words, "--duration-s", duration_s, "--json", cwd=folder)
    record = json.loads(ended.stdout)
    references = references_of_study(study, source, target, "train")
    assert set(record["references"]) == set(references)
    assert record["energy_kwh"] == pytest.approx(truth[name], rel=0.3)
    assert system
    assert systems_of(references)[name].energy_kwh == pytest.approx(energy_kwh)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "references: found neither --references nor --source"),
        (["--references", "mine.csv", "--source", "x"], "references: found --references and --source"),
        (
            ["--references", "mine.csv", "--systems", "mine.csv", "--energy-kwh", "1"],
            "--energy-kwh: found it with --sys",
        ),
        (["--references", "mine.csv", "--params", "9"], "--params: found it without --energy-kwh, expected it in my"),
        (["--source", "nowhere"], "source: found no train energy on nowhere, expected one of"),
        (["--references", "mine.csv"], "mine.csv: found no system beside those of the study"),
        (["--references", "two.csv"], "two.csv: found the GPUs mine, other, expected yours alone; --gpu names it"),
        (["--references", "odd.csv"], "odd.csv: found 1 to 5 kWh for odd, expected repeats that differ by a factor"),
    ],
)
def test_what_is_not_clear_is_asked(folder, task, words, message):
    _, target, given, _, _ = task
    pd.DataFrame(rows(given)).to_csv(folder / "mine.csv", index=False)
    pd.DataFrame(rows(given) + rows(given, gpu="other")).to_csv(folder / "two.csv", index=False)
    (folder / "odd.csv").write_text("architecture,energy_kwh\nodd,1\nodd,5\n")
    words = words if "--source" not in words or "x" in words else [*words, "--energy-kwh", "1"]
    ended = isojoule("normalize", "study.parquet", "--target", target, "--phase", "train", *words, cwd=folder)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"error: {message}")
    assert ended.stderr.count("\n") == 1


def test_the_target_is_no_source(folder, task):
    _, target, *_ = task
    words = ["study.parquet", "--target", target, "--phase", "train", "--source", target, "--energy-kwh", 1]
    ended = isojoule("normalize", *words, cwd=folder)
    assert ended.stderr == f"error: source: found {target}, which is the target, expected another GPU\n"


@pytest.mark.parametrize(
    ("own", "of_study", "words", "label"),
    [
        ("simulated", "measured", [], None),
        ("estimated", "measured", [], None),
        ("measured", "simulated", [], None),
        ("measured", "measured", [], "estimated"),
        (None, "measured", [], "estimated"),
        ("simulated", "measured", ["--kinds", "measured", "simulated"], "simulated"),
        ("estimated", "measured", ["--kinds", "measured", "estimated"], "estimated"),
    ],
)
def test_kinds_are_mixed_only_where_the_user_says_so_and_the_label_is_the_weakest(
    task, tmp_path, own, of_study, words, label
):
    study, target, given, systems, _ = task
    write_table(study.assign(energy_kind=of_study), tmp_path / "study.parquet")
    name = next(iter(systems))
    mine = pd.DataFrame(rows({**given, f"my-{name}": systems[name]}))
    (mine if own is None else mine.assign(energy_kind=own)).to_csv(tmp_path / "mine.csv", index=False)
    command = ["normalize", "study.parquet", "--target", target, "--phase", "train", "--references", "mine.csv"]
    ended = isojoule(*command, *words, "--json", cwd=tmp_path)
    if label is None:
        assert ended.returncode == 2
        assert f"kinds: found {own} energies in mine.csv and {of_study} ones in the study" in ended.stderr
        return
    (record,) = json.loads(ended.stdout)
    assert (record["energy_kind"], record["own_kinds"]) == (label, [own or "not stated"])
    assert any(said.startswith("kinds: the energies on your GPU are") for said in record["warnings"]) == (
        own != of_study
    )


def test_rows_of_other_work_or_another_unit_are_asked_about(folder, task):
    study, target, given, _, _ = task
    mine = pd.DataFrame(rows(given)).assign(epochs=1)
    name, flops = mine.loc[0, ["architecture", "flops"]]
    mine.loc[0, ["flops", "duration_s"]] = 2 * flops, 1e-6
    mine.to_csv(folder / "mine.csv", index=False)
    write_table(study.assign(epochs=10), folder / "study.parquet")
    command = ["normalize", "study.parquet", "--target", target, "--phase", "train", "--references", "mine.csv"]
    ended = isojoule(*command, "--energy-kwh", given[name].energy_kwh, cwd=folder)
    assert f"train of {name} on yours: the power would be" in ended.stdout
    words = ["--energy-kwh", given[name].energy_kwh, "--duration-s", 1e-9]
    assert "warning: the median power would be" in isojoule(*command, *words, cwd=folder).stdout
    of_study = f"flops {flops:.12g} (gpu {target}) and {2 * flops:.12g} (gpu yours)"
    assert (
        f"{name} is not the same work in all rows: {of_study}; train with epochs 1 (gpu yours) and 10" in ended.stdout
    )


def test_a_target_for_many_users_gives_each_what_it_gives_alone(task):
    """Users with other references, and with fewer columns, do not disturb each other."""
    study, target, given, systems, _ = task
    own = {name: Repeats(system, (system.energy_kwh, 1.02 * system.energy_kwh)) for name, system in systems.items()}
    users = [
        {name: Repeats(system, (system.energy_kwh,)) for name, system in list(given.items())[first:]}
        for first in (0, 1, 2)
    ]
    users.append({name: Repeats(replace(of.system, duration_s=None), of.energies_kwh) for name, of in users[0].items()})
    bound = Target(study, target, "train")
    for name in list(own)[:2]:
        for references in users:
            one = {name: own[name]}
            alone = normalize_repeats(study, target, "train", references, one)
            assert repeats_on(bound, references, one) == alone


def test_no_row_is_lost_where_eight_processes_add_to_one_table(tmp_path):
    subprocess.run([sys.executable, "-c", APPENDING, tmp_path / "mine.csv"], check=True, timeout=60)
    table = pd.read_csv(tmp_path / "mine.csv")
    assert list(table.groupby("params").size()) == [2] * 8
    for _, of_system in table.groupby("architecture"):
        assert sorted(of_system["repeat"]) == list(range(8))


def test_a_folder_without_locks_is_one_sentence(tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(errno.ENOSYS, "not here")

    monkeypatch.setattr(fcntl, "flock", refused)
    with pytest.raises(InputError, match=r"mine\.csv: its folder has no locks \(Function not implemented\), expected"):
        Keeper(tmp_path / "run.json", tmp_path / "mine.csv").check("train", {})
