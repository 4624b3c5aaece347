"""Setting up fails in one sentence that says what to do, and keeps the rest in a log."""

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
OLD = next(iter(sorted(Path.home().glob(".pyenv/versions/3.[0-9].*/bin/python3"))), shutil.which("python3.10"))
# as pip 23.2 and venv of Python 3.11 said them
FULL = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n"
REFUSED = (
    "Looking in indexes: http://127.0.0.1:9/simple\n"
    "WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None)) after connection broken by "
    "'NewConnectionError('<pip._vendor.urllib3.connection.HTTPConnection object at 0x7f7c>: Failed to establish a new "
    "connection: [Errno 111] Connection refused')': /simple/torch/\n"
    "ERROR: No matching distribution found for torch\n"
)
NOT_THERE = "ERROR: No matching distribution found for torch==2.13.0\n"
NO_COMPILER = (
    "      error: [Errno 2] No such file or directory: 'gcc'\n"
    "  ERROR: Failed building wheel for extx\nFailed to build extx\n"
    "ERROR: Could not build wheels for extx, which is required to install pyproject.toml-based projects\n"
)
NO_VENV = (
    "The virtual environment was not created successfully because ensurepip is not\n"
    "available.  On Debian/Ubuntu systems, you need to install the python3-venv\n"
)


def make(folder, **variables):
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON", "MAKE"))}
    environment = {**plain, "PIP_CONFIG_FILE": os.devnull, **variables}
    words = ["make", "-C", folder, "install", *(f"{name}={variables[name]}" for name in variables if name == "PYTHON")]
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path):
    """What the set-up needs of the project, with an environment that an earlier set-up left half done."""
    (tmp_path / "envs").mkdir()
    for name in ("Makefile", "pyproject.toml", "envs/constraints.txt", "envs/install.py"):
        shutil.copy(PROJECT / name, tmp_path / name)
    (tmp_path / ".venv").mkdir()
    for name in ("installing", "half"):
        (tmp_path / ".venv" / name).touch()
    return tmp_path


def test_a_server_that_refuses_is_one_sentence(project):
    ended = make(project, PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="1")
    assert ended.returncode != 0
    assert len(ended.stdout.splitlines()) < 12
    assert "cut off: this one begins anew" in ended.stdout
    sentence, *makes_own = [line for line in ended.stderr.splitlines() if line]
    assert sentence.startswith("error: the server of the packages (http://127.0.0.1:9/simple) does not give them")
    assert "PIP_INDEX_URL" in sentence
    assert "give the same command again; the whole output is in .venv/install.log" in sentence
    assert all(line.startswith("make: ") for line in makes_own)
    assert "Connection refused" in (project / ".venv" / "install.log").read_text()
    assert not (project / ".venv" / "half").exists()
    assert not (project / ".venv" / "installed").exists()


@pytest.mark.skipif(OLD is None, reason="needs a Python before 3.11")
def test_a_python_that_is_too_old_is_named(project):
    ended = make(project, PYTHON=str(OLD))
    assert ended.returncode != 0
    assert ended.stderr.startswith("error: found Python 3.")
    assert "expected 3.11 or later: name one by make install PYTHON=" in ended.stderr


def test_a_python_that_is_not_there_is_named(project):
    ended = make(project, PYTHON="python3.x")
    assert ended.returncode != 0
    assert ended.stderr.startswith("error: found no python3.x, expected Python 3.11 or later")


def test_a_program_that_is_no_python_is_no_python(project):
    ended = make(project, PYTHON="false")
    assert ended.stderr.startswith("error: found no false, expected Python 3.11 or later")


def test_a_folder_that_cannot_be_written_is_one_sentence(project):
    shutil.rmtree(project / ".venv")
    (project / ".venv").symlink_to("/proc/1/fd")
    ended = make(project)
    sentence = next(line for line in ended.stderr.splitlines() if line.startswith("error: "))
    assert "/.venv" in sentence
    assert "expected a folder that you may write to" in sentence


@pytest.mark.parametrize(
    ("text", "code", "cause", "advice"),
    [
        (FULL, 1, "a disk is full: ", "make room, or name another folder by TMPDIR"),
        (REFUSED, 1, "(http://127.0.0.1:9/simple) does not give them (Connection refused)", "PIP_INDEX_URL"),
        (NOT_THERE, 1, "has no torch==2.13.0 for Python 3.", "PIP_INDEX_URL"),
        (NO_COMPILER, 1, "extx must be compiled for Python 3.", "apt install build-essential python3-dev"),
        (NO_VENV, 1, "has no venv", "apt install python3-venv"),
        ("", -9, "the system killed it", "memory"),
        ("a\nERROR: something new\nb\n", 3, "exit code 3", "ERROR: something new"),
    ],
)
def test_each_failure_has_its_cause_and_what_to_do(text, code, cause, advice):
    spec = importlib.util.spec_from_file_location("install", PROJECT / "envs" / "install.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sentence = module.reason(text, code)
    assert cause in sentence
    assert advice in sentence.partition(cause)[2]
    assert "\n" not in sentence
