import errno
import json
import signal
import subprocess
import sys

import pytest

from isojoule import files
from isojoule.errors import InputError

KILLED = """
import os, signal, sys
from pathlib import Path
from isojoule.files import written_whole
with written_whole(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_is_written_is_whole_and_alone(tmp_path):
    path = tmp_path / "new" / "record.json"
    files.write_json(path, {"energy_kwh": 1.5})
    assert json.loads(path.read_text()) == {"energy_kwh": 1.5}
    assert list(path.parent.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file_and_no_half_one(tmp_path):
    path = tmp_path / "record.json"
    path.write_text("old")

    def fill(temporary):
        temporary.write_text("ha")
        raise OSError(errno.ENOSPC, "No space left on device")

    with (
        pytest.raises(InputError, match=r"record\.json: cannot be written: No space left on device"),
        files.written_whole(path) as t,
    ):
        fill(t)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupt_leaves_nothing_half_written(tmp_path):
    path = tmp_path / "record.json"
    with pytest.raises(KeyboardInterrupt), files.written_whole(path) as temporary:
        temporary.write_text("ha")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "results").write_text("")
    with pytest.raises(InputError, match=r"results/record\.json: cannot be written"):
        files.write_text(tmp_path / "results" / "record.json", "x")


def test_nan_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "record.json", {"energy_kwh": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_json_is_named(tmp_path):
    path = tmp_path / "broken.json"
    path.write_text("{")
    with pytest.raises(InputError, match=r"broken\.json: is not JSON"):
        files.read_json(path)


def test_what_a_killed_program_left_behind_is_removed(tmp_path):
    path = tmp_path / "record.json"
    started = subprocess.run(
        [sys.executable, "-c", KILLED, str(path)], env={"PYTHONPATH": "scripts"}, capture_output=True, check=False
    )
    assert started.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 1
    with files.written_whole(path) as temporary:
        temporary.write_text("new")
        assert list(tmp_path.iterdir()) == [temporary]
    assert path.read_text() == "new"
