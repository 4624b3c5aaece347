"""A new GPU on which a few references alone were measured: what all other systems of a study use there."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import isojoule
from hypothesis import given, settings
from hypothesis import strategies as st

from isojoule.normalization import reference_tables, references
from isojoule.normalization.completion import Completion
from isojoule.normalization.new_gpu_accuracy import in_words, new_gpu_accuracy
from isojoule.normalization.pairs import pair, typical_systems
from isojoule.normalization.user_new_gpu import on_new_gpu
from isojoule.normalization.user_rows import Repeats, rows_of_study
from isojoule.normalization.user_system import System
from isojoule.simulation import worlds
from isojoule.tables.writing import write_table

PROJECT = Path(__file__).parents[2]
ENERGIES = PROJECT / "reference" / "energies"
COLUMNS = ("energy_kwh", "duration_s")


def known(seed, gpus=4, systems=12):
    """Energies and durations of systems on GPUs that differ in level, slope and each system, and on a new one."""
    generator = np.random.default_rng(seed)
    size = np.sort(generator.uniform(-3, 3, systems))
    slopes, levels = generator.uniform(0.7, 1.2, (gpus + 1, 1)), generator.uniform(-2, 2, (gpus + 1, 1))
    log_kwh = levels + slopes * size + generator.normal(0, 0.05, (gpus + 1, systems))
    log_s = log_kwh + generator.normal(0, 0.1, (gpus + 1, systems))
    columns = np.exp(np.stack([log_kwh, log_s], axis=2))
    return columns[:-1], columns[-1, :, 0]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), log_factor=st.floats(-8, 8), number=st.integers(0, 3))
def test_no_unit_of_energy_and_no_order_of_gpus_or_systems_decides_anything(seed, log_factor, number):
    gpus, target_kwh = known(seed)
    rows, factor = np.array([0, 4, 8, 11]), np.exp(log_factor)
    expected = Completion(gpus, rows, COLUMNS).evidenced(target_kwh[rows]).prediction.log_kwh
    larger = Completion(gpus, rows, COLUMNS).evidenced(factor * target_kwh[rows]).prediction.log_kwh
    np.testing.assert_allclose(larger, expected + log_factor, atol=1e-6)
    scaled = gpus.copy()
    scaled[number, :, 0] *= factor
    in_another_unit = Completion(scaled[:, :, :1], rows, COLUMNS[:1]).evidenced(target_kwh[rows])
    in_kwh = Completion(gpus[:, :, :1], rows, COLUMNS[:1]).evidenced(target_kwh[rows])
    np.testing.assert_allclose(in_another_unit.prediction.log_kwh, in_kwh.prediction.log_kwh, atol=1e-6)
    turned = Completion(gpus[::-1, ::-1], 11 - rows, COLUMNS).evidenced(target_kwh[rows])
    np.testing.assert_allclose(turned.prediction.log_kwh[::-1], expected, atol=1e-6)
    assert sum(turned.weights.values()) == pytest.approx(1)


@pytest.fixture(scope="module")
def task(small):
    """A study, its GPU that is taken for new, the references there, and the truth of all systems."""
    *others, target = small["gpu"].unique()
    of_study = [pair(small, "train", gpu, target) for gpu in others]
    typical = typical_systems([of_pair.systems for of_pair in of_study])
    chosen = typical.index[references.choose_recommended(typical, 5)]
    truth_kwh = pd.Series(of_study[0].target_kwh, index=of_study[0].systems.index)
    on_target = {name: Repeats(System(truth_kwh[name]), (truth_kwh[name],), ("simulated",)) for name in chosen}
    return small[small["gpu"] != target], target, on_target, truth_kwh


def test_on_simulated_gpus_all_others_tell_more_than_one_and_the_intervals_hold():
    tables = []
    for seed in range(2):
        frame = worlds.world(seed, 4)
        description = reference_tables.Description(
            title="worlds", source="s", licence="l", instrument="i", energy_kind="simulated"
        )
        of_phase = frame[frame["phase"] == "train"]
        tables.append(new_gpu_accuracy(reference_tables.ReferenceTable("w", description, of_phase), (3, 6)))
    table = pd.concat(tables)
    # eight new GPUs, 40 and 37 systems each
    assert len(table) == 16
    assert 0.88 <= table["coverage"].mean() <= 0.98
    of_count = table.groupby("references")[["mdape_percent", "one_gpu_mdape_percent"]].median()
    assert (of_count["mdape_percent"] < 0.8 * of_count["one_gpu_mdape_percent"]).all()
    assert (of_count["mdape_percent"] < 10).all()
    assert "worlds, train" in "\n".join(in_words(table))


def test_a_study_without_three_gpus_has_no_accuracy_on_new_ones(small):
    two = small[small["gpu"].isin(small["gpu"].unique()[:2])]
    description = reference_tables.Description(
        title="t", source="s", licence="l", instrument="i", energy_kind="simulated"
    )
    assert new_gpu_accuracy(reference_tables.ReferenceTable("w", description, two)).empty


def test_a_system_is_estimated_from_the_gpus_that_measured_it(task):
    """One lacks a system, another one lacks a reference."""
    study, target, on_target, _ = task
    first, second = study["gpu"].unique()
    a, b = [name for name in study["architecture"].unique() if name not in on_target][:2]
    third = study[study["gpu"] == first].assign(gpu="third")
    lacks = {first: a, "third": next(iter(on_target))}
    frame = pd.concat([study, third])
    frame = frame[frame["architecture"] != frame["gpu"].map(lacks).fillna("")]
    estimates, sentences = on_new_gpu(frame, target, "train", on_target)
    assert sentences == [f"not used: third, which lacks {lacks['third']}"]
    assert estimates[a].method.startswith(f"from {second}, corrected")
    assert any(said.startswith(f"one GPU: the estimate rests on {second} alone") for said in estimates[a].warnings)
    assert "weighed on 2 GPUs of the study" in estimates[b].method
    alone, _ = on_new_gpu(frame[frame["gpu"] == second], target, "train", on_target)
    assert alone[a].energy_kwh == pytest.approx(estimates[a].energy_kwh)
    # the rows of a GPU that lacks a reference change nothing
    assert on_new_gpu(frame[frame["gpu"] != "third"], target, "train", on_target)[0] == estimates
    nowhere = frame[(frame["architecture"] != a) | (frame["gpu"] == "third")]
    _, sentences = on_new_gpu(nowhere, target, "train", on_target)
    assert sentences[1] == f"left out: {a}: measured on no GPU that measured the references"


def test_the_spread_of_repeats_and_references_that_disagree_widen_the_interval(task):
    study, target, on_target, _ = task
    plain, _ = on_new_gpu(study, target, "train", on_target)
    repeated = {
        name: Repeats(repeats.system, tuple(repeats.system.energy_kwh * factor for factor in (0.8, 1.2)), repeats.kinds)
        for name, repeats in on_target.items()
    }
    spread, _ = on_new_gpu(study, target, "train", repeated)
    name = next(iter(plain))
    assert spread[name].energy_kwh == plain[name].energy_kwh
    assert spread[name].high_kwh > 1.05 * plain[name].high_kwh
    assert spread[name].interval.endswith("and the spread of the repeats, 28.7 %")
    assert plain[name].energy_kind == "simulated"
    mixed_up = dict(zip(on_target, list(on_target.values())[::-1], strict=True))
    doubtful, _ = on_new_gpu(study, target, "train", mixed_up)
    assert any(said.startswith("agreement: the references disagree on how") for said in doubtful[name].warnings)
    assert doubtful[name].high_kwh / doubtful[name].low_kwh > 4 * plain[name].high_kwh / plain[name].low_kwh
    in_joules = {
        name: Repeats(System(repeats.system.energy_kwh * 3.6e6), (repeats.system.energy_kwh * 3.6e6,))
        for name, repeats in on_target.items()
    }
    wrong, _ = on_new_gpu(study, target, "train", in_joules)
    assert any(said.startswith("units: the references take") for said in wrong[name].warnings)


@pytest.fixture
def folder(task, small, tmp_path):
    study, target, on_target, _ = task
    study = study.assign(psds1=0.5, fan_rpm=study["gpu"].map({gpu: n for n, gpu in enumerate(study["gpu"].unique())}))
    write_table(study, tmp_path / "study.parquet")
    rows = small[(small["gpu"] == target) & (small["phase"] == "train") & small["architecture"].isin(on_target)]
    rows[["gpu", "architecture", "phase", "repeat", "energy_kwh", "energy_kind"]].to_csv(
        tmp_path / "mine.csv", index=False
    )
    write_table(pd.concat([study, rows]), tmp_path / "with-mine.parquet")
    return tmp_path


def test_all_systems_of_a_study_on_my_gpu_from_the_command_line(folder, task):
    study, target, on_target, truth_kwh = task
    words = ["--new-target", target, "--phase", "train"]
    ended = isojoule("normalize", "study.parquet", *words, "--references", "mine.csv", "--output", "t.csv", cwd=folder)
    assert ended.returncode == 0, ended.stderr
    table = pd.read_csv(folder / "t.csv").set_index("architecture")
    assert list(table.index) == [name for name in study["architecture"].unique() if name not in on_target]
    assert set(table["energy_kind"]) == {"simulated"}
    assert set(table["gpu"]) == {target}
    assert np.median(np.abs(table["energy_kwh"] / truth_kwh[table.index] - 1)) < 0.1
    assert f"train on {target}: {len(table)} systems, simulated" in ended.stdout
    assert ended.stdout.count("warning: kind: the study's energies are simulated") == 1
    # a study that has the references itself needs no others
    words += ["--json", "--output", "t.json"]
    printed = isojoule("normalize", "with-mine.parquet", *words, cwd=folder)
    records = json.loads(printed.stdout)
    assert records == json.loads((folder / "t.json").read_text())
    assert [record["energy_kwh"] for record in records] == pytest.approx(table["energy_kwh"].tolist())
    assert {record["target"] for record in records} == {target}
    assert {record["energy_kind"] for record in records} == {"simulated"}
    fronts = isojoule("front", "t.csv", "--minimize", "energy_kwh", "--maximize", "psds1", cwd=folder)
    assert fronts.returncode == 0, fronts.stderr
    assert set(table["psds1"]) == {0.5}
    assert "fan_rpm" not in table


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--new-target", "=1+1"], "--new-target: found =1+1, expected a name that does not begin with"),
        (["--source", "x"], "--source: found it with --new-target, which is about the systems of the study"),
        (["--energy-kwh", "1"], "--energy-kwh: found it with --new-target"),
        (["--systems", "mine.csv"], "--systems: found it with --new-target"),
        (["--target", "x"], "error: --target: not allowed with argument --new-target"),
        ([], "references: found neither --references nor train energies on NEW in study.parquet"),
        (["--references", "one.csv"], "references: found 1, expected at least 2"),
        (["--references", "foreign.csv"], "references: found 0, expected at least 2"),
        (["--references", "equal.csv"], None),
        (["--references", "measured.csv"], "kinds: found measured energies in measured.csv and simulated ones"),
        (["--references", "swapped.csv"], "swapped.csv: found rows of simulated-0-0, which is a GPU of the study"),
        (["--references", "devices.csv"], "devices.csv: found device_name A and B, expected one, as of one GPU"),
    ],
)
def test_what_is_not_clear_of_a_new_gpu_is_one_sentence(folder, words, message):
    rows = pd.read_csv(folder / "mine.csv").drop_duplicates("architecture")
    rows[:1].to_csv(folder / "one.csv", index=False)
    rows.assign(architecture=[f"x{n}" for n in range(len(rows))]).to_csv(folder / "foreign.csv", index=False)
    rows.assign(energy_kwh=1e-3).to_csv(folder / "equal.csv", index=False)
    rows.assign(energy_kind="measured").to_csv(folder / "measured.csv", index=False)
    rows.assign(gpu="simulated-0-0").to_csv(folder / "swapped.csv", index=False)
    rows.assign(device_name=["A", *"B" * (len(rows) - 1)]).to_csv(folder / "devices.csv", index=False)
    ended = isojoule("normalize", "study.parquet", "--new-target", "NEW", "--phase", "train", *words, cwd=folder)
    if message is None:
        # a GPU may take the same energy for small systems, as one that waits for its host does
        assert ended.returncode == 0, ended.stderr
        return
    assert ended.returncode == 2
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_gpu_of_the_study_with_further_references_is_asked_about(folder, task):
    _, target, *_ = task
    words = ["--new-target", target, "--phase", "train", "--references", "mine.csv"]
    ended = isojoule("normalize", "with-mine.parquet", *words, cwd=folder)
    assert ended.returncode == 2
    assert f"--new-target: found {target}, which with-mine.parquet has measured, and --references" in ended.stderr


def test_a_study_whose_gpus_lack_the_references_is_refused(folder, task):
    study, target, on_target, _ = task
    first, second = list(on_target)[:2]
    of_gpu = study["gpu"].map(dict(zip(study["gpu"].unique(), [first, second, first], strict=False))).fillna(first)
    write_table(study[study["architecture"] != of_gpu], folder / "lacking.parquet")
    words = ["--new-target", target, "--phase", "train", "--references", "mine.csv"]
    ended = isojoule("normalize", "lacking.parquet", *words, cwd=folder)
    assert ended.returncode == 2
    assert "references: found no GPU of the study that measured them all, expected one: " in ended.stderr
    assert f"lacks {first}" in ended.stderr


def test_rows_of_the_new_gpu_are_no_source(task, small):
    study, target, on_target, _ = task
    assert on_new_gpu(small, target, "train", on_target) == on_new_gpu(study, target, "train", on_target)
    assert rows_of_study(study, target, "train") == {}


def test_the_example_of_the_docs_runs(tmp_path):
    page = (PROJECT / "docs" / "new-gpu.md").read_text()
    lines = [line.strip() for line in page.splitlines() if line.startswith("    ")]
    (tmp_path / "reference").symlink_to(PROJECT / "reference")
    *shell, command = lines
    for line in shell:
        subprocess.run(line, shell=True, cwd=tmp_path, check=True)
    ended = isojoule(*command.split()[1:], cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "train on v100: " in ended.stdout
    assert "weighed on 3 GPUs of the study" in ended.stdout


@pytest.mark.parametrize("title", ["image classifiers on servers, 3 platforms", "language models, 3 GPUs"])
def test_the_docs_quote_the_errors_on_a_new_gpu(title):
    page = (PROJECT / "docs" / "new-gpu.md").read_text()
    (line,) = [line for line in page.splitlines() if line.startswith(f"| {title} |")]
    name = "image-classifiers" if "image" in title else "language-models"
    table = new_gpu_accuracy(reference_tables.read(ENERGIES / f"{name}.csv", ENERGIES / f"{name}.yaml"))
    errors = table.groupby("references")[["mdape_percent", "one_gpu_mdape_percent"]].median()
    quoted = np.array([cell.split("/") for cell in line.split("|")[2:-1]], dtype=float)
    np.testing.assert_allclose(errors, quoted, atol=0.051)
    assert "The intervals held 90 to 100 % of the energies" in page
    assert table.groupby("references")["coverage"].mean().min() >= 0.9
