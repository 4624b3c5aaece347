import errno
import json
import os
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from isojoule import files
from isojoule.errors import InputError
from isojoule.measuring import checkpoints
from isojoule.tables.writing import write_table
from isojoule.workloads.tagging import extraction
from isojoule.workloads.tagging import synthetic as sounds
from isojoule.workloads.tagging.dataset import prepare
from isojoule.workloads.waveflow import synthetic as speech

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


@contextmanager
def no_room():
    """No file of this process may have more than sixteen bytes: the kernel refuses as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, before[1]))
    try:
        yield
    finally:
        # what pytest says of the test may go to a file as well
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


FRAME = pd.DataFrame({"power_w": np.linspace(60, 70, 9)})
WRITERS = {
    "weights": lambda path: checkpoints.write(path, torch.nn.Linear(8, 8), "origin"),
    "no weights": lambda path: checkpoints.write_failure(path, "training ended with outcome oom", "origin"),
    "parquet": lambda path: write_table(FRAME, path.with_suffix(".parquet")),
    "csv": lambda path: write_table(FRAME, path.with_suffix(".csv")),
    "text": lambda path: files.write_text(path, "seventeen letters"),
    "sounds": lambda path: sounds._write_clip(path, np.random.default_rng(0), ["Dog"]),
    "speech": lambda path: speech.write(path, clips=1, rate_hz=8000, seed=0),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_whoever_writes_tells_the_systems_reason_in_the_systems_words(tmp_path, writer):
    """Libraries put words around it, or leave it out."""
    with no_room(), pytest.raises(InputError) as refused:
        WRITERS[writer](tmp_path / "file")
    assert str(refused.value).endswith(f": cannot be written: {os.strerror(errno.EFBIG)}")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_features_say_why_they_cannot_be_written(tmp_path, demo):
    dataset = demo.dataset.model_copy(update={"train_clips": 10, "test_clips": 10})
    prepare(dataset, demo.mel, tmp_path / "dataset")
    with no_room(), pytest.raises(InputError, match=r"features\.npy: cannot be written: File too large"):
        extraction.extract(tmp_path / "dataset", demo.mel, demo.classes, tmp_path / "features", workers=1)
    assert list((tmp_path / "features").iterdir()) == []


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


@pytest.mark.parametrize("name", [".", "/", ".."])
def test_what_is_never_the_name_of_a_file_is_refused(name):
    for write in (lambda path: files.write_text(path, ""), lambda path: files.locked(path).__enter__()):
        with pytest.raises(InputError, match=f"^{name}: found a folder, expected a file$"):
            write(Path(name))


def test_a_folder_in_the_way_of_a_file_is_not_waited_for(tmp_path, monkeypatch):
    """A program said every 15 seconds for ten minutes that it tries again."""
    (tmp_path / "record.json").mkdir()
    monkeypatch.setattr(files.time, "sleep", lambda _: pytest.fail("it waits"))
    with pytest.raises(InputError, match=r"record\.json: cannot be written: Is a directory"):
        files.patiently(lambda: files.write_text(tmp_path / "record.json", "{}"))
