import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def program(monkeypatch):
    monkeypatch.syspath_prepend(str(PROJECT / "benchmarks"))
    return runpy.run_path(str(PROJECT / "benchmarks" / "__main__.py"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["nothing"], "found nothing, expected one of aggregation"), (["loops", "--rounds", "0"], "found 0, expected")],
)
def test_a_mistyped_command_is_refused_in_one_sentence(arguments, message):
    words = [sys.executable, str(PROJECT / "benchmarks"), *arguments]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_ratio_is_the_median_of_the_rounds_and_is_held_against_its_limit(program):
    from suite import Row

    row = Row("x", [1.0, 4.0, 9.0], "y", [2.0, 2.0, 3.0], "s", "<= 1.9").as_json()
    assert [row[name] for name in ("lowest_ratio", "ratio", "highest_ratio", "holds")] == [0.5, 2.0, 3.0, "undecided"]
    assert Row("x", [1.0, 4.0, 9.0], "y", [2.0, 2.0, 3.0], "s", "<= 0.4").holds == "no"
    assert Row("x", [1.0, 4.0, 9.0], "y", [2.0, 2.0, 3.0], "s", "<= 2").holds == "yes"
    assert Row("x", [1.0], "y", [2.0], "s").holds == ""
    rounds = Row("x", list(range(1, 21)), "y", [1.0], "s")
    assert rounds.interval == (6.0, 15.0), "of ranks, as in every table of the sign test: 95.9 % of 20 rounds"
    assert program["agreement"](row, [3.1, 3.5, 4.0]) == "3.5, agrees"
    assert program["agreement"](row, [3.2, 3.5, 4.0]) == "3.5, **differs**"


def test_the_page_has_the_newest_tables(program):
    page = (PROJECT / "benchmarks" / "README.md").read_text()
    assert program["with_tables"](page) == page
    for name in program["NAMES"]:
        assert f"<!-- {name} -->" in page
        assert json.loads((PROJECT / "benchmarks" / f"{name}.json").read_text())["rows"]
