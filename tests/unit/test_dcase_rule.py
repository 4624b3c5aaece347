"""The rule of DCASE 2023 on the systems of that challenge, and on tables whose ranking is known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import isojoule

from isojoule.challenge.ranks import ranks

REAL = Path(__file__).parents[3] / "shared" / "challenge" / "dcase2023-task4a.csv"
HEADER = "system,energy_training_kwh,energy_test_kwh,energy_baseline_test_kwh,psds1,psds1_low,psds1_high"
COLUMNS = "qualities: {psds1: {value: psds1, low: psds1_low, high: psds1_high}}"
ROWS = ["baseline-1,1.0,0.100,0.100,0.3,0.29,0.31", "A-1,2.0,0.100,0.200,0.6,0.59,0.61", "B-1,1.0,0.1,0.1,0.1,0.1,0.1"]


def ranked(folder, *words, rows=ROWS, header=HEADER, columns=COLUMNS):
    (folder / "systems.csv").write_text("\n".join([header, *rows]) + "\n")
    (folder / "columns.yaml").write_text(columns + "\n")
    words = ["systems.csv", "--rule", "dcase-2023", "--columns", "columns.yaml", *words]
    return isojoule("challenge", "rank", *words, "--output", "ranking.csv", cwd=folder)


@pytest.mark.skipif(not REAL.exists(), reason="the systems of DCASE 2023 are not here")
def test_the_systems_of_dcase_2023_come_out_as_published(tmp_path):
    words = ["--output", tmp_path / "ranking.parquet", "--page", tmp_path / "ranking.html"]
    ended = isojoule("challenge", "rank", REAL, "--rule", "dcase-2023", *words)
    assert ended.returncode == 0, ended.stderr
    table, published = pd.read_parquet(tmp_path / "ranking.parquet"), pd.read_csv(REAL).set_index("system")
    assert len(table) == 4 * 84
    for score, of_score in table.groupby("score"):
        of_score = of_score.set_index("system")
        expected = published[score].reindex(of_score.index)
        assert of_score["value_low"].le(expected + 1e-9).all()
        assert of_score["value_high"].ge(expected - 1e-9).all()
        assert (of_score["value"] / expected - 1).abs().max() < 0.011
        assert (of_score["rank"] - expected.rank(ascending=False)).abs().max() <= 1
        for suffix in ("", "_by_rounding", "_by_rounding_and_quality"):
            assert (of_score[f"rank_low{suffix}"] <= of_score["rank"]).all()
            assert (of_score["rank"] <= of_score[f"rank_high{suffix}"]).all()
        widths = [
            (of_score[f"rank_high{suffix}"] - of_score[f"rank_low{suffix}"]).mean()
            for suffix in ("_by_rounding", "_by_rounding_and_quality", "")
        ]
        assert 0 < widths[0] < widths[1] < widths[2]
    assert (
        "doubt: the baseline's test on the GPU of T05-4 took 73.1 times the energy of the organizers'" in ended.stdout
    )
    assert "ew_psds1_test: of 83 neighbours in the ranking, " in ended.stdout


def test_the_page_of_a_rule_has_every_system_and_needs_no_network(tmp_path):
    odd = "<i>C-1</i>,1.0,0.1,0.1,,,"
    ended = ranked(tmp_path, "--page", "ranking.html", rows=[*ROWS, odd])
    assert ended.stdout.endswith("ranking.html\nranking.csv\n"), ended.stderr
    page = (tmp_path / "ranking.html").read_text()
    assert page.count('<td class="name">A-1</td>') == 2
    assert page.count('<td class="name">&lt;i&gt;C-1&lt;/i&gt;</td><td colspan="7">no score</td>') == 2
    assert "http" not in page.replace("http-equiv", "")
    assert "told apart by rounding alone" in page


def test_options_of_a_rule_are_not_taken_without_it(tmp_path):
    ended = isojoule("challenge", "rank", "all", "--kit", "kit.zip", "--columns", "c.yaml", cwd=tmp_path)
    assert ended.stderr == "error: --columns: found it with --kit, expected it with --rule alone\n"


def test_a_score_is_quality_times_normalized_energy(tmp_path):
    ended = ranked(tmp_path)
    assert ended.returncode == 0, ended.stderr
    table = pd.read_csv(tmp_path / "ranking.csv").set_index(["score", "system"])
    # A used twice the baseline's energy on a GPU that takes twice as much
    assert table.loc[("ew_psds1_train", "A-1"), "value"] == pytest.approx(0.6)
    assert table.loc[("ew_psds1_test", "A-1"), "value"] == pytest.approx(1.2)
    assert list(table.loc["ew_psds1_test", "rank"]) == [1, 2, 3]
    # the energies are the same and the qualities far apart; the single reference opens what rounding does not
    assert table.loc[("ew_psds1_test", "A-1"), "rank_high_by_rounding"] == 1
    assert table.loc[("ew_psds1_train", "A-1"), "rank_high"] >= 1


def test_columns_of_other_names_are_named_by_a_file(tmp_path):
    header = HEADER.replace("system", "name").replace("energy_test_kwh", "inference").replace("psds1", "f1")
    columns = "system: name\ntest: inference\nbaseline: base\nqualities: {f1: {value: f1}}"
    ended = ranked(tmp_path, header=header, columns=columns, rows=[row.replace("baseline-1", "base") for row in ROWS])
    assert ended.returncode == 0, ended.stderr
    assert set(pd.read_csv(tmp_path / "ranking.csv")["score"]) == {"ew_f1_train", "ew_f1_test"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": ROWS[1:]}, "systems.csv: found no system baseline-1"),
        ({"rows": [*ROWS, ROWS[1]]}, "systems.csv: column system: found A-1 in line 5, expected every system once"),
        ({"rows": [*ROWS, "C-1,0,1,1,1,1,1"]}, "systems.csv: column energy_training_kwh: found 0"),
        ({"rows": [*ROWS, "C-1,1,1,1,1,0.9,0.8"]}, "systems.csv: column psds1_high: found 0.8 in line 5"),
        ({"rows": [*ROWS, "C-1,1,1,1,0.7,0.8,0.9"]}, "systems.csv: column psds1_low: found 0.8 in line 5"),
        (
            {"rows": [*ROWS, "C-1,1,1,1,-1.5,-1,-1"]},
            "systems.csv: column psds1: found -1.5 in line 5, expected a",
        ),
        ({"header": HEADER.replace("energy_test_kwh", "x")}, "systems.csv: found no column energy_test_kwh"),
        ({"columns": "quality: a"}, "columns.yaml: found quality: a, expected a column for any of system, training"),
        ({"rows": [row.split(",0.")[0] + ",0.1,0.1,,," for row in ROWS]}, "systems.csv: column psds1: found no value"),
        ({"columns": ""}, "columns.yaml: found nothing, expected keys such as system, training"),
        ({"columns": "- a"}, "columns.yaml: found ['a'], expected keys such as system, training"),
        ({"columns": "qualities: {a: {value: 3}}"}, "columns.yaml: qualities: found {'a': {'value': 3}}, expected a"),
        ({"columns": "qualities: {a: {value: b, low: }}"}, "columns.yaml: qualities: found {'a': {'value': 'b', 'low'"),
        ({"columns": "qualities: {'=a': {value: psds1}}"}, "columns.yaml: qualities: found =a, expected a name that"),
        ({"columns": "qualities: [psds1]"}, "columns.yaml: qualities: found ['psds1'], expected a name with value"),
    ],
)
def test_a_table_that_the_rule_cannot_rank_is_one_sentence(tmp_path, changes, message):
    ended = ranked(tmp_path, **changes)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"error: {message}")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("without", [["A-1"], ["A-1", "B-1", "baseline-1"]])
def test_a_quality_without_an_interval_is_said_and_costs_no_rank(tmp_path, without):
    rows = [f"{row.rsplit(',', 2)[0]},," if row.split(",")[0] in without else row for row in ROWS]
    ended = ranked(tmp_path, "--page", tmp_path / "ranking.html", rows=rows)
    assert ended.returncode == 0, ended.stderr
    said = f"doubt: {len(without)} of 3 values of psds1 have no interval, and are taken for exact"
    assert ended.stdout.count(said) == 1
    table = pd.read_csv(tmp_path / "ranking.csv")
    ranks_of_all = table.filter(like="rank")
    assert ranks_of_all.notna().all(axis=None)
    assert list(table.loc[table["score"] == "ew_psds1_train", "system"]) == ["A-1", "baseline-1", "B-1"]
    # B-1 is a third of the baseline, whatever the rounding and the intervals are
    is_last = table["system"] == "B-1"
    assert (table.loc[is_last, ["rank_low_by_rounding_and_quality", "rank_high_by_rounding_and_quality"]] == 3).all(
        axis=None
    )


def test_ranks_have_intervals_and_ties_are_told():
    """The first two change places in half of the draws, and the third never."""
    generator = np.random.default_rng(0)
    scores = np.array([3.0, np.nan, 2.99, 1.0])
    found = ranks(scores, scores + generator.normal(0, 0.2, (2000, 4)))
    assert list(found.rank[[0, 2, 3]]) == [1, 2, 3]
    assert list(found.low[[0, 2, 3]]) == [1, 1, 3]
    assert list(found.high[[0, 2, 3]]) == [2, 2, 3]
    assert found.tied_with_next[0]
    assert not found.tied_with_next[2]
    assert found.ahead_of_next[0] == pytest.approx(0.5, abs=0.05)
    assert np.isnan(found.rank[1])


def test_systems_that_score_the_same_share_a_rank():
    found = ranks(np.array([1.0, 1.0]), np.ones((10, 2)))
    assert list(found.rank) == [1, 1]
    assert found.ahead_of_next[0] == 0.5
    assert np.isnan(ranks(np.array([np.nan]), np.ones((1, 1))).rank[0])


def test_qualities_in_per_cent_beside_shares_are_doubted(tmp_path):
    assert "psds1 is" not in ranked(tmp_path).stdout
    ended = ranked(tmp_path, rows=[*ROWS[:2], "B-1,1.0,0.1,0.1,30,29,31"])
    assert "doubt: psds1 is 0.3 to 30; is some of it in per cent?" in ended.stdout
