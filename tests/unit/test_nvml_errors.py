"""Every call into NVML, with every error code that it has: each time a reading that is right, or a true sentence."""

import time

import pynvml
import pytest
from nvml_below import library

from isojoule.energy import Meter, nvml, nvml_queries, update_period
from isojoule.errors import InputError

CODES = {name: code for name, code in vars(pynvml).items() if name.startswith("NVML_ERROR_")}
CALLS = sorted({*library.FUNCTIONS, "field"} - {"nvmlShutdown", "nvmlDeviceGetHandleByIndex_v2"})
# without these there is no GPU to speak of
NEEDED = ("nvmlInitWithFlags", "nvmlDeviceGetHandleByUUID")
# CodeCarbon's own calls; it is not under test here
OF_CODECARBON = ("nvmlDeviceGetCount_v2", "nvmlDeviceGetUUID", "nvmlDeviceGetComputeMode")


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    monkeypatch.setattr(nvml_queries, "PAUSE_S", 0)
    monkeypatch.setattr(update_period, "WATCHED_S", 0.05)
    monkeypatch.setattr(update_period, "WATCHED_UPDATES", 2)


def identified(driver):
    driver.driver.counter_period_s = 0.002
    return nvml.identify(driver.UUIDS[1])


@pytest.mark.parametrize("call", CALLS)
def test_whatever_a_call_answers_the_gpu_is_read_or_refused_in_a_sentence(driver, call):
    for name, code in CODES.items():
        driver.driver.codes = {call: code}
        board = None
        try:
            gpu = identified(driver)
            board = nvml.Board(driver.UUIDS[1])
            power_w, sample = board.power_w(), board.sample()
        except InputError as error:
            sentence = str(error)
            assert "GPU-1234" in sentence, (call, name, sentence)
            assert "\n" not in sentence
            # an optional query makes a GPU unusable only where it says that the GPU or the driver is gone
            essential = (*NEEDED, "nvmlDeviceGetTotalEnergyConsumption", "nvmlDeviceGetPowerUsage", "field")
            assert code in nvml_queries.GONE or call in (*essential, "nvmlDeviceGetFieldValues"), (call, name, sentence)
            continue
        assert call not in NEEDED, (call, name)
        assert (gpu.uuid, gpu.scope) == (driver.UUIDS[1], "gpu")
        # whatever is left, what is read is right
        assert power_w in (None, 70), (call, name)
        assert gpu.counter_period_s is not None or gpu.power is not None
        assert sample.get("temperature_c", 61) == 61
        assert sample.get("foreign_processes", 0) == 0


def test_a_function_that_the_driver_lacks_is_not_offered(driver):
    for call in library.FUNCTIONS:
        if call in (*NEEDED, "nvmlShutdown", "nvmlDeviceGetHandleByIndex_v2"):
            continue
        pynvml._nvmlGetFunctionPointer_cache.clear()
        driver.driver.absent = (call,)
        gpu = identified(driver)
        assert gpu.counter_period_s is not None or gpu.power is not None
        nvml.Board(driver.UUIDS[1]).sample()


@pytest.mark.parametrize("call", ["nvmlDeviceGetTotalEnergyConsumption", "nvmlDeviceGetFieldValues", "field"])
def test_a_window_in_which_a_call_fails_now_and_then_is_right_or_refused(driver, call):
    gpu = identified(driver)
    meter = Meter(gpus=[gpu], synchronize=lambda: None, idle_s=0, min_window_s=0.01, power_period_s=0.01)
    for name in ("NVML_ERROR_UNKNOWN", "NVML_ERROR_TIMEOUT", "NVML_ERROR_IN_USE"):
        driver.driver.sporadic = {call: (7, CODES[name])}
        with meter as window:
            time.sleep(0.1)
        energy = window.energy
        assert energy.gpu.energy_kwh * 3.6e6 == pytest.approx(70 * energy.duration_s, rel=0.1), name


@pytest.mark.parametrize("has_counter", [True, False])
def test_whatever_fails_inside_a_window_it_is_right_or_refused(driver, has_counter):
    driver.driver.has_counter = has_counter
    gpu = identified(driver)
    meter = Meter(gpus=[gpu], synchronize=lambda: None, idle_s=0, min_window_s=0.01, power_period_s=0.01)
    for call in ("nvmlDeviceGetTotalEnergyConsumption", "nvmlDeviceGetFieldValues", "nvmlDeviceGetTemperature"):
        for name in ("NVML_ERROR_UNKNOWN", "NVML_ERROR_GPU_IS_LOST", "NVML_ERROR_NO_PERMISSION"):
            refusal = None
            try:
                with meter as window:
                    driver.driver.codes = {call: CODES[name]}
                    time.sleep(0.05)
            except InputError as error:
                refusal = str(error)
            driver.driver.codes = {}
            if refusal is not None:
                assert "nothing was measured" in refusal, (call, name)
                continue
            energy = window.energy
            expected_j = 70 * energy.duration_s
            bound_j = energy.gpu.uncertainty_kwh * 3.6e6
            assert energy.gpu.energy_kwh * 3.6e6 == pytest.approx(expected_j, abs=bound_j + 0.05 * expected_j)
