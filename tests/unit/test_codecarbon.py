"""CodeCarbon beside the meter: nothing around the program decides what it reads, and it ends no measurement."""

import inspect
import itertools
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import hostile
import pytest
from codecarbon import EmissionsTracker, OfflineEmissionsTracker, emissions_tracker
from codecarbon.core import gpu as codecarbon_gpu
from codecarbon.core.gpu_nvidia import NvidiaGPUDevice
from codecarbon.external import hardware

from isojoule.energy import Meter, codecarbon, nvml
from isojoule.energy.codecarbon import Tracker
from isojoule.errors import InputError, StoppedError
from isojoule.study.emission_factor import kg_per_kwh

PROJECT = Path(__file__).parents[2]


def settings():
    """All settings that CodeCarbon reads, by the arguments of its trackers and the names in its source."""
    arguments = {
        name
        for tracker in inspect.getmro(OfflineEmissionsTracker)
        for name in inspect.signature(tracker.__init__).parameters
    }
    source = inspect.getsource(emissions_tracker)
    names = re.findall(r'(?:_set_from_conf\(\s*\w+,\s*|_external_conf\.get\(\s*)"(\w+)"', source)
    return arguments - {"self", "args", "kwargs"} | set(names)


@pytest.fixture
def still(monkeypatch, driver, tmp_path):
    """A clock and a load that a test moves, an empty home and an empty folder to be in: figures do not vary."""
    clock = SimpleNamespace(now_s=1e6)
    # a tracker divides by the time between two of its calls, which no clock shows as 0
    calls = itertools.count()
    monkeypatch.setattr(driver.driver, "clock", lambda: clock.now_s)
    perf_counter = SimpleNamespace(perf_counter=lambda: clock.now_s + 1e-8 * next(calls))
    monkeypatch.setattr(emissions_tracker, "time", perf_counter)
    monkeypatch.setattr(hardware.SystemCPULoadMeter, "percent", lambda meter: 50.0)
    (tmp_path / "home").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "here")
    return clock


def figures(clock, indices=(1,), tracker=None, **options):
    """What CodeCarbon reads over ten seconds."""
    tracker = tracker or Tracker(indices, "FRA", **options)
    tracker.ready()
    tracker.begin()
    clock.now_s += 10
    return tracker.end()


def energies(figures):
    """The figures, of which none may be missing; the clock moves them by billionths."""
    assert figures.failure is None
    return {name: value for name, value in figures.model_dump().items() if isinstance(value, float)}


def written(folder, **values):
    lines = [f"{name} = {value}" for name, value in values.items()]
    (folder / ".codecarbon.config").write_text("\n".join(["[codecarbon]", *lines]))


def test_the_figures_are_those_of_ten_seconds(still):
    read = figures(still)
    assert read.failure is None
    assert 3.6e6 * read.gpu_energy_kwh == pytest.approx(70 * 10)
    parts_kwh = (read.gpu_energy_kwh, read.cpu_energy_kwh, read.ram_energy_kwh)
    assert min(parts_kwh) > 0
    assert read.total_energy_kwh == pytest.approx(sum(parts_kwh))
    assert read.emissions_kg_co2e == pytest.approx(kg_per_kwh("FRA") * read.total_energy_kwh)


def test_every_setting_of_codecarbon_has_a_hostile_value_here():
    """A new version with a new setting fails here, until somebody has said what it could do."""
    assert settings() == set(hostile.SETTINGS)


@pytest.mark.parametrize("where", ["home", "here", "variable"])
@pytest.mark.parametrize("name", [*hostile.SETTINGS, "all"])
def test_no_setting_changes_a_figure(still, monkeypatch, tmp_path, name, where):
    expected = pytest.approx(energies(figures(still)))
    values = hostile.SETTINGS if name == "all" else {name: hostile.SETTINGS[name]}
    if where == "variable":
        for setting, value in values.items():
            monkeypatch.setenv(f"CODECARBON_{setting.upper()}", value)
    else:
        written(tmp_path / where, **values)
    assert energies(figures(still)) == expected
    assert list((tmp_path / "here").glob("*.csv")) == []


@pytest.mark.parametrize("content", ["no section", "[codecarbon]\npue = 3\npue = 4", "[codecarbon]\n%(a)s", "\xff\xfe"])
def test_a_configuration_that_cannot_be_read_is_not_read(still, tmp_path, content):
    expected = pytest.approx(energies(figures(still)))
    (tmp_path / "home" / ".codecarbon.config").write_bytes(content.encode("latin-1"))
    assert energies(figures(still)) == expected


def test_a_program_without_a_home_is_measured_as_any_other(still, monkeypatch):
    expected = pytest.approx(energies(figures(still)))

    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(Path, "home", no_home)
    assert energies(figures(still)) == expected


@pytest.mark.parametrize("name", ["CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"])
def test_which_gpus_are_visible_changes_no_figure(still, monkeypatch, name):
    expected = pytest.approx(energies(figures(still)))
    monkeypatch.setenv(name, "0")
    assert energies(figures(still)) == expected


def test_others_in_the_process_have_codecarbon_as_it_was(still, monkeypatch, tmp_path):
    figures(still)
    written(tmp_path / "home", pue=3)
    assert EmissionsTracker(output_methods=[], log_level="critical")._pue == 3


JOB = """
import json
from codecarbon.external.hardware import SystemCPULoadMeter
from isojoule.energy.codecarbon import Tracker
SystemCPULoadMeter.percent = lambda meter: 50.0
tracker = Tracker((), "FRA")
tracker.ready()
tracker.begin()
tracker._tracker._last_measured_time -= 1000
figures = tracker.end()
print(json.dumps({"failure": figures.failure, "w": [3.6e3 * figures.ram_energy_kwh, 3.6e3 * figures.cpu_energy_kwh]}))
"""


def test_a_job_of_slurm_reads_what_the_machine_has_with_and_without_scontrol(tmp_path):
    """A container in a job has the variables, and no `scontrol`; where there is one, it tells what was asked for."""
    (tmp_path / "bin").mkdir()
    scontrol = tmp_path / "bin" / "scontrol"
    scontrol.write_text("#!/bin/sh\necho JobId=7 NumCPUs=64 AllocTRES=cpu=64,mem=900G,node=1\n")
    scontrol.chmod(0o755)
    outside = {name: value for name, value in os.environ.items() if not name.startswith("SLURM")}
    job = {**outside, "SLURM_JOB_ID": "7", "SLURM_JOBID": "7", "SLURM_LOCALID": "1"}
    answers = []
    for environment in (outside, job, {**job, "PATH": f"{tmp_path / 'bin'}:{job['PATH']}"}):
        environment = {**environment, "HOME": str(tmp_path), "PYTHONPATH": str(PROJECT / "scripts")}
        words = [sys.executable, "-c", JOB]
        ended = subprocess.run(words, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
        answers.append(json.loads(ended.stdout))
    assert answers[0]["failure"] is None
    for answer in answers[1:]:
        assert answer["failure"] is None
        assert answer["w"] == pytest.approx(answers[0]["w"], rel=0.01)


def test_a_study_on_the_cpu_counts_no_gpu_of_the_node_however_often_it_asks(still):
    """CodeCarbon remembers the hardware of earlier trackers, and takes no GPU for all."""
    for _ in range(3):
        assert figures(still, indices=()).gpu_energy_kwh == 0
    assert 3.6e6 * figures(still, indices=(0,)).gpu_energy_kwh == pytest.approx(7000)


def raising(error):
    def raises(*arguments, **options):
        raise error

    return raises


ERRORS = [RuntimeError("the driver is\ngone"), SystemExit()]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("method", ["__init__", "start_task", "stop_task", "_measure_power_and_energy"])
def test_what_codecarbon_raises_is_in_the_record_and_the_counter_stands(driver, monkeypatch, method, error):
    monkeypatch.setattr(OfflineEmissionsTracker, method, raising(error))
    meter = Meter(gpus=[nvml.identify(driver.UUIDS[1])], synchronize=lambda: None, idle_s=0, country_iso_code="FRA")
    with meter as window:
        time.sleep(0.3)
    energy = window.energy
    assert (energy.gpu.kind, energy.cpu.kind) == ("measured", "estimated")
    assert (
        energy.codecarbon.failure == f"{type(error).__name__}: {str(error).partition(chr(10))[0] or 'no reason given'}"
    )
    assert {energy.codecarbon.gpu_energy_kwh, energy.codecarbon.emissions_kg_co2e} == {None}
    assert energy.window.disagreement_percent < 5, "the integral of the power alone is beside the counter"


@pytest.mark.parametrize("method", ["start_task", "stop_task"])
def test_a_tracker_that_broke_once_is_built_anew_and_reads_the_next_window_alone(still, monkeypatch, method):
    tracker = Tracker((1,), "FRA")
    expected = pytest.approx(energies(figures(still, tracker=tracker)))
    with monkeypatch.context() as patch:
        patch.setattr(OfflineEmissionsTracker, method, raising(RuntimeError("not now")))
        assert figures(still, tracker=tracker).failure == "RuntimeError: not now"
    still.now_s += 1000
    assert energies(figures(still, tracker=tracker)) == expected


def test_a_tracker_that_stays_broken_is_not_built_for_every_window(still, monkeypatch):
    tracker = Tracker((1,), "FRA")
    tracker.ready()
    built = []
    monkeypatch.setattr(OfflineEmissionsTracker, "start_task", raising(RuntimeError("never")))
    monkeypatch.setattr(Tracker, "_built", lambda tracker: built.append(1) or raising(RuntimeError("never"))())
    for _ in range(5):
        assert figures(still, tracker=tracker).failure == "RuntimeError: never"
    assert built == [1]


def test_a_tracker_that_does_not_get_ready_is_waited_for_once(still, monkeypatch):
    ended = threading.Event()
    monkeypatch.setattr(codecarbon, "PATIENCE_S", 0.2)
    monkeypatch.setattr(Tracker, "_built", lambda tracker: ended.wait())
    tracker = Tracker((1,), "FRA")
    began_s = time.monotonic()
    assert figures(still, tracker=tracker).failure == "it was not ready after 0.2 s"
    assert figures(still, tracker=tracker).failure == "it was not ready after 0.2 s"
    assert time.monotonic() - began_s < 2
    ended.set()
    tracker._preparation.join()


@pytest.mark.parametrize("error", [KeyboardInterrupt, StoppedError])
def test_who_stops_the_program_is_heard(still, monkeypatch, error):
    tracker = Tracker((1,), "FRA")
    tracker.ready()
    monkeypatch.setattr(OfflineEmissionsTracker, "start_task", raising(error()))
    with pytest.raises(error):
        tracker.begin()


def test_an_unknown_country_is_refused_even_where_codecarbon_is_broken(monkeypatch):
    monkeypatch.setattr(OfflineEmissionsTracker, "__init__", raising(RuntimeError("broken")))
    with pytest.raises(InputError, match=r"energy\.country_iso_code: found XXX, expected a country"):
        Tracker((), "XXX").ready()


def test_another_gpu_of_the_node_that_is_lost_leaves_our_counter(driver, monkeypatch):
    """CodeCarbon looks at every GPU of the node when it starts."""
    uuid = NvidiaGPUDevice._get_uuid

    def of_device(device):
        if device.gpu_index == 0:
            raise RuntimeError("GPU is lost")
        return uuid(device)

    monkeypatch.setattr(NvidiaGPUDevice, "_get_uuid", of_device)
    codecarbon_hardware_forgotten()
    with Meter(gpus=[nvml.identify(driver.UUIDS[1])], synchronize=lambda: None, idle_s=0) as window:
        time.sleep(0.3)
    assert window.energy.gpu.kind == "measured"
    assert window.energy.codecarbon.failure == "RuntimeError: GPU is lost"


def codecarbon_hardware_forgotten():
    from codecarbon.core.hardware_cache import _plans

    _plans.clear()


def test_without_nvidia_smi_the_gpu_is_not_zero(still, monkeypatch):
    monkeypatch.setattr(codecarbon_gpu, "is_nvidia_system", lambda: False)
    codecarbon_hardware_forgotten()
    assert figures(still).failure == "RuntimeError: it found the GPUs none, expected [1]"
    codecarbon_hardware_forgotten()


def test_a_gpu_that_is_not_there_for_codecarbon_is_not_zero(still):
    assert figures(still, indices=(1, 7)).failure == "RuntimeError: it found the GPUs [1], expected [1, 7]"


@pytest.mark.parametrize(("part", "missing"), [("gpu", "GPU"), ("cpu", "CPU")])
def test_zero_is_could_not_read_and_the_sum_is_missing(still, monkeypatch, part, missing):
    tracker = Tracker((1,), "FRA")
    tracker.ready()
    stop = OfflineEmissionsTracker.stop_task

    def stopped(self):
        data = stop(self)
        setattr(data, f"{part}_energy", 0.0)
        return data

    monkeypatch.setattr(OfflineEmissionsTracker, "stop_task", stopped)
    read = figures(still, tracker=tracker)
    assert read.failure == f"it read 0 kWh of the {missing}"
    assert {getattr(read, f"{part}_energy_kwh"), read.total_energy_kwh, read.emissions_kg_co2e} == {None}
    assert read.ram_energy_kwh > 0


def test_figures_that_no_energy_can_be_are_a_failure(still, monkeypatch):
    tracker = Tracker((1,), "FRA")
    tracker.ready()
    monkeypatch.setattr(
        OfflineEmissionsTracker,
        "stop_task",
        lambda tracker: SimpleNamespace(
            gpu_energy=1.0, cpu_energy=1.0, ram_energy=float("nan"), energy_consumed=-1.0, emissions=0.1
        ),
    )
    assert figures(still, tracker=tracker).failure.startswith("ValidationError")


def test_in_a_folder_that_is_gone_everything_is_as_elsewhere(still, tmp_path):
    expected = pytest.approx(energies(figures(still)))
    (tmp_path / "gone").mkdir()
    os.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert energies(figures(still)) == expected
