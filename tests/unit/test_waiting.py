"""How the threads of a computation on the CPU wait for each other."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from isojoule.measuring.waiting import DECIDING, without_spinning

WAITING = """
import sys
from pathlib import Path
from types import SimpleNamespace
from isojoule.measuring.waiting import without_spinning
without_spinning(SimpleNamespace(device="cpu", threads=2), powercap=Path(sys.argv[1]))
import torch
"""


def waits(tmp_path, environment=None, device="cpu", threads=2):
    """The environment of a job without RAPL."""
    environment = {} if environment is None else environment
    without_spinning(SimpleNamespace(device=device, threads=threads), environment, tmp_path)
    return environment


def test_threads_of_an_estimated_cpu_do_not_spin(tmp_path):
    assert waits(tmp_path) == {"OMP_WAIT_POLICY": "passive"}


@pytest.mark.parametrize(("device", "threads"), [("cuda", 2), ("cpu", 1)])
def test_where_nobody_waits_or_an_instrument_measures_nothing_is_changed(tmp_path, device, threads):
    assert waits(tmp_path, device=device, threads=threads) == {}


@pytest.mark.parametrize("name", DECIDING)
def test_who_said_how_threads_wait_has_it_so(tmp_path, name):
    assert waits(tmp_path, {name: "active"}) == {name: "active"}


def test_a_cpu_that_rapl_reads_is_measured_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr("isojoule.measuring.waiting.Rapl", lambda powercap: SimpleNamespace(why_not=None))
    assert waits(tmp_path) == {}


def test_nothing_is_said_of_a_policy_that_came_too_late(tmp_path, monkeypatch):
    """torch has read it when it was imported, and the record would tell what is not so."""
    import torch  # noqa: F401 - for its place among the modules

    for name in DECIDING:
        monkeypatch.delenv(name, raising=False)
    without_spinning(SimpleNamespace(device="cpu", threads=2), powercap=tmp_path)
    assert "OMP_WAIT_POLICY" not in os.environ


def test_torch_obeys(tmp_path):
    """The library of OpenMP that comes with torch prints its settings when it is loaded."""
    environment = {**os.environ, "PYTHONPATH": "scripts", "OMP_DISPLAY_ENV": "true"}
    for name in DECIDING:
        environment.pop(name, None)
    ended = subprocess.run(
        [sys.executable, "-c", WAITING, tmp_path], env=environment, capture_output=True, text=True, check=True
    )
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in ended.stderr
