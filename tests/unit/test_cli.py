"""The command `isojoule`: its help, and what a mistyped command line is answered."""

import argparse
import json
import subprocess
import sys
import warnings
from types import ModuleType

import numpy as np
import pytest

from isojoule.cli import main, running

# options of which a command takes one or several, or which say what only it can be told
SEVERAL = ("--architecture", "--gpu", "--output", "--minimize", "--maximize", "--name", "--quality", "-h", "--help")
IMPORTED = "import json, sys; from isojoule.cli.main import overview; overview(); print(json.dumps(list(sys.modules)))"


def refused(capsys, *words):
    """The sentence that a wrong command line is answered."""
    with pytest.raises(SystemExit) as ended:
        main.main(words)
    assert ended.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


def test_the_overview_lists_every_command_once_by_its_purpose(capsys):
    with pytest.raises(SystemExit) as ended:
        main.main(["--help"])
    assert ended.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    listed = [line[2:26].strip() for line in lines if line.startswith("  ")]
    assert listed == main.NAMES
    assert len(set(listed)) == len(listed)
    assert [line for line in lines if line.endswith(":")] == ["measure:", "analyse:", "challenge:", "publish:", "plan:"]
    assert all(len(line) <= 104 for line in lines), "the overview fits a terminal"


def test_every_module_of_the_room_is_a_command_or_shared():
    room = main.Path(main.__file__).parent
    paths = [path.relative_to(room).with_suffix("") for path in room.rglob("[!_]*.py")]
    modules = {path.as_posix().replace("_", "-").replace("/", " ") for path in paths}
    assert modules - {"main", "running", "arguments", "extras"} == set(main.NAMES)


def test_the_overview_imports_no_library():
    ended = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True)
    packages = {name.split(".")[0] for name in json.loads(ended.stdout)}
    assert not packages & {"torch", "pandas", "numpy", "pydantic", "yaml", "psutil", "matplotlib", "scipy", "sklearn"}


@pytest.mark.parametrize("name", main.NAMES)
def test_the_help_of_a_command_opens_with_a_sentence_and_has_an_example(name, capsys):
    with pytest.raises(SystemExit) as ended:
        main.main([name, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    first, *_ = (main.load(name).__doc__ or "").splitlines()
    assert first in text
    assert first[0].isupper()
    assert first[-1] in ".?"
    assert f"    isojoule {name}" in text


@pytest.mark.parametrize(
    ("word", "nearest"),
    [("mesure", "measure"), ("fronts", "front"), ("normalise", "normalize"), ("find_front", "front")],
)
def test_a_mistyped_command_is_answered_by_the_nearest_one(word, nearest, capsys):
    assert refused(capsys, word) == (
        f"error: found no command {word}, expected one such as {nearest}; isojoule --help lists all\n"
    )


def test_a_command_like_no_other_is_answered_by_the_way_to_the_list(capsys):
    assert refused(capsys, "xyzzy") == "error: found no command xyzzy, isojoule --help lists all\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["front", "t.csv", "--minimise", "x"], "found no option --minimise, expected one such as --minimize"),
        (["score", "t.csv", "--referense=a"], "found no option --referense, expected one such as --reference"),
        (["normalize", "t.csv", "--baseline", "a"], "found no option --baseline, expected one such as --"),
        (["aggregate", "--config", "c"], "missing: --results, --output"),
        (["status"], "missing: RESULTS"),
        (["front", "t.csv", "--missing", "drop"], "--missing: found drop, expected one of refuse, leave-out"),
        (["simulate", "--gpus", "0", "--output", "o"], "--gpus: found 0, expected a whole number of 1 or more"),
        (["measure", "--budget-s", "-1"], "--budget-s: found -1, expected a number above 0"),
        (["front", "t.csv", "surplus.csv"], "unrecognized arguments: surplus.csv"),
    ],
)
def test_a_wrong_command_line_is_answered_in_one_sentence(words, sentence, capsys):
    said = refused(capsys, *words)
    assert said.startswith(f"error: {sentence}")
    assert said.endswith(f"isojoule {words[0]} --help explains it\n")


def test_an_option_is_not_guessed_from_its_beginning(capsys):
    assert "found no option --mini, expected one such as --minimize" in refused(capsys, "front", "t.csv", "--mini", "x")


def test_a_command_of_two_words_is_found_by_both(capsys):
    assert refused(capsys, "challenge", "rnk", "t") == (
        "error: found no command challenge rnk, expected one such as challenge rank; isojoule --help lists all\n"
    )
    assert "found no command challenge, expected one such as challenge " in refused(capsys, "challenge")
    assert "missing: " in refused(capsys, "challenge", "rank")


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as ended:
        main.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"isojoule {main.isojoule.__version__}\n"


def test_options_with_the_same_name_mean_the_same_everywhere():
    """A shared option has one type and one metavar; only its help and its default may say more."""
    kinds = {}
    for name in main.NAMES:
        parser = main.parser(name, main.load(name))
        for action in parser._actions:
            for option in action.option_strings:
                if option not in SEVERAL:
                    kinds.setdefault(option, set()).add((action.type.__class__, action.metavar, action.nargs))
    assert {option: kind for option, kind in kinds.items() if len(kind) > 1} == {}


def test_a_command_never_writes_over_what_it_reads(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = tmp_path / "t.csv"
    table.write_text("gpu,architecture,phase,energy_kwh\na,m,train,1\n")
    before = table.read_bytes()
    sentence = refused(capsys, "tabulate-energy", "t.csv", "--output", str(table))
    assert sentence.startswith(f"error: --output: found {table}, which the command reads, expected another file")
    assert table.read_bytes() == before


@pytest.mark.parametrize("words", [["--help"], ["schema"], ["normalize", "--help"]])
def test_a_reader_that_leaves_early_sees_no_traceback(words):
    line = f"{sys.executable} -m isojoule {' '.join(words)} | true; echo ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
    assert ended.stderr == ""
    assert ended.stdout.strip() in ("0", "141")


@pytest.mark.parametrize(("options", "number"), [([], 0), (["default"], 1)])
def test_what_numpy_warns_of_is_for_programmers(options, number, monkeypatch):
    """Python's -W shows it."""
    command = ModuleType("isojoule.cli.divide")
    command.run = lambda _: np.log(np.zeros(1)).all() and None
    monkeypatch.setattr(sys, "warnoptions", options)
    with warnings.catch_warnings(record=True) as told, pytest.raises(SystemExit) as ended:
        warnings.simplefilter("always")
        running.run(command, argparse.Namespace())
    assert (ended.value.code, len(told)) == (0, number)
