"""What is said of worlds whose truth is known, and what is not said where the data does not support it."""

import pandas as pd
import pytest
from commands import isojoule

from isojoule.compute_energy.fits import explained
from isojoule.compute_energy.quantities import quantities
from isojoule.findings.sentences import EXPLAINED, FRONTS, REFERENCES, findings
from isojoule.fronts.of_study import fronts
from isojoule.report.about import about
from isojoule.report.page import render
from isojoule.simulation.worlds import published_systems, world
from isojoule.study.status import _found
from isojoule.tables import measurements

BEST, NEARLY, CHEAP = "crnn-1+1-512+256", "cnn-1x512", "mlp-1x512"
PUBLISHED = published_systems()
SYSTEMS = PUBLISHED[PUBLISHED["architecture"].isin([BEST, NEARLY, CHEAP]) | (PUBLISHED.index % 4 == 0)]
REFERENCE = pd.DataFrame(
    {
        "phase": ["train", "train", "test"],
        "references": [2, 4, 2],
        "mdape_percent": [20.0, 9.4, 5.0],
        "mdape_low_percent": [15.0, 7.9, 4.0],
        "mdape_high_percent": [25.0, 11.4, 6.0],
        "to_publish": [False, True, True],
    }
)


def made(gpus=3, repeats=3, run_noise=0.01, **changes):
    """A world in which one model is the best, one nearly as good for less, and the others are worse by far."""
    frame = world(1, gpus=gpus, systems=SYSTEMS, repeats=repeats, run_noise=run_noise, system_noise=0)
    quality = frame["architecture"].map({BEST: 0.9, NEARLY: 0.895, CHEAP: 0.8}).fillna(0.5)
    quality += 0.0001 * frame["repeat"].astype(float)
    return frame.assign(macro_f1=quality.where(frame["phase"] == "test"), **changes)


def said(frame, references=None):
    tables = {
        # no sentence is of another cost than energy, and none of normalized energy
        FRONTS: fronts(frame.drop(columns=["flops", "params"]), normalize_to=frame["gpu"].iloc[0], draws=50).table,
        EXPLAINED: explained(quantities(frame)[0]),
        REFERENCES: pd.DataFrame() if references is None else references,
    }
    return {finding.topic: finding.sentence for finding in findings(frame, tables)}


def true_energy_kwh(frame, architecture, gpu):
    is_cell = (frame["architecture"] == architecture) & (frame["gpu"] == gpu) & (frame["phase"] == "train")
    return frame.loc[is_cell, "true_energy_kwh"].mean()


@pytest.fixture(scope="module")
def frame():
    return made()


def test_the_systems_are_in_the_world():
    assert {BEST, NEARLY, CHEAP} <= set(SYSTEMS["architecture"])


def test_a_world_with_a_clear_answer_is_told_rightly(frame):
    sentences = said(frame, REFERENCE)
    assert list(sentences) == ["choice", "front", "compute", "normalization", "spread", "kinds"]
    gpus = list(frame["gpu"].unique())
    saved = 1 - true_energy_kwh(frame, NEARLY, gpus[0]) / true_energy_kwh(frame, BEST, gpus[0])
    choice = sentences["choice"]
    assert choice.startswith(f"{NEARLY} is the cheapest model within 1 % of the best macro F1")
    assert f"on {gpus[0]} (0.895, 95 % interval 0.895 to 0.895, and 0.9 of {BEST})" in choice
    assert "(simulated) for its training" in choice
    assert float(choice.split("which is ")[1].split(" %")[0]) == pytest.approx(100 * saved, abs=1)
    assert choice.endswith("it is the choice on all 3 platforms")
    assert sentences["front"] == (
        "The same 3 models are on the front of training energy and macro F1 on the test data on all 3 platforms; in at "
        f"least 95 % of the draws from 3 runs of a cell on each: {CHEAP}, {NEARLY}, {BEST}"
    )
    assert sentences["normalization"] == (
        "4 reference architectures carry the training energies over to a platform that the study does not have with a "
        "median error of 9.4 % (90 % interval 7.9 to 11.4 %)"
    )
    assert sentences["spread"].startswith("The energies of the 3 runs of a cell have a standard deviation of ")
    assert float(sentences["spread"].split("deviation of ")[1].split(" %")[0]) == pytest.approx(1, abs=0.3)
    assert sentences["kinds"].endswith("energies are simulated: no instrument measured any of them")


def test_settings_of_one_device_do_not_tell_what_another_would_take(frame):
    one = frame.assign(device_name="AMD EPYC", hostname="vm")
    assert "normalization" not in said(one, REFERENCE)
    assert "normalization" in said(one.assign(hostname=one["gpu"]), REFERENCE)


def test_flops_explain_all_where_energy_is_flops(frame):
    exact = frame.assign(energy_kwh=1e-18 * frame["training_flops_published"].fillna(frame["forward_flops"]))
    exact = exact.assign(energy_kwh=exact["energy_kwh"] * exact["samples"].astype(float))
    words = said(exact)["compute"]
    assert words.startswith("A line over FLOPs explains 100 % of the variance of the training energies of ")
    assert f" of {len(SYSTEMS)} architectures on " in words
    assert words.endswith("and 100 % on 3 platforms")


def test_one_repeat_supports_no_difference():
    assert list(said(made(repeats=1))) == ["compute", "kinds"]


def test_a_cheaper_model_that_may_be_as_good_is_named(frame):
    """Where the qualities of repeats differ by more than the models do, the mean alone must not decide."""
    noise = frame["repeat"].map({0: -0.02, 1: 0.0, 2: 0.02}).astype(float)
    quality = frame["architecture"].map({BEST: 0.9, NEARLY: 0.88, CHEAP: 0.5}).fillna(0.4) + noise
    noisy = said(frame.assign(macro_f1=quality.where(frame["phase"] == "test")))["choice"]
    assert noisy.startswith(f"{BEST} has the best macro F1")
    assert noisy.endswith(f". By the intervals {NEARLY} could be as near the best for less")
    clear = quality - noise
    assert "intervals" not in said(frame.assign(macro_f1=clear.where(frame["phase"] == "test")))["choice"]


def test_two_runs_are_too_few_to_say_how_sure_a_front_is():
    assert said(made(repeats=2))["front"].endswith("on all 3 platforms")


def test_noise_supports_no_choice():
    sentences = said(made(repeats=2, run_noise=1.0))
    assert "choice" not in sentences
    assert "spread" in sentences


def test_one_platform_is_not_said_to_be_several():
    sentences = said(made(gpus=1))
    assert "platform" not in " ".join(sentences.values())
    assert "models are on the front of training energy and macro F1" in sentences["front"]
    assert "normalization" not in sentences


def test_the_best_may_be_the_cheapest_near_itself(frame):
    alone = frame.assign(macro_f1=frame["macro_f1"].where(frame["architecture"] != NEARLY, 0.5))
    assert said(alone)["choice"].startswith(f"{BEST} has the best macro F1")


def test_a_single_model_is_no_choice_and_no_front(frame):
    assert list(said(frame[frame["architecture"] == BEST])) == ["spread", "kinds"]


def test_qualities_that_are_all_the_same_support_no_choice(frame):
    same = said(frame.assign(macro_f1=frame["macro_f1"].where(frame["macro_f1"].isna(), 0.0)))
    assert "choice" not in same


def test_platforms_of_other_kinds_are_not_counted_together_unsaid(frame):
    is_first = frame["gpu"] == frame["gpu"].iloc[0]
    kinds = is_first.map({True: "measured", False: "estimated"})
    sentences = said(frame.assign(energy_kind=kinds))
    assert sentences["choice"].endswith("it is the choice on all 3 platforms (measured, estimated)")
    assert "on all 3 platforms (measured, estimated); " in sentences["front"]
    assert sentences["compute"].endswith(" % on 3 platforms (measured, estimated)")


def test_a_single_energy_is_told_in_the_singular(frame):
    alone = frame.assign(outcome=["ok"] + ["oom"] * (len(frame) - 1), energy_kind="estimated")
    assert {finding.topic: finding.sentence for finding in findings(alone, {})}[
        "kinds"
    ] == "The only energy is estimated"
    assert about(alone)[0].sentence.startswith("No instrument measured the only energy: it is computed")


def test_what_is_estimated_missing_and_flagged_is_counted(frame):
    count = len(frame)
    odd = frame.assign(
        outcome=frame["outcome"].mask(frame.index < 2, "oom").mask(frame.index == 2, "failed"),
        energy_kind="measured",
        flags=pd.Series(["spread"] * 4 + ["spread short-window", "estimated"] + [None] * (count - 6), dtype="string"),
    )
    odd.loc[odd.index[3:13], "energy_kind"] = "estimated"
    sentences = {finding.topic: finding.sentence for finding in findings(odd, {})}
    assert list(sentences) == ["spread", "kinds", "missing", "flags"]
    assert sentences["kinds"] == f"Of {count - 3} energies {count - 13} are measured and 10 are estimated"
    assert sentences["missing"] == f"3 of {count} cells are not in these results (2 oom, 1 failed)"
    assert sentences["flags"].startswith(
        f"2 of {count - 3} energies have a flag besides that of an estimate; the most frequent is spread, on 2: "
    )


def test_page_and_terminal_say_the_same(frame, tmp_path):
    measurements_path = tmp_path / "measurements.parquet"
    frame.drop(columns="true_energy_kwh").to_parquet(measurements_path, index=False)
    told = isojoule("compare-fronts", measurements_path, "--output", tmp_path / "pareto", "--draws", 50)
    assert told.returncode == 0, told.stderr
    fronts_path, path = tmp_path / "pareto" / "fronts.csv", tmp_path / "findings.csv"
    told = isojoule(
        "tabulate-findings", measurements_path, "--results", tmp_path, "--tables", fronts_path, "--output", path
    )
    assert told.returncode == 0, told.stderr
    sentences = list(pd.read_csv(path)["sentence"])
    tables = {"findings.csv": path, "pareto/fronts.csv": fronts_path}
    page = render((measurements_path, measurements.read(measurements_path)), tables, [])
    lines = _found(tmp_path)
    assert lines[:2] == ["", "found by the last analysis:"]
    for sentence, line in zip(sentences, lines[2:], strict=True):
        assert f"<li>{sentence}. <a href=" in page
        assert sentence in told.stdout
        assert line.startswith(f"- {sentence} ({tmp_path}")
    assert 'href="#fronts"><code>pareto/fronts.csv</code>' in page
    assert _found(tmp_path / "pareto") == []
