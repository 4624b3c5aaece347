"""A challenge on made-up platforms whose truth is known: the kit, submissions good and bad, ranking and page."""

import hashlib
import json
import os
import re
import zipfile

import numpy as np
import pandas as pd
import pytest
from commands import isojoule
from studies import changed

from isojoule.challenge import kit as kits
from isojoule.challenge.judging import judge
from isojoule.challenge.measuring import measure
from isojoule.challenge.ranking import _on_front
from isojoule.errors import InputError
from isojoule.naming import escaped
from isojoule.programs.keeping import Keeper
from isojoule.records import provenance
from isojoule.records.challenge import Measured, Submission
from isojoule.records.writing import as_text, write_record

BOARD = {"hostname": "node", "cpu": "CPU", "cpu_cores": 2, "memory_bytes": 1}


@pytest.fixture(scope="module")
def task(world, published):
    """A study of two platforms, a kit of it, and the rows of two more platforms that are not in it."""
    rows = world[world["phase"] == "train"]
    *own, target, other = rows["gpu"].unique()
    names = sorted(rows["architecture"].unique())
    study = rows[rows["gpu"].isin([target, other])]
    energies = study[study["gpu"] == target].set_index("architecture")["energy_kwh"].sort_values()
    references = list(energies.index[[5, 12, 20, 28, 36]])
    configuration = changed(published, {"dataset": {"source": "synthetic"}})
    kit, text = kits.make(configuration, study, target, "train", references, "f1", 2)
    systems = [name for name in names if name not in references][3:33:6]
    return kit, text, rows, own[:2], systems


@pytest.fixture
def folder(task, tmp_path):
    kits.write(tmp_path / "kit.zip", task[0], task[1])
    (tmp_path / "submissions").mkdir()
    return tmp_path


def submission(task, folder, team, platform=0, number=2, **changes):
    """Write what a team would send that measured on one of the other platforms."""
    kit, _ = kits.read(folder / "kit.zip")
    _, _, rows, own, names = task
    of_gpu = rows[rows["gpu"] == own[platform]].set_index("architecture")

    def run(name, repeat, system=None):
        row = of_gpu.loc[name]
        return {
            "architecture": system or name, "phase": "train", "repeat": repeat, "outcome": "ok",
            "energy_kwh": float(row["energy_kwh"]) * (1 + 0.01 * repeat), "energy_kind": "simulated",
            "energy_source": "simulation", "duration_s": float(row["duration_s"]), "flops": int(row["flops"]),
            "params": int(row["params"]), "quality": {"f1": 0.3 + names.index(name) / 10} if system else {},
            "device": own[platform], "started_at": "2026-01-01T00:00:00Z",
        }  # fmt: skip

    content = {
        "team": team,
        "kit": kits.checksum(kit),
        "references": [run(name, repeat) for name in kit.references_kwh for repeat in (0, 1)],
        "systems": [run(name, repeat, f"{team}-{name}") for name in names[:number] for repeat in (0, 1)],
        "hardware": BOARD,
        "software": dict(kit.software),
        "made_at": "2026-01-02T00:00:00Z",
    }
    content |= {key: value(content[key]) if callable(value) else value for key, value in changes.items()}
    path = folder / "submissions" / f"{content.pop('file', team)}.json"
    write_record(path, Submission.model_validate(content))
    return path


def ranked(folder, *words):
    ended = isojoule(
        "challenge",
        "rank",
        "submissions",
        "--kit",
        "kit.zip",
        "--output",
        "r.csv",
        "--page",
        "r.html",
        *words,
        cwd=folder,
    )
    assert ended.returncode == 0, ended.stderr
    return pd.read_csv(folder / "r.csv"), (folder / "r.html").read_text(), ended.stdout


def of(name, **values):
    """A change of the runs of one reference or system."""
    return lambda runs: [run | values if run["architecture"] == name else run for run in runs]


def test_a_whole_challenge_is_ranked_with_intervals(task, folder):
    """Three teams: one honest, one that edits a figure, one whose systems and most references ran out of memory."""
    kit, _, rows, _, names = task
    submission(task, folder, "honest", 0, 5)
    submission(task, folder, "second", 1, 3)
    cheat = submission(task, folder, "cheat", 1)
    content = json.loads(cheat.read_text())
    content["systems"][0]["energy_kwh"] /= 10
    cheat.write_text(json.dumps(content))
    oom = {"outcome": "oom", "message": "CUDA out of memory", "energy_kwh": None, "energy_kind": None}
    few = lambda runs: [run if run["architecture"] == kit.baseline else run | oom for run in runs]  # noqa: E731
    submission(task, folder, "small", 1, references=few)
    table, page, said = ranked(folder)
    good = table[table["team"].isin(["honest", "second"])]
    assert len(good) == 8
    truth = rows[rows["gpu"] == kit.target].set_index("architecture")["energy_kwh"]
    expected = good["system"].str.partition("-")[2].map(truth)
    within = (good["low_kwh"] <= expected) & (expected <= good["high_kwh"])
    assert within.mean() >= 0.75
    assert np.allclose(good["energy_kwh"], expected, rtol=0.4)
    assert (good["energy_kind"] == "simulated").all()
    assert (good["score"] == good["quality"] * kit.references_kwh[kit.baseline] / good["energy_kwh"]).all()
    assert list(good["rank"]) == sorted(good["rank"])
    assert ((good["rank_low"] <= good["rank"]) & (good["rank"] <= good["rank_high"])).all()
    # the same network of two teams: nothing tells them apart
    twins = good[good["system"].str.endswith(f"-{names[0]}")]
    assert twins["rank_low"].max() <= twins["rank_high"].min()
    # the best quality is that of the largest system, and the least energy that of the smallest
    assert good.loc[good["quality"].idxmax(), "on_front"]
    assert good.loc[good["energy_kwh"].idxmin(), "on_front"]
    assert good["front_share"].between(0, 1).all()
    refused = table.set_index("team")["refused"]
    assert "was changed since" in refused["cheat"]
    # the organizers have no rule that makes a submission
    assert "snakemake" not in refused["cheat"]
    assert refused["small"].startswith("found 1 reference with an energy (")
    assert "oom" in refused["small"]
    for team in ("cheat", "small"):
        assert f"not ranked: the submission of {team}: " in said
        assert f"</strong> of {team}: " in page
    assert "of 7 neighbours in the ranking, " in said
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")
    assert page.count("<circle") == 8
    assert "They are\n<strong>simulated</strong>" in page
    assert re.search(
        rf"energy on {kit.target} \(k?Wh, simulated\), logarithmic|energy on .+ \([mk]?J, simulated\)", page
    )
    assert page.count("estimated") == 0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"references": lambda runs: []}, "found 0 references with an energy, expected two or more"),
        ({"kit": "0" * 64}, "was measured with another kit, expected this one"),
        ({"software": {"isojoule": "0.0.1"}}, "was measured with isojoule 0.0.1, expected "),
        (
            {"references": lambda runs: [run | {"energy_kwh": run["energy_kwh"] * 1e3} for run in runs]},
            "times the energy on the target, which no GPU does",
        ),
        ({"systems": lambda runs: [runs[0] | {"device": "other"}, *runs[1:]]}, "found device other, expected"),
        ({"systems": lambda runs: [runs[0] | {"devices": 4}, *runs[1:]]}, "found number of devices 4, expected 1"),
        ({"systems": lambda runs: [run | {"phase": "test"} for run in runs]}, "with an energy of train (team-"),
        ({"systems": lambda runs: [runs[0] | {"energy_kind": "measured"}, *runs[1:]]}, "found kind of energy measured"),
        ({"systems": lambda runs: [run | {"power_limit_w": 1.0, "duration_s": 1.0} for run in runs]}, "W on average"),
        ({"systems": lambda runs: [run | {"outcome": "oom", "energy_kwh": None} for run in runs]}, "found no system"),
    ],
)  # fmt: skip
def test_an_implausible_submission_is_refused_by_name(task, folder, changes, reason):
    submission(task, folder, "team", **changes)
    table, _, said = ranked(folder)
    assert reason in table["refused"].item()
    assert "not ranked: the submission of team: " in said


def test_a_reference_that_is_far_off_the_others_is_named(task, folder):
    name = task[0].baseline
    path = submission(task, folder, "team", references=of(name, energy_kwh=100.0))
    kit, _ = kits.read(folder / "kit.zip")
    assert judge(path, kit).refused.startswith(f"{name} took ")


def test_what_is_doubtful_is_said_and_ranked(task, folder):
    name = task[0].baseline
    without = lambda runs: [run for run in runs if run["architecture"] != name]  # noqa: E731
    flagged = lambda runs: [runs[0] | {"flags": ["shared-device"]}, *(run | {"quality": {}} for run in runs[1:])]  # noqa: E731
    submission(task, folder, "team", references=without, systems=flagged)
    table, _, said = ranked(folder)
    assert f"no energy of the references {name}" in table["doubts"].iloc[0]
    assert "shared-device: team-" in table["doubts"].iloc[0]
    # the second system has no quality
    assert list(table["rank"].notna()) == [True, False]
    assert table["energy_kwh"].notna().all()
    assert "it has no quality, and no score" in said


def test_what_is_wrong_of_one_system_costs_no_other(task, folder):
    """A repeat that disagrees, a quality below 0, in per cent, beside its interval, and a power of nothing."""
    names = [f"team-{name}" for name in task[4]]
    changes = [
        {"energy_kwh": 100.0}, {"quality": {"f1": -0.5}}, {"quality": {"f1": 62.0}},
        {"quality": {"f1": 0.5, "f1_low": 0.6, "f1_high": 0.7}}, {"duration_s": 1e6},
    ]  # fmt: skip
    by_name = dict(zip(names, changes, strict=True))
    is_changed = lambda run: run["repeat"] == 0 or run["architecture"] != names[0]  # noqa: E731
    spoilt = lambda runs: [run | by_name[run["architecture"]] if is_changed(run) else run for run in runs]  # noqa: E731
    submission(task, folder, "team", number=5, systems=spoilt)
    table, _, said = ranked(folder)
    table = table.set_index("system")
    assert "expected a factor of 2 at most" in table.loc[names[0], "refused"]
    assert table.loc[names[1], "refused"] == "found a f1 of -0.5, expected 0 or more"
    assert list(table["rank"].notna()) == [True, True, True, False, False]
    assert "f1 is above 1, and that of most systems is not; is it in per cent?" in table.loc[names[2], "doubts"]
    assert "found 0.5 with an interval of 0.6 to 0.7, which is not used" in table.loc[names[3], "doubts"]
    assert np.isnan(table.loc[names[3], "quality_low"])
    assert f"{names[4]} drew " in table.loc[names[4], "doubts"]
    assert f"not ranked: {names[0]} of team: " in said


def test_what_the_qualities_of_a_system_leave_open_is_said(task, folder):
    first, second = (f"team-{name}" for name in task[4][:2])
    qualities = {(first, 0): {"f1": 0.6}, (first, 1): {"f1": 0.1}, (second, 0): {"f1": 0.5, "f1_low": 0.4}}
    odd = lambda runs: [  # noqa: E731
        run | {"quality": qualities.get((run["architecture"], run["repeat"]), {})} for run in runs
    ]
    submission(task, folder, "team", systems=odd)
    doubts = ranked(folder)[0].set_index("system")["doubts"]
    assert "f1 is 0.1 to 0.6 in its repeats, whose mean is ranked" in doubts[first]
    assert "f1: found 0.5 with an interval of 0.4 to nothing, which is not used" in doubts[second]


def test_a_team_that_is_another_one_but_for_case_is_doubted(task, folder):
    for team in ("Team", "team"):
        submission(task, folder, team)
    table, _, _ = ranked(folder)
    assert table["rank"].notna().all()
    assert table["doubts"].str.contains("another team has nearly its name: [Tt]eam").all()


@pytest.mark.parametrize(
    ("first", "second", "counts"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "second"),
        ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "second"),
        ("2026-01-01T22:00:00-05:00", "2026-01-02T01:00:00Z", "first"),
    ],
)
def test_the_last_submission_of_a_team_counts(task, folder, first, second, counts):
    submission(task, folder, "team", number=1, file="first", made_at=first)
    submission(task, folder, "team", number=2, file="second", made_at=second)
    table, _, _ = ranked(folder)
    assert table["refused"].notna().sum() == 1
    assert table["rank"].notna().sum() == {"first": 1, "second": 2}[counts]


def test_a_later_submission_that_cannot_be_ranked_costs_no_other(task, folder):
    submission(task, folder, "team", file="good")
    submission(task, folder, "team", file="later", made_at="2026-03-01T00:00:00Z", kit="0" * 64)
    table, _, _ = ranked(folder)
    assert table["rank"].notna().sum() == 2
    assert "was measured with another kit" in table["refused"].iloc[-1]
    assert table["doubts"].iloc[0].startswith("the team sent later.json later, which is not ranked")


def test_nothing_is_added_to_a_submission_whose_checksum_was_taken_out(task, folder):
    path = submission(task, folder, "team")
    content = json.loads(path.read_text())
    del content["seal"]
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match="found a submission without its checksum"):
        Keeper(folder / "run.json", path).check("train", {})


@pytest.mark.parametrize(
    ("field", "name"), [("team", "=1+1"), ("architecture", "a\u202eb"), ("device", "@x"), ("team", "a\nb")]
)
def test_a_submission_with_such_a_name_is_not_ranked(task, folder, field, name):
    changes = {"systems": lambda runs: [run | {field: name} for run in runs]} if field != "team" else {}
    submission(task, folder, name if field == "team" else "team", file="one", **changes)
    table, page, said = ranked(folder)
    assert list(table["team"]) == ["one"]
    assert table["refused"].str.contains(f"found {escaped(name)}, expected a name ", regex=False).all()
    assert all(line.isprintable() for line in said.splitlines())
    assert (name in said + page) == name.isprintable()


def test_what_a_team_wrote_elsewhere_is_shown_as_escapes(task, folder):
    """Messages, versions, unknown keys and names of files come from a team as well."""
    evil = "\x1b[2J\nfirst\u202e<script>alert(1)</script>"
    oom = {"outcome": "oom", "message": evil, "energy_kwh": None, "energy_kind": None}
    team = "<img src=x onerror=alert(1)>"
    name = f"{team}-{task[4][0]}"
    submission(task, folder, team, systems=of(name, **oom), software=lambda has: has | {"torch": evil}, file="html")
    (folder / "submissions" / "=1+1\u202e.json").write_text("[]")
    (folder / "submissions" / "keys.json").write_text(json.dumps({evil: 1}))
    table, page, said = ranked(folder)
    assert set(table["team"]) == {team, "the file =1+1\\u202e", "keys"}
    assert all(line.isprintable() for line in said.splitlines())
    assert "\\x1b[2J\\nfirst\\u202e<script>" in said
    assert "<script>" not in page
    assert "<img" not in page
    assert "&lt;img src=x" in page
    texts = table.select_dtypes(["object", "string"])
    assert not any(str(value).startswith(("=", "+", "-", "@", "\t", "\r")) for value in texts.to_numpy().ravel())
    assert not any(character in (folder / "r.csv").read_text() for character in "\x1b\u202e")


def test_files_that_are_none_are_named(task, folder):
    (folder / "submissions" / "notes.json").write_text('{"team": 1')
    (folder / "submissions" / "other.json").write_text("[]")
    os.mkfifo(folder / "submissions" / "pipe.json")
    table, _, _ = ranked(folder)
    refused = table.set_index("team")["refused"]
    assert refused.pop("pipe") == "is no file, expected the JSON of a submission"
    assert len(refused) == 2
    assert refused.str.startswith("is not a Submission").all()


def test_a_kit_that_is_cut_off_edited_or_none_is_refused(task, folder):
    whole = (folder / "kit.zip").read_bytes()
    (folder / "cut.zip").write_bytes(whole[: len(whole) // 2])
    (folder / "text.zip").write_text("kit")
    with zipfile.ZipFile(folder / "empty.zip", "w") as packed:
        packed.writestr("a", "b")
    with zipfile.ZipFile(folder / "kit.zip") as packed:
        texts = {name: packed.read(name).decode() for name in packed.namelist()}
    assert set(texts) == {"kit.json", "study.csv", "README.txt"}
    for name, changes in (
        ("edited", {"kit.json": texts["kit.json"].replace('"f1"', '"f2"')}),
        ("table", {"study.csv": texts["study.csv"] + "x"}),
    ):
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as packed:
            for key, text in (texts | changes).items():
                packed.writestr(key, text)
    for name, message in (
        ("cut", "is not a kit, or was cut off"),
        ("text", "is not a kit, or was cut off"),
        ("empty", "is not a kit: found no kit.json and study.csv in it"),
        ("edited", "kit.json: was edited"),
        ("table", "study.csv: was edited"),
        ("none", "none.zip: found no such file, expected a kit, the .zip file of the organizers"),
    ):
        with pytest.raises(InputError) as refused:
            kits.read(folder / f"{name}.zip")
        assert message in str(refused.value)
        assert f"{name}.zip" in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "study", "message"),
    [
        ({"baseline": "other"}, None, "is not a Kit: the file: Value error, references_kwh: found "),
        ({"references_kwh": {}}, None, "is not a Kit: the file: Value error, references_kwh: found none, expected two"),
        ({"software": {}}, None, "is not a Kit: the file: Value error, software: found no version of isojoule"),
        ({}, "", "kit.zip/study.csv: is not the table of a kit: found nothing in it"),
    ],
)
def test_a_kit_whose_parts_do_not_belong_together_is_refused(task, folder, changes, study, message):
    kit, text, *_ = task
    text = text if study is None else study
    hash_of_study = {"study_sha256": hashlib.sha256(text.encode()).hexdigest()}
    with zipfile.ZipFile(folder / "kit.zip", "w") as packed:
        packed.writestr("kit.json", as_text(kit.model_copy(update=changes | hash_of_study)))
        packed.writestr("study.csv", text)
    with pytest.raises(InputError) as refused:
        kits.read(folder / "kit.zip")
    assert str(refused.value).startswith(f"{folder}/kit.zip")
    assert message in str(refused.value)


def test_a_kit_without_settings_of_the_meter_is_refused(task, tmp_path):
    kit = task[0].model_copy(update={"configuration": {}})
    with pytest.raises(InputError, match=r"kit: configuration\.energy: found None, expected the settings of the meter"):
        measure(kit, "team", tmp_path, is_cpu=True, threads=1, allow_shared=False)


def test_a_kit_has_what_a_participant_needs(task, folder):
    kit, study = kits.read(folder / "kit.zip")
    assert set(kit.references_kwh) <= set(study["architecture"])
    assert kit.software["isojoule"] == provenance.software()["isojoule"]
    models = [custom["model"] for custom in kit.configuration["architectures"]["custom"]]
    assert all(model.startswith("isojoule.workloads.tagging.models.") for model in models)
    assert kit.configuration["dataset"]["source"] == "synthetic"
    assert kit.target in set(study["gpu"])
    assert (folder / "kit.zip").stat().st_size < 100_000


@pytest.mark.parametrize(
    ("references", "message"),
    [
        (["mlp-1x512"], "references: found mlp-1x512, expected two or more"),
        (["mlp-1x512", "mlp-1x512"], "references: found mlp-1x512, mlp-1x512, expected two or more, each once"),
        (["mlp-9x9", "mlp-8x8"], "references: found mlp-9x9, which was not measured on"),
        (99, "references: found 99, expected 2 to"),
    ],
)
def test_a_kit_that_cannot_be_is_one_sentence(published, small, references, message):
    with pytest.raises(InputError) as refused:
        kits.make(published, small, small["gpu"].iloc[0], "train", references, "f1", 2)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize("quality", ["", "a b", "=f1", "energy_kwh"])
def test_a_quality_that_no_team_could_give_is_refused(published, small, quality):
    names = sorted(small["architecture"].unique())[:2]
    with pytest.raises(InputError, match=r"--quality: found .+, expected a name that teams can give, such as psds1"):
        kits.make(published, small, small["gpu"].iloc[0], "train", names, quality, 2)


def test_a_submission_that_nobody_would_find_is_refused(task, folder):
    ended = isojoule("challenge", "run", "kit.zip", "--team", "a", "--output", "a.txt", cwd=folder)
    assert ended.returncode == 2
    assert ended.stderr == "error: --output: found a.txt, expected the ending .json, which `rank` looks for\n"


def test_a_table_of_another_configuration_is_refused(published, small):
    other = changed(published, {"architectures": {"mlp": [{"layers": 1, "hidden": 512}]}})
    names = sorted(small["architecture"].unique())[:2]
    with pytest.raises(InputError, match="which the table has and the configuration has not, expected the configurat"):
        kits.make(other, small, small["gpu"].iloc[0], "train", names, "f1", 2)


def test_references_are_chosen_where_none_are_named(task, published, small):
    kit, _ = kits.make(published, small, small["gpu"].iloc[0], "train", 4, "f1", 1)
    assert len(kit.references_kwh) == 4
    energies = list(kit.references_kwh.values())
    assert min(energies) < energies[0] < max(energies), "scores are relative to one in the middle"
    # recordings are not in the kit: as many clips are made up, the same ones by every team
    assert published.plain()["dataset"]["source"] != "synthetic"
    clips = int((small["samples"] / small["epochs"]).iloc[0])
    made_up = {"source": "synthetic", "train_clips": clips, "test_clips": clips, "seed": 0}
    assert kit.configuration["dataset"] == made_up


@pytest.mark.parametrize(
    ("phase", "quality", "message"),
    [
        ("test", {"f1": 0.5}, "--phase: found test, expected train, which the challenge ranks"),
        ("train", {"F1": 0.5}, "--quality: found F1, expected f1, which the challenge ranks"),
        ("train", {}, None),
        ("train", {"f1": 0.5, "f1_low": 0.4}, None),
    ],
)
def test_a_run_that_could_not_be_ranked_is_refused_before_it_begins(task, folder, phase, quality, message):
    path = submission(task, folder, "team", phase="train", quality="f1")
    keeper = Keeper(folder / "run.json", path)
    if message is None:
        keeper.check(phase, quality)
    else:
        with pytest.raises(InputError, match=message):
            keeper.check(phase, quality)


def test_the_front_is_that_of_less_energy_or_more_quality():
    energy = np.array([[1.0, 2.0, 3.0, 4.0, np.nan, 3.0, 1.0, 3.0]])
    quality = np.array([[0.5, 0.4, 0.7, 0.7, 0.9, 0.7, 0.3, 0.7]])
    assert list(_on_front(energy, quality)[0]) == [True, False, True, False, False, True, False, True]


def test_a_submission_has_of_a_run_what_the_ranking_needs():
    fields = set(Measured.model_fields)
    assert {"energy_kwh", "energy_kind", "duration_s", "quality", "flags", "device", "power_limit_w"} <= fields
