"""Every call into NVML, with every error code that it has: each time a reading that is right, or a true sentence."""

import time
from functools import partial
from pathlib import Path

import pynvml
import pytest
from nvml_below import library

from isojoule.energy import Meter, edges, instruments, nvml, nvml_queries, power_edges, sampler, update_period
from isojoule.errors import InputError

CODES = {name: code for name, code in vars(pynvml).items() if name.startswith("NVML_ERROR_")}
# without these there is no GPU to speak of
NEEDED = ("nvmlInitWithFlags", "nvmlDeviceGetHandleByUUID")
# the energy is read by these; a field may fail alone or with all others
DECIDING = ("nvmlDeviceGetTotalEnergyConsumption", "nvmlDeviceGetFieldValues", "field", "nvmlDeviceGetPowerUsage")
# CodeCarbon's own calls, and those that give no error code or are never asked
NOT_OURS = (
    "nvmlDeviceGetCount_v2",
    "nvmlDeviceGetHandleByIndex_v2",
    "nvmlDeviceGetUUID",
    "nvmlDeviceGetComputeMode",
    "nvmlErrorString",
    "nvmlShutdown",
)
OPTIONAL = sorted({*library.FUNCTIONS} - {*NEEDED, *DECIDING, *NOT_OURS})
# what these give when they are not answered
PERIODS = ("counter_period_s", "power_period_s")
SUBSTITUTES = {"name": "unknown GPU", "driver": "unknown", "mig": False}


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    monkeypatch.setattr(nvml_queries, "PAUSE_S", 0)
    monkeypatch.setattr(update_period, "WATCHED_S", 0.02)
    monkeypatch.setattr(update_period, "WATCHED_UPDATES", 1)
    monkeypatch.setattr(edges, "BLOCK_S", 0.01)
    monkeypatch.setattr(instruments, "LONGEST_UPDATE_S", 0.005)
    monkeypatch.setattr(power_edges, "BEYOND_S", 0.01)
    monkeypatch.setattr(instruments, "settled_edges", partial(edges.settled_edges, patience_s=0.1))


def identified(driver):
    driver.driver.counter_period_s = 0.001
    return nvml.identify(driver.UUIDS[1])


def all_of(driver):
    """Everything that is read of a GPU, but for the periods, which are never twice the same."""
    described = identified(driver).model_dump()
    board = nvml.Board(driver.UUIDS[1])
    seen = {"counts": described["counter_period_s"] is not None, "power_w": board.power_w(), "sample": board.sample()}
    return {name: value for name, value in described.items() if name not in PERIODS} | seen


@pytest.mark.parametrize("call", NEEDED)
def test_a_gpu_that_cannot_be_reached_is_refused_in_a_sentence(driver, call):
    for code in CODES.values():
        driver.driver.codes = {call: code}
        with pytest.raises(InputError, match=r"^GPU GPU-1234[-0-9a-f]+: NVML cannot read it: [A-Z][^\n]+$"):
            identified(driver)


@pytest.mark.parametrize("call", OPTIONAL)
def test_whatever_an_optional_call_answers_the_rest_is_read(driver, call):
    """What it would have given is missing, and nothing else is another than it was."""
    whole = all_of(driver)
    for code in CODES.values():
        driver.driver.codes = {call: code}
        seen = all_of(driver)
        for name, value in seen.items():
            if name == "sample":
                assert value.items() <= whole["sample"].items(), (call, code)
            else:
                assert value in (whole[name], None, SUBSTITUTES.get(name)), (call, code, name)
        assert (seen["counts"], seen["power_w"]) == (True, 70)


@pytest.mark.parametrize("call", DECIDING)
@pytest.mark.parametrize("has_counter", [True, False])
def test_whatever_a_deciding_call_answers_another_decides_or_a_sentence_says_why_not(driver, call, has_counter):
    driver.driver.has_counter = has_counter
    for name, code in CODES.items():
        driver.driver.codes = {call: code}
        refusal = None
        try:
            seen = all_of(driver)
        except InputError as error:
            refusal = str(error)
        if refusal is not None:
            assert code in nvml_queries.GONE, (call, name)
            assert refusal.startswith("Tesla T4 (GPU-12345678-aaaa-bbbb-cccc-123456789abc): no longer answers: ")
            continue
        assert seen["power_w"] == pytest.approx(70)
        assert seen["counts"] == (has_counter and call != "nvmlDeviceGetTotalEnergyConsumption")
        lacks_field = call in ("nvmlDeviceGetFieldValues", "field")
        assert seen["power"] == ("averaged" if lacks_field else "instantaneous"), (call, name)
        assert seen["sample"]["temperature_c"] == 61


def test_a_function_that_the_driver_lacks_is_not_offered(driver):
    whole = all_of(driver)
    for call in [*OPTIONAL, *DECIDING]:
        driver.driver.absent = (call,)
        seen = all_of(driver)
        assert (seen["power_w"], seen["sample"].items() <= whole["sample"].items()) == (70, True), call
        assert seen["counts"] == (call != "nvmlDeviceGetTotalEnergyConsumption")


def test_a_counter_that_is_silent_at_the_end_of_a_window_costs_nothing(driver):
    """It is read at its next updates, as at every end."""
    meter = Meter(gpus=[identified(driver)], synchronize=lambda: None, idle_s=0, power_period_s=0.01)
    with meter as window:
        time.sleep(0.1)
        driver.driver.sporadic = {DECIDING[0]: (1, pynvml.NVML_ERROR_TIMEOUT, nvml_queries.TRIES)}
    energy = window.energy
    assert (energy.gpu.source, energy.gpu.kind) == ("NVML energy counter", "measured")
    assert energy.gpu.energy_kwh * 3.6e6 == pytest.approx(70 * energy.duration_s, rel=0.1)


@pytest.mark.parametrize("call", DECIDING[:3])
def test_a_window_in_which_a_call_fails_now_and_then_is_right(driver, call):
    """One error in ten thousand samples threw a window away at its end."""
    meter = Meter(gpus=[identified(driver)], synchronize=lambda: None, idle_s=0, power_period_s=0.01)
    for name in ("NVML_ERROR_UNKNOWN", "NVML_ERROR_TIMEOUT", "NVML_ERROR_IN_USE", "NVML_ERROR_MEMORY"):
        driver.driver.sporadic = {call: (7, CODES[name])}
        with meter as window:
            time.sleep(0.1)
        energy = window.energy
        assert energy.gpu.energy_kwh * 3.6e6 == pytest.approx(70 * energy.duration_s, rel=0.1), name


@pytest.mark.parametrize(("call", "has_counter"), [(DECIDING[0], True), (DECIDING[1], True), (DECIDING[1], False)])
def test_whatever_fails_inside_a_window_it_is_right_or_refused(driver, call, has_counter):
    driver.driver.has_counter = has_counter
    meter = Meter(gpus=[identified(driver)], synchronize=lambda: None, idle_s=0, power_period_s=0.01)
    source = "NVML energy counter" if has_counter else "NVML instantaneous power, integrated"
    for name, code in CODES.items():
        refusal = window = None
        try:
            with meter as window:
                driver.driver.codes = {call: code}
                time.sleep(0.02)
        except InputError as error:
            refusal = str(error)
        driver.driver.codes = {}
        if refusal is not None:
            assert refusal.startswith("Tesla T4 (GPU-1234"), (call, name, refusal)
            assert "nothing was measured" in refusal, (call, name, refusal)
            continue
        energy = window.energy
        assert energy.gpu.source == source
        bound_j, expected_j = energy.gpu.uncertainty_kwh * 3.6e6, 70 * energy.duration_s
        assert energy.gpu.energy_kwh * 3.6e6 == pytest.approx(expected_j, abs=bound_j + 0.05 * expected_j), (call, name)


def test_the_page_on_energy_has_the_limits_that_decide():
    page = (Path(__file__).parents[2] / "docs" / "energy.md").read_text()
    assert (nvml_queries.TRIES, sampler.LONGEST_GAP_S, sampler.LONGEST_GAP_SHARE, sampler.HOPELESS_S) == (
        4,
        1,
        0.02,
        30,
    )
    assert "is asked again, three times\nwithin 0.05 s" in page
    assert "gap of more than 1 s, or of more than 2 % of a longer window" in page
    assert "answered for 30 s where its power decides, ends the window" in page


def test_the_page_of_troubles_has_the_words_of_the_messages():
    page = (Path(__file__).parents[2] / "docs" / "troubleshooting.md").read_text()
    sources = "".join(Path(module.__file__).read_text() for module in (nvml_queries, instruments))
    assert f"did not answer {nvml_queries.TRIES} times" in page
    for words in ("no longer answers", "found no power of the GPU alone, but that of the module"):
        assert words in page
        assert words in sources
