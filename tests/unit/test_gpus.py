import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from isojoule import gpus
from isojoule.errors import InputError

FAKE = Path(__file__).parents[1] / "fake_nvml"

METER = """
import json, time
from isojoule import gpus
from isojoule.energy import Meter
from isojoule.errors import InputError
gpu = gpus.identify("GPU-12345678-aaaa-bbbb-cccc-123456789abc")
meter = Meter("FRA", gpu)
meter.begin()
time.sleep(1)
so_far_kwh = meter.so_far_kwh()
time.sleep(1)
try:
    print(json.dumps({**meter.end().model_dump(), "so_far_kwh": so_far_kwh}))
except InputError as error:
    print(json.dumps({"refused": str(error)}))
"""


def test_a_gpu_is_identified_by_its_uuid(nvml):
    gpu = gpus.identify(nvml.UUIDS[1])
    assert (gpu.name, gpu.driver, gpu.power_limit_w, gpu.memory_bytes) == ("Tesla T4", "580.1", 70.0, 16 * 2**30)
    assert gpu.energy_counter


def test_a_gpu_without_energy_counter_is_told(nvml):
    nvml.driver.has_counter = False
    assert not gpus.identify(nvml.UUIDS[1]).energy_counter


def test_an_unknown_gpu_is_named(nvml):
    with pytest.raises(InputError, match="GPU GPU-none: NVML cannot read it: Not Found"):
        gpus.identify("GPU-none")


def test_samples_are_averaged(nvml):
    with gpus.Sampler(nvml.UUIDS[1], period_s=0.01) as sampler:
        time.sleep(0.2)
    statistics = sampler.statistics(peak_memory_bytes=5)
    assert statistics.samples >= 3
    assert (statistics.utilization_percent, statistics.memory_utilization_percent) == (80, 40)
    assert (statistics.power_w, statistics.max_temperature_c, statistics.peak_memory_bytes) == (70, 61, 5)


def test_a_field_that_the_gpu_lacks_is_none(nvml):
    nvml.driver.power_w = None
    with gpus.Sampler(nvml.UUIDS[1], period_s=0.01) as sampler:
        time.sleep(0.1)
    statistics = sampler.statistics(peak_memory_bytes=None)
    assert statistics.power_w is None
    assert statistics.utilization_percent == 80


def metered(tmp_path, **environment):
    """What the meter reads of the second GPU over two seconds, in a process that finds the fake driver."""
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    paths = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": f"{FAKE}:scripts"}
    command = [sys.executable, "-c", METER]
    ended = subprocess.run(
        command, env={**os.environ, **paths, **environment}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("environment", "source", "tolerance"),
    [({}, "NVML energy counter", 0.03), ({"FAKE_NO_COUNTER": "1"}, "NVML power sampled at 1 s", 0.1)],
)
def test_the_meter_reads_the_gpu_that_computes_and_no_other(tmp_path, environment, source, tolerance):
    energy = metered(tmp_path, FAKE_POWER_W="90", **environment)
    assert energy["component"] == "gpu"
    assert energy["gpu"]["kind"] == "measured"
    assert energy["gpu"]["source"].endswith(source)
    assert energy["gpu"]["energy_kwh"] * 3.6e6 == pytest.approx(90 * energy["duration_s"], rel=tolerance)
    assert energy["so_far_kwh"] * 3.6e6 == pytest.approx(90, rel=2 * tolerance)


def test_a_gpu_that_reads_zero_is_refused(tmp_path):
    refused = metered(tmp_path, FAKE_POWER_W="0")["refused"]
    assert refused.startswith("Tesla T4: CodeCarbon read 0.0 kWh over 2.0")
    assert "expected more than 0" in refused
