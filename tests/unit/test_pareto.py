import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import isojoule as run
from commands import process
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from isojoule.errors import InputError
from isojoule.fronts.of_study import fronts
from isojoule.pareto import Objective, find_front
from isojoule.pareto.dominance import dominates, optimal
from isojoule.pareto.hypervolume import box, hypervolume
from isojoule.pareto.noise import probability_optimal
from isojoule.tables import measurements
from isojoule.tables.models import read

PROJECT = Path(__file__).parents[2]
ENERGY, QUALITY = Objective("energy_kwh"), Objective("macro_f1", maximize=True)
# few different values, so that ties are common
COSTS = st.integers(1, 7).flatmap(
    lambda models: st.integers(1, 4).flatmap(
        lambda objectives: arrays(np.float64, (models, objectives), elements=st.integers(0, 4).map(float))
    )
)


def table(*rows):
    return pd.DataFrame(rows, columns=["architecture", "energy_kwh", "macro_f1"])


@given(costs=COSTS)
def test_dominance_is_as_defined(costs):
    for first, second in itertools.product(range(len(costs)), repeat=2):
        as_good = all(costs[first] <= costs[second])
        assert dominates(costs)[first, second] == (as_good and any(costs[first] < costs[second]))
        assert dominates(costs, strictly=True)[first, second] == all(costs[first] < costs[second])
    assert (optimal(costs) == ~dominates(costs).any(axis=0)).all()
    assert optimal(costs).any()


@given(costs=COSTS, more=st.integers(1, 3))
def test_many_sets_are_judged_as_each_alone(costs, more):
    sets = np.stack([np.roll(costs, shift, axis=0) for shift in range(more)])
    assert (optimal(sets) == np.array([optimal(costs_of_set) for costs_of_set in sets])).all()


@given(costs=COSTS)
def test_hypervolume_is_what_counting_cells_gives(costs):
    inside = box(costs, np.zeros(costs.shape[1], dtype=bool))
    share, contributions = hypervolume(costs, inside)
    scaled = inside.scaled(costs)

    def counted(points):
        """Cells of the grid through all coordinates that some point dominates, by their size."""
        edges = [np.unique(np.append(scaled[:, axis], [0, 1])) for axis in range(scaled.shape[1])]
        covered = 0.0
        for cell in itertools.product(*(range(len(edge) - 1) for edge in edges)):
            low = np.array([edge[number] for edge, number in zip(edges, cell, strict=True)])
            size = np.prod([edge[number + 1] - edge[number] for edge, number in zip(edges, cell, strict=True)])
            covered += size * any((point <= low + 1e-12).all() for point in points)
        return covered

    assert share == pytest.approx(counted(scaled), abs=1e-9)
    for number in range(len(costs)):
        assert contributions[number] == pytest.approx(share - counted(np.delete(scaled, number, axis=0)), abs=1e-9)


def test_hypervolume_counts_decades_where_asked():
    costs = np.array([[1.0, -0.9], [10.0, -0.9], [100.0, -1.0]])
    inside = box(costs, np.array([True, False]))
    assert inside.reference == pytest.approx([100 * 100**0.1, -0.9 + 0.1 * 0.1])
    assert inside.scaled(costs)[:, 0] == pytest.approx([0, 1 / 2.2, 2 / 2.2])


def test_fronts_of_the_generative_study():
    """Table 2 and figure 2 of the paper: WF3 is dominated in training, nobody in generation."""
    frame = pd.read_csv(PROJECT / "reference" / "published" / "waveflow.csv")
    objectives = [Objective("energy_kwh"), Objective("one_minus_mos")]
    training = find_front(frame[frame["phase"] == "train"], objectives).table.set_index("architecture")
    assert training.index[~training["optimal"]].tolist() == ["WF3"]
    assert training.loc["WF3", "dominated_by"] == "WF4"
    assert training.loc["WF3", "verdict"] == "dominated"
    generation = find_front(frame[frame["phase"] == "test"], objectives).table
    assert generation["optimal"].all()


def test_dominators_are_counted_and_the_optimal_ones_named():
    front = find_front(
        table(("a", 1, 0.5), ("b", 2, 0.9), ("c", 3, 0.8), ("d", 4, 0.7), ("e", 1, 0.4)), [ENERGY, QUALITY]
    )
    judged = front.table.set_index("architecture")
    assert judged["dominators"].to_dict() == {"a": 0, "b": 0, "c": 1, "d": 2, "e": 1}
    assert judged["dominated_by"].to_dict() == {"a": "", "b": "", "c": "b", "d": "b", "e": "a"}
    assert judged["weakly_optimal"].to_dict() == {"a": True, "b": True, "c": False, "d": False, "e": True}
    assert front.reference_point == pytest.approx({"energy_kwh": 4.3, "macro_f1": 0.35})


def test_models_with_the_same_values_share_their_fate():
    front = find_front(table(("a", 1, 0.5), ("b", 1, 0.5), ("c", 1, 0.5)), [ENERGY, QUALITY])
    assert front.table["optimal"].all()
    assert front.table["equal_to"].tolist() == ["b; c", "a; c", "a; b"]
    assert front.hypervolume == 1
    assert (front.table["hypervolume_contribution"] == 0).all()


def test_a_single_model_is_optimal():
    front = find_front(table(("a", 1, 0.5)), [ENERGY, QUALITY])
    assert front.table["verdict"].tolist() == ["optimal"]
    assert front.hypervolume == 1


def test_any_number_of_objectives():
    rows = pd.DataFrame({"architecture": list("abcd"), "x": [1, 2, 3, 3], "y": [3, 2, 1, 3], "z": [1, 9, 1, 1]})
    objectives = [Objective("x"), Objective("y"), Objective("z", maximize=True)]
    assert find_front(rows, objectives).table["optimal"].tolist() == [True, True, True, False]
    assert find_front(rows, objectives[:1]).table["optimal"].tolist() == [True, False, False, False]


def test_missing_values_are_refused_by_name_or_left_out_by_name():
    rows = table(("a", 1, 0.5), ("b", None, 0.9), ("c", 2, None), ("d", 3, 0.9))
    with pytest.raises(InputError, match=r"b \(no energy_kwh in row 2\); c \(no macro_f1 in row 3\)"):
        find_front(rows, [ENERGY, QUALITY])
    front = find_front(rows, [ENERGY, QUALITY], missing="leave-out")
    assert front.left_out == {"b": "no energy_kwh", "c": "no macro_f1"}
    assert front.table["architecture"].tolist() == ["a", "d"]
    with pytest.raises(InputError, match="macro_f1: found no value for any of 4 models"):
        find_front(rows.assign(macro_f1=None), [ENERGY, QUALITY], missing="leave-out")
    with pytest.raises(InputError, match="energy_kwh: found inf in row 1, expected a finite number"):
        find_front(rows.assign(energy_kwh=np.inf), [ENERGY, QUALITY])
    with pytest.raises(InputError, match="found no model with a value of each"):
        find_front(table(("a", 1, None), ("b", None, 1)), [ENERGY, QUALITY], missing="leave-out")


def test_a_model_within_noise_of_the_front_is_not_condemned():
    noisy = [("near", 2 + off, 0.5) for off in (-0.2, 0.0, 0.3)]
    sure = [("best", 2 + off, 0.5) for off in (-0.1, 0.0, 0.1)]
    far = [("far", 9 + off, 0.4) for off in (-0.1, 0.0, 0.1)]
    judged = find_front(table(*sure, *noisy, *far), [ENERGY, QUALITY]).table.set_index("architecture")
    assert judged["verdict"].to_dict() == {"best": "optimal", "near": "within noise", "far": "dominated"}
    assert 0.05 < judged.loc["near", "probability_optimal"] < 0.5
    assert judged.loc["far", "probability_optimal"] == 0


def test_without_repeats_nothing_tells_how_sure_a_front_is():
    judged = find_front(table(("a", 1, 0.5), ("b", 2, 0.4)), [ENERGY, QUALITY]).table
    assert judged["probability_optimal"].isna().all()
    assert judged["verdict"].tolist() == ["optimal", "dominated"]


@settings(max_examples=20)
@given(count=st.integers(2, 6), seed=st.integers(0, 1000))
def test_resampled_means_vary_as_means_do(count, seed):
    """Two models of the same true cost are each as often the better one as their difference of means says."""
    generator = np.random.default_rng(seed)
    first, second = generator.normal(10, 1, count), generator.normal(10, 1, count)
    share = probability_optimal([[first], [second]], 4000, 0)
    assert share.sum() == pytest.approx(1, abs=0.2)
    variance = (first.var(ddof=1) + second.var(ddof=1)) / count
    shifted = second + first.mean() - second.mean() + 3 * np.sqrt(variance)
    assert probability_optimal([[first], [shifted]], 4000, 0)[1] < 0.02


def test_the_same_seed_draws_the_same():
    rows = table(("a", 1, 0.5), ("a", 3, 0.5), ("b", 2, 0.5), ("b", 2.5, 0.5))
    first, again = (find_front(rows, [ENERGY, QUALITY], seed=7).table for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(find_front(rows, [ENERGY, QUALITY], seed=8).table)


@pytest.fixture(scope="module")
def study(world):
    """Two GPUs of a simulated world, with three repeats and a quality."""
    gpus = list(world["gpu"].unique()[:2])
    names = sorted(world["architecture"].unique())[::4]
    rows = world[world["gpu"].isin(gpus) & world["architecture"].isin(names)]
    repeats = [
        rows.assign(repeat=number, energy_kwh=rows["energy_kwh"] * factor)
        for number, factor in enumerate((1, 1.1, 0.9))
    ]
    frame = pd.concat(repeats, ignore_index=True)
    quality = np.log(frame["params"].astype(float)) / 25 + 0.1 * (frame["family"] == "rnn").to_numpy(dtype=float)
    return measurements.completed(frame.assign(macro_f1=quality.where(frame["phase"] == "test")), "study")


def test_a_study_has_a_front_for_every_cost_phase_and_platform(study):
    study_fronts = fronts(study, draws=50)
    first, second = study["gpu"].unique()
    keys = set(study_fronts.summary[["cost", "phase", "gpu", "normalized_to"]].itertuples(index=False, name=None))
    of_phases = {("energy_kwh", phase, gpu, "") for phase in ("train", "test") for gpu in (first, second)}
    counts = {(count, "", gpu, "") for count in ("flops", "params") for gpu in (first, second)}
    normalized = {("normalized_energy_kwh", phase, second, first) for phase in ("train", "test")}
    assert keys == of_phases | counts | normalized
    assert set(study_fronts.summary["quality"]) == {"macro_f1"}
    assert "no front of emissions_kg_co2e: the table has no value of it" in study_fronts.notes
    kinds = study_fronts.summary.set_index("cost")["energy_kind"].to_dict()
    assert kinds == {"energy_kwh": "simulated", "flops": "", "params": "", "normalized_energy_kwh": "simulated"}
    measured = fronts(study.assign(energy_kind="measured"), draws=1).summary.set_index("cost")["energy_kind"].to_dict()
    assert measured == {"energy_kwh": "measured", "flops": "", "params": "", "normalized_energy_kwh": "estimated"}
    table = study_fronts.table
    front = table[(table["cost"] == "energy_kwh") & (table["phase"] == "train") & (table["gpu"] == first)]
    front = front.set_index("architecture")
    expected = study[(study["gpu"] == first) & (study["phase"] == "train")].groupby("architecture")["energy_kwh"].mean()
    assert front["cost_mean"].to_dict() == pytest.approx(expected.to_dict())
    assert (front["repeats"] == 3).all()


def test_normalized_energies_are_near_those_of_the_target(study):
    table = fronts(study, draws=10).table
    first, second = study["gpu"].unique()
    train = table[(table["phase"] == "train") & (table["quality"] == "macro_f1")].set_index("architecture")
    own = train[(train["cost"] == "energy_kwh") & (train["gpu"] == first)]["cost_mean"]
    normalized = train[train["normalized_to"] == first]["cost_mean"]
    off = (normalized / own[normalized.index] - 1).abs()
    assert (off < 1e-9).sum() >= 8
    assert off.median() < 0.2
    raw = train[(train["cost"] == "energy_kwh") & (train["gpu"] == second)]["cost_mean"]
    assert off.mean() < (raw / own[raw.index] - 1).abs().mean()


def test_stability_compares_members_of_two_fronts(study):
    study_fronts = fronts(study, draws=50)
    table, stability = study_fronts.table, study_fronts.stability
    row = stability[(stability["cost"] == "energy_kwh") & (stability["phase"] == "train")].iloc[0]
    of_training = table[(table["cost"] == "energy_kwh") & (table["phase"] == "train")]
    members = {gpu: set(part.loc[part["optimal"], "architecture"]) for gpu, part in of_training.groupby("gpu")}
    a, b = members[row["gpu_a"]], members[row["gpu_b"]]
    assert row["front_jaccard"] == len(a & b) / len(a | b)
    assert set(filter(None, row["only_a"].split("; "))) == a - b
    counts = stability[stability["cost"] == "flops"]
    assert (counts["front_jaccard"] == 1).all()


def test_a_platform_without_an_energy_is_named_and_holds_nothing_up(study):
    first, second = study["gpu"].unique()
    failed = study.assign(outcome=study["outcome"].mask(study["gpu"] == first, "oom"))
    study_fronts = fronts(failed, draws=10)
    assert f"no front on {first}: it has no energy" in study_fronts.notes
    assert set(study_fronts.table["gpu"]) == {second}
    without_energy = fronts(study.assign(outcome="oom"), draws=10)
    assert without_energy.table.empty
    assert without_energy.stability.empty
    without_quality = fronts(study.assign(macro_f1=pd.NA), draws=10)
    assert without_quality.table.empty


def test_a_model_without_memory_is_left_out_by_name(study):
    gpu, name = study["gpu"].unique()[1], study["architecture"].iloc[0]
    lost = (study["gpu"] == gpu) & (study["architecture"] == name) & (study["phase"] == "train")
    failed = study.assign(outcome=study["outcome"].mask(lost, "oom"), energy_kwh=study["energy_kwh"].mask(lost))
    summary = fronts(failed, draws=10).summary.set_index(["cost", "phase", "gpu"])["left_out"]
    assert summary["energy_kwh", "train", gpu] == f"{name}: no energy_kwh"
    assert summary["normalized_energy_kwh", "train", gpu] == f"{name}: no normalized_energy_kwh"
    assert summary["energy_kwh", "test", gpu] == ""
    assert summary["flops", "", gpu] == ""


def test_two_thousand_models(tmp_path):
    generator = np.random.default_rng(0)
    many = pd.DataFrame(
        {
            "model": [f"model-{number}" for number in range(2000)] * 2,
            "energy_kwh": generator.lognormal(size=4000),
            "accuracy": generator.uniform(size=4000),
        }
    )
    path = tmp_path / "many.csv"
    many.to_csv(path, index=False)
    done = run("front", path, "--minimize", "energy_kwh", "--maximize", "accuracy", "--output", tmp_path / "f.csv")
    assert done.returncode == 0, done.stderr
    front = pd.read_csv(tmp_path / "f.csv")
    assert len(front) == 2000
    assert 0 < front["optimal"].sum() < 100


def test_by_hand_each_platform_of_a_table_has_its_front(tmp_path):
    path, output = tmp_path / "theirs.csv", tmp_path / "front.csv"
    path.write_text(
        "gpu,architecture,phase,repeat,energy_kwh,macro_f1,outcome\n"
        "t4,a,train,0,1,,ok\nt4,a,test,0,0.1,0.5,ok\nt4,b,train,0,2,,ok\nt4,b,test,0,0.2,0.4,ok\n"
        "a40,a,train,0,3,,ok\na40,a,test,0,0.3,0.5,ok\na40,b,train,0,2,,ok\na40,b,test,0,0.2,0.4,oom\n"
    )
    goals = ["--minimize", "energy_kwh", "--maximize", "macro_f1"]
    refused = run("front", path, *goals)
    assert refused.returncode == 2
    assert "theirs.csv: objectives: found b (no macro_f1 in line 8), expected" in refused.stderr
    done = process("front", path, *goals, "--missing", "leave-out", "--output", output)
    assert done.returncode == 0, done.stderr
    assert "gpu t4 phase train (energy not stated):\n  optimal: a\n  dominated: b, dominated by a\n" in done.stdout
    assert "  left out: b: no macro_f1" in done.stdout
    front = pd.read_csv(output)
    assert list(front["part"].unique()) == [
        "gpu t4 phase train",
        "gpu t4 phase test",
        "gpu a40 phase train",
        "gpu a40 phase test",
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--minimize", "energy"], "energy: found no such column, expected one of model, energy_kwh, accuracy"),
        (["--minimize", "energy_kwh", "--by", "gpu"], "by: found gpu, expected columns of the table"),
        (["--minimize", "energy_kwh", "--name", "net"], "name: found no column net"),
        (["--minimize", "energy_kwh", "energy_kwh"], "expected each once"),
        (["--minimize", "model"], "column model: found a in line 2, expected a number"),
        ([], "objectives: found none"),
        (["--minimize", "energy_kwh", "--kinds", "measured"], "has no column energy_kind"),
        (["--minimize", "energy_kwh", "--reference-point", "accuracy=1"], "reference point: found accuracy"),
        (["--maximize", "accuracy", "--logarithmic", "accuracy"], "logarithmic: found accuracy"),
        (
            ["--minimize", "accuracy"],
            "column accuracy: found 0.0 in line 2, expected a number above 0; isojoule front takes",
        ),
        (["--minimize", "accuracy", "--any-sign", "energy_kwh"], "any sign: found energy_kwh, expected of those to"),
        (
            ["--minimize", "accuracy", "--any-sign", "accuracy", "--logarithmic", "accuracy"],
            "expected values above 0",
        ),
        (
            ["--minimize", "energy_kwh", "--reference-point", "energy_kwh=nan"],
            "found energy_kwh nan",
        ),
        (
            ["--minimize", "energy_kwh", "--reference-point", "energy_kwh=1"],
            "expected one that some model",
        ),
        (["--minimize", "energy_kwh", "--reference-point", "energy_kwh=9", "energy_kwh=3"], "found a column twice"),
        (["--minimize", "energy_kwh", "--output", "front.xlsx"], "found the ending .xlsx, expected .csv or .parquet"),
    ],
)
def test_a_wrong_question_is_one_sentence(tmp_path, arguments, sentence):
    path = tmp_path / "theirs.csv"
    path.write_text("model,energy_kwh,accuracy\na,1,0\nb,2,0.6\n")
    done = run("front", path, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "is not a table of models"),
        ("model,energy_kwh\n", "found no row"),
        ("model,energy_kwh\n,1\n", "column model: found nothing in line 2, expected a name"),
        ("model,energy_kwh\na,0\n", "energy_kwh: found 0 in line 2, expected a number above 0"),
        ("model,energy_kwh\na,-1\n", "energy_kwh: found -1 in line 2, expected a number above 0"),
        ("model,repeat,energy_kwh\na,0,1\na,0,2\n", "the cell a 0 is there twice, again in line 3"),
        ("model,energy_kwh\na,much\n", "energy_kwh: found much in line 2, expected a number"),
        ("model,energy_kwh\na,inf\n", "energy_kwh: found inf in line 2, expected a finite number"),
        ("model,energy_kwh\na,\n", "energy_kwh: found no value for any of 1 models"),
    ],
)
def test_a_wrong_table_is_one_sentence(tmp_path, content, sentence):
    path = tmp_path / "theirs.csv"
    path.write_text(content)
    done = run("front", path, "--minimize", "energy_kwh")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert sentence in done.stderr


def test_names_stay_as_they_are_written(tmp_path):
    names = ["007", "7", "1e5", "100000", "nan", "None", "null", "a; b"]
    path, output = tmp_path / "theirs.csv", tmp_path / "front.csv"
    path.write_text(
        "gpu,model,energy_kwh\n" + "".join(f"{gpu},{name},1\n" for gpu in ("None", "nan") for name in names)
    )
    done = run("front", path, "--minimize", "energy_kwh", "--output", output)
    assert done.returncode == 0, done.stderr
    front = pd.read_csv(output, dtype="str", keep_default_na=False)
    assert front["model"].tolist() == names * 2
    assert list(front["part"].unique()) == ["gpu None", "gpu nan"]


def test_a_platform_without_any_value_is_left_out_by_name(tmp_path):
    path = tmp_path / "theirs.csv"
    path.write_text("gpu,model,energy_kwh,f1,outcome\nh,a,,,oom\nh,b,,,oom\ng,a,1,0.5,ok\ng,b,2,0.4,ok\n")
    goals = ["--minimize", "energy_kwh", "--maximize", "f1"]
    for program in (["front", path, *goals], ["score", path, *goals, "--reference", "a"]):
        done = run(*program)
        assert done.returncode == 0, done.stderr
        assert "left out: h: all of 2 cells (2 oom)" in done.stdout
        assert "gpu g" in done.stdout


def test_too_little_memory_is_one_sentence(tmp_path):
    code = (
        "from types import SimpleNamespace\nfrom isojoule.cli.running import run\n"
        "def fail(_):\n    raise MemoryError('1 TiB')\nrun(SimpleNamespace(run=fail), None)"
    )
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "scripts")}
    done = subprocess.run(command, env=environment, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (2, "error: out of memory: 1 TiB; nothing half-written was left\n")


def test_rows_that_are_there_twice_are_told(tmp_path):
    path = tmp_path / "theirs.csv"
    path.write_text("model,energy_kwh\na,1\na,1\n")
    assert "1 row is the same as others" in run("front", path, "--minimize", "energy_kwh").stdout


@pytest.mark.parametrize("quality", ["acuracy", "family"])
def test_a_quality_that_is_no_column_of_numbers_is_refused(study, quality):
    with pytest.raises(InputError, match=f"qualities: found {quality}, expected columns of numbers"):
        fronts(study, [quality])


def test_the_score_is_quality_by_energy_of_the_reference(tmp_path):
    path, output = tmp_path / "theirs.csv", tmp_path / "scores.csv"
    path.write_text("model,energy_kwh,f1\nbase,1,0.5\nbase,3,0.5\nsmall,0.5,0.4\nlarge,8,0.9\nlost,,0.9\n")
    goals = ["--minimize", "energy_kwh", "--maximize", "f1"]
    done = process("score", path, *goals, "--reference", "base", "--output", output)
    assert done.returncode == 0, done.stderr
    assert "left out: lost: no energy_kwh" in done.stdout
    scores = pd.read_csv(output).set_index("model")["energy_weighted_score"].to_dict()
    assert scores == pytest.approx({"small": 0.4 * 2 / 0.5, "base": 0.5, "large": 0.9 * 2 / 8})
    wrong = run("score", path, *goals, "--reference", "bass")
    assert (wrong.returncode, "reference: found bass" in wrong.stderr) == (2, True)


def test_a_table_with_kinds_and_without_phases_has_a_front(tmp_path):
    path = tmp_path / "models.csv"
    path.write_text("model,energy_kwh,acc,energy_kind\na,1,.5,measured\nb,2,.4,measured\nc,1,.6,simulated\n")
    frame, _, notes = read(path, ["energy_kwh"])
    assert frame["model"].tolist() == ["a", "b"]
    assert notes == ["left out: 1 simulated row; ask for them by --kinds"]
