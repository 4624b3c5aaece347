"""The certificate on simulated boards whose truth is known: it must find their parameters within five per cent."""

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_boards import IDLE_W, WORK_W, certified, found

from isojoule.cli.check_gpu import drawn, numbered
from isojoule.energy.certificate.findings import sentences
from isojoule.energy.certificate.procedure import Found
from isojoule.energy.instruments import of_gpu
from isojoule.records import certificate as records
from isojoule.records.certificate import Certificate, Response, Windows
from isojoule.records.measurement import Gpu


@pytest.mark.parametrize("period_s", [0.015, 0.02, 0.025, 0.05, 0.1])
def test_an_immediate_counter(period_s):
    """Its period is found, it has no lag, and its windows are straight from the beginning."""
    result = found(period_s=period_s)
    assert result.counter.update_period_s == pytest.approx(period_s, rel=0.05)
    assert (result.counter.averaged_s, abs(result.counter.lag_s) < 0.004) == (0, True)
    assert result.power.update_period_s == pytest.approx(period_s, rel=0.05)
    assert result.power.averaged_s == 0
    assert result.idle_power_w == pytest.approx(IDLE_W, rel=0.05)
    assert result.load_power_w == pytest.approx(WORK_W, rel=0.05)
    assert result.counter_over_power == pytest.approx(1, rel=0.01)
    assert result.windows.nonlinearity_percent < 0.1
    assert result.windows.spread_percent < 0.5
    assert result.shortest_window_s < 5


@pytest.mark.parametrize("lag_s", [0.1, 0.25, 1.0])
@pytest.mark.parametrize("period_s", [0.02, 0.1])
def test_a_counter_that_integrates_a_mean(period_s, lag_s):
    result = found(period_s=period_s, counter_lag_s=lag_s)
    assert result.counter.update_period_s == pytest.approx(period_s, rel=0.05)
    assert result.counter.averaged_s == pytest.approx(lag_s, rel=0.05)
    assert result.counter.lag_s == pytest.approx(lag_s / 2, rel=0.05)


@pytest.mark.parametrize("averaged_s", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("period_s", [0.02, 0.1])
def test_a_power_that_is_a_mean(period_s, averaged_s):
    result = found(period_s=period_s, power_lag_s=averaged_s)
    assert result.power.averaged_s == pytest.approx(averaged_s, rel=0.05, abs=0.004)
    assert result.power.lag_s == pytest.approx(averaged_s / 2, rel=0.1, abs=0.006)
    # seen at an update, so that it can be a period more
    assert result.settling_s == pytest.approx(averaged_s, rel=0.05, abs=period_s + 0.01)


def test_a_sensor_that_looks_a_quarter_of_the_time():
    """As those of the A100 and the H100: 25 of every 100 ms."""
    result = found(period_s=0.1, looks_s=0.025)
    assert result.power.looked_share == pytest.approx(0.25, rel=0.05)
    assert result.power.update_period_s == pytest.approx(0.1, rel=0.05)


def test_a_sensor_that_always_looks():
    assert found(period_s=0.1, looks_s=0.1).power.looked_share == 1


@pytest.mark.parametrize("gain", [0.95, 1.05])
def test_a_counter_with_an_error_of_gain(gain):
    assert found(gain=gain).counter_over_power == pytest.approx(gain, rel=0.01)


def test_a_board_without_counter_has_none_and_says_why():
    """As those before Volta."""
    result = found(has_counter=False)
    assert (result.counter, result.windows, result.counter_over_power) == (None, None, None)
    assert result.unknown["counter"] == "the board has no energy counter"
    assert result.power.update_period_s == pytest.approx(0.1, rel=0.05)


def test_the_short_form_finds_the_same():
    result = found("short", period_s=0.1, counter_lag_s=1.0, power_lag_s=1.0)
    assert result.counter.update_period_s == pytest.approx(0.1, rel=0.05)
    assert result.counter.averaged_s == pytest.approx(1, rel=0.05)
    assert result.power.averaged_s == pytest.approx(1, rel=0.1)


@settings(max_examples=8)
@given(period_s=st.floats(0.015, 0.1), lag_s=st.floats(0.2, 1.0), gain=st.floats(0.9, 1.1), seed=st.integers(0, 99))
def test_whatever_a_board_is_its_short_certificate_is_within_five_per_cent(period_s, lag_s, gain, seed):
    result = found("short", period_s=period_s, counter_lag_s=lag_s, gain=gain, seed=seed)
    assert result.counter.update_period_s == pytest.approx(period_s, rel=0.05)
    assert result.counter.averaged_s == pytest.approx(lag_s, rel=0.05)
    assert result.counter_over_power == pytest.approx(gain, rel=0.05)


def test_a_power_that_stands_still_has_no_period_and_says_so():
    result = found("short", noise=0.0)
    assert result.power.update_period_s is None
    assert result.unknown["power.update_period_s"] == "too few updates were seen"


def test_every_finding_is_a_sentence_with_its_figure(tmp_path):
    result = found(period_s=0.1, counter_lag_s=0.5, power_lag_s=1.0)
    lines = sentences(result)
    assert "The energy counter is updated every 100 ms and shows work 2" in " ".join(lines)
    assert any(line.startswith("The power is updated every 100 ms, and is the mean of the last ") for line in lines)
    assert any(line.startswith("Windows below ") and "can be off by more than 1 %" in line for line in lines)
    assert "The sensor looks at all of the time." in lines
    assert all(line[0].isupper() and line.endswith(".") for line in lines)
    drawn(certified(result), tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000


def test_nothing_is_guessed_where_nothing_was_found():
    assert sentences(Found(unknown={"counter": "the board has no energy counter"})) == [
        "Not found out: counter, since the board has no energy counter."
    ]


def test_bounds_and_periods_come_from_the_certificate():
    described = {"name": "T4", "uuid": "GPU-1", "nvml_index": 0, "driver": "1", "power_limit_w": 70.0,
                 "memory_bytes": 1, "counter_period_s": 0.02, "power": "instantaneous", "mig": False}  # fmt: skip
    gpu = Gpu.model_validate(described)
    windows = Windows(durations_s=[1, 2], energies_j=[70, 143], offset_j=-3.0)
    result = Found(counter=Response(update_period_s=0.1), windows=windows)
    plain, informed = of_gpu(gpu, 0.1), of_gpu(gpu, 0.1, certified(result))
    assert (plain.period_s, plain.offset_j) == (0.02, 0)
    assert (informed.period_s, informed.offset_j) == (0.1, 3)
    without_counter = gpu.model_copy(update={"counter_period_s": None, "power_period_s": 0.05})
    slow = certified(Found(power=Response(update_period_s=0.2)))
    plain, informed = of_gpu(without_counter, 0.1), of_gpu(without_counter, 0.1, slow)
    assert (plain.period_s, plain.shown.over_s) == (0.1, 0.05)
    assert (informed.period_s, informed.shown.over_s) == (0.2, 0.2)


@pytest.mark.parametrize("delay_s", [0.2, 0.5, 0.8])
def test_a_counter_with_a_pure_delay_is_waited_for(delay_s):
    """Behind the work it looks settled while it still shows the work."""
    result = found("short", period_s=0.05, counter_delay_s=delay_s, seed=4)
    assert result.counter.lag_s == pytest.approx(delay_s, rel=0.05)
    assert 2 * delay_s <= result.counter.late_s < 2.5 * delay_s
    assert abs(result.windows.offset_j) < 3
    powers_w = [of_window_j / duration_s for of_window_j, duration_s in
                zip(result.windows.energies_j, result.windows.durations_s, strict=True)]  # fmt: skip
    assert powers_w == pytest.approx([WORK_W] * len(powers_w), rel=0.01)


@pytest.mark.parametrize(("truth", "late_s"), [({}, 0), ({"counter_lag_s": 0.5}, 0.55)])
def test_windows_wait_for_the_lag_that_the_certificate_has(truth, late_s):
    gpu = Gpu(name="A40", uuid="GPU-1", nvml_index=0, driver="580", power_limit_w=300, memory_bytes=1, mig=False,
              counter_period_s=0.1, power="instantaneous")  # fmt: skip
    certificate = certified(found("short", **truth))
    assert of_gpu(gpu, 0.1, certificate).late_s == pytest.approx(late_s, rel=0.06)
    # nobody knows how late the counter of a board is that was not tried, or did not tell
    assert of_gpu(gpu, 0.1).late_s is None
    assert of_gpu(gpu, 0.1, certified(Found(counter=Response(update_period_s=0.1)))).late_s is None


def test_a_cpu_that_nothing_measures_has_an_estimated_certificate(tmp_path):
    command = [sys.executable, "-m", "isojoule", "check-gpu", "--short", "--output", "cpu.json"]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
    assert ended.returncode == 0, ended.stderr
    certificate = records.read(tmp_path / "cpu.json")
    if certificate.kind == "measured":
        pytest.skip("this CPU has RAPL")
    assert certificate.source.startswith("CPU time x")
    assert certificate.unknown["sensor"] == "nothing measures here, and the energy is that of a model"
    assert certificate.windows.spread_percent >= 0
    assert "Windows of the same length differ by" in ended.stdout
    # its name is that of its content
    content = json.loads((tmp_path / "cpu.json").read_text())
    assert Certificate.model_validate(content).name == certificate.name
    assert Certificate.model_validate({**content, "took_s": 1}).name != certificate.name


def test_several_boards_have_a_file_each(tmp_path):
    assert numbered(tmp_path / "c.json", 0, 1).name == "c.json"
    assert [numbered(tmp_path / "c.json", number, 2).name for number in (0, 1)] == ["c-0.json", "c-1.json"]


def test_a_path_that_cannot_be_written_costs_no_measurement(tmp_path):
    (tmp_path / "file").write_text("")
    for words, sentence in (
        (("--figure", "figure.txt"), "--figure: found figure.txt, expected a name that ends in .svg, .png, .pdf"),
        (("--output", "file/c.json"), "file is a file, expected a folder"),
    ):
        command = [sys.executable, "-m", "isojoule", "check-gpu", "--short", *words]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert sentence in ended.stderr
        assert ended.stderr.count("\n") == 1
