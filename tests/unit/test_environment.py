"""A container as others start it: a user without a name or a home, and files that are called like modules."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml
from commands import process

PROJECT = Path(__file__).parents[2]
UID = 12345
# the user may read what is root's, as the interpreter can be, and writes what is its own
NAMELESS = [
    *("setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups"),
    *("--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"),
]
OF_USERS = ("HOME", "USER", "LOGNAME", "USERNAME", "LNAME")
KNOWN = {name: text for name, text in os.environ.items() if name not in OF_USERS}


@pytest.fixture
def folder():
    """A folder of a nameless user, in which a small study is to run."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("only root can become a user without a name, by setpriv of util-linux")
    content = yaml.safe_load((PROJECT / "config" / "demo.yaml").read_text())
    content |= {"study": "nameless", "architectures": {"mlp": [{"layers": 1, "hidden": 4}]}}
    # the folders of pytest are only root's
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "study.yaml").write_text(yaml.safe_dump(content))
        os.chown(name, UID, UID)
        yield Path(name)


def nameless(folder, *words, **variables):
    environment = {**KNOWN, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(PROJECT / "scripts"), **variables}
    return subprocess.run(
        [*NAMELESS, sys.executable, "-m", *map(str, words)],
        cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip


def test_a_user_without_name_and_home_gets_a_figure_and_no_word_more(folder):
    words = ("isojoule", "plot", "published-waveflow", "literature/waveflow.csv", "--output", "a.svg")
    assert nameless(folder, "isojoule", "literature", "--output", "literature").returncode == 0
    ended = nameless(folder, *words)
    assert (ended.stdout, ended.returncode) == ("a.svg\n", 0)


def test_snakemake_needs_a_cache_and_no_name(folder):
    """Its home, which cannot be written, is no folder at all."""
    study = ("-s", PROJECT / "Snakefile", "--configfile", "study.yaml")
    words = ("snakemake", "-n", "--quiet", "all", *study, "--cores", 1)
    ended = nameless(folder, *words, HOME="/proc/none", XDG_CACHE_HOME=str(folder / "cache"))
    assert ended.returncode == 0, ended.stdout
    assert "Traceback" not in ended.stdout
    ended = nameless(folder, *words, HOME="/proc/none")
    assert ended.returncode != 0
    assert "/proc/none" in ended.stdout


def test_files_of_the_user_are_no_modules_of_pythons(tmp_path):
    """`python -P`, by which our commands start others, does not look for them where the user is."""
    (tmp_path / "random.py").write_text("raise SystemExit('a file of the user')")
    study = yaml.safe_load((PROJECT / "config" / "demo.yaml").read_text())
    study |= {"dataset": {"source": "folder", "path": ".", "train": "t", "test": "t", "classes": ["a", "b"]}}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    (tmp_path / "t").write_text("")
    (tmp_path / "audio").mkdir()
    words = ("measure-study", "--config", "study.yaml", "--gpu", "cpu-1thread", "--results", "results")
    environment = {**os.environ, "PYTHONSAFEPATH": "1", "PYTHONPATH": str(PROJECT / "scripts")}
    ended = process(*words, cwd=tmp_path, env=environment)
    assert ended.returncode == 2
    assert "a file of the user" not in ended.stderr
    assert "t: found the header" in ended.stderr
