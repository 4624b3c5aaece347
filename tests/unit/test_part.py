"""Measure a part of my own program, with one import."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pandas as pd
import pytest

import isojoule
from isojoule.errors import InputError
from isojoule.measuring import device_lock
from isojoule.records import RunRecord, read_record


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder to run in, with locks of its own."""
    monkeypatch.setattr(device_lock, "LOCKS", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOCAL_RANK", raising=False)


def test_the_package_alone_loads_nothing_of_it():
    code = "import isojoule, sys; print(len([m for m in sys.modules if m.startswith(('isojoule', 'psutil', 'torch'))]))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "1"
    with pytest.raises(AttributeError, match=r"module isojoule has no attribute measur$"):
        isojoule.measur  # noqa: B018


def test_a_part_is_repeated_until_it_is_long_enough_and_becomes_a_row():
    repetitions = []
    with isojoule.measure("test", name="net", gpu="laptop", append="mine.csv", min_window_s=0.2, idle_s=0) as part:
        while part.again():
            repetitions.append(sum(range(10**5)))
        part.quality["psds1"] = 0.25
    row = pd.read_csv("mine.csv").iloc[0]
    assert (row["architecture"], row["gpu"], row["phase"], row["psds1"]) == ("net", "laptop", "test", 0.25)
    assert row["repetitions"] == len(repetitions) > 1
    assert row["energy_kwh"] == part.energy.computing.energy_kwh > 0
    (path,) = Path("isojoule-runs").glob("net-test-*.json")
    record = read_record(path, RunRecord)
    assert record.model_dump() == part.record.model_dump()
    assert record.is_part


def test_a_quality_that_is_no_number_costs_no_energy(capsys):
    with isojoule.measure("test", output="run.json", quality={"f1": 0.5}, idle_s=0) as part:
        part.quality |= {"accuracy": float("nan"), "loss\0": 1}
        sum(range(10**6))
    record = read_record(Path("run.json"), RunRecord)
    assert (record.outcome, record.quality) == ("ok", {"f1": 0.5})
    assert record.energy.computing.energy_kwh > 0
    assert "isojoule: quality accuracy: found nan: Input should be " in capsys.readouterr().err


def test_a_part_that_fails_is_recorded_as_failed():
    with pytest.raises(ZeroDivisionError), isojoule.measure(output="run.json", idle_s=0):
        1 / 0  # noqa: B018
    record = read_record(Path("run.json"), RunRecord)
    assert (record.outcome, record.message) == ("failed", "ZeroDivisionError: division by zero")


def test_what_a_part_has_inside_does_not_wait_for_its_end(tmp_path, monkeypatch):
    """It would wait for ever."""
    monkeypatch.setenv("ISOJOULE_LOCKS", str(tmp_path))
    inner = [
        sys.executable,
        "-m",
        "isojoule",
        "run",
        "--cpu",
        "--output",
        "inner.json",
        "--",
        sys.executable,
        "-c",
        "0",
    ]
    with isojoule.measure(name="whole", output="whole.json", idle_s=0) as whole:
        with isojoule.measure(name="part", output="part.json", idle_s=0) as part:
            with isojoule.measure(name="innermost", output="innermost.json", idle_s=0):
                sum(range(10**6))
            sum(range(10**6))
        subprocess.run(inner, check=True, timeout=60)
    assert whole.energy.computing.energy_kwh > part.energy.computing.energy_kwh
    for name in ("whole", "part", "innermost", "inner"):
        assert read_record(Path(f"{name}.json"), RunRecord).outcome == "ok"
    assert "ISOJOULE_RUN" not in os.environ
    assert sorted(path.name for path in tmp_path.glob("*.lock")) == ["isojoule-cpu-turnstile.lock", "isojoule-cpu.lock"]


def test_parts_in_two_threads_take_turns():
    """The CPU time of the process is that of both."""
    inside, most = [], []

    def work(name):
        with isojoule.measure(name=name, output=f"{name}.json", idle_s=0):
            inside.append(name)
            most.append(len(inside))
            sum(range(10**6))
            inside.remove(name)

    threads = [threading.Thread(target=work, args=(name,), daemon=True) for name in ("first", "second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert most == [1, 1]


def test_nothing_is_known_before_the_end():
    with isojoule.measure(output="run.json", idle_s=0) as part:
        with pytest.raises(InputError, match="energy: found none, expected it behind the with"):
            part.energy  # noqa: B018
        sum(range(10**6))


def test_a_process_beside_the_one_that_measures_only_works(monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    with isojoule.measure(output="run.json") as part, pytest.raises(InputError, match="again: found several processes"):
        part.again()
    assert part.record is None
    assert not Path("run.json").exists()
