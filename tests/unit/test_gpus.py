import ast
import time
from pathlib import Path

import pynvml
import pytest
from nvml_below import library

from isojoule.energy import Meter, company, nvml, nvml_queries, update_period
from isojoule.errors import InputError


@pytest.fixture(autouse=True)
def watched_briefly(monkeypatch):
    monkeypatch.setattr(update_period, "WATCHED_S", 1.0)


def test_every_name_of_the_binding_that_we_use_is_there_and_answered():
    """A misspelt name would be found by nobody who has no GPU."""
    used = {
        node.attr
        for module in (nvml, nvml_queries, company)
        for node in ast.walk(ast.parse(Path(module.__file__).read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "pynvml"
    }
    assert len(used) > 40
    assert {name for name in used if not hasattr(pynvml, name)} == set()
    asked = {name for name in used if name.startswith(("nvmlDevice", "nvmlSystem"))}
    answered = {name.partition("_v")[0] for name in library.FUNCTIONS}
    assert asked <= answered


def test_the_reasons_of_throttling_are_those_of_the_library():
    bits = {
        "power-cap": pynvml.nvmlClocksThrottleReasonSwPowerCap,
        "hw-slowdown": pynvml.nvmlClocksThrottleReasonHwSlowdown,
        "sync-boost": pynvml.nvmlClocksThrottleReasonSyncBoost,
        "sw-thermal": pynvml.nvmlClocksThrottleReasonSwThermalSlowdown,
        "hw-thermal": pynvml.nvmlClocksThrottleReasonHwThermalSlowdown,
        "hw-power-brake": pynvml.nvmlClocksThrottleReasonHwPowerBrakeSlowdown,
    }
    assert bits == nvml.THROTTLE_REASONS


def test_a_gpu_is_identified_by_its_uuid(driver):
    gpu = nvml.identify(driver.UUIDS[1])
    assert (gpu.name, gpu.driver, gpu.power_limit_w, gpu.memory_bytes) == ("Tesla T4", "580.1", 70.0, 16 * 2**30)
    assert (gpu.nvml_index, gpu.power, gpu.mig) == (1, "instantaneous", False)


@pytest.mark.parametrize("period_s", [0.02, 0.1])
def test_the_period_of_its_counter_is_seen_and_never_taken_for_shorter(driver, period_s):
    driver.driver.counter_period_s = period_s
    assert 0.98 * period_s <= nvml.identify(driver.UUIDS[1]).counter_period_s < period_s + 0.2


def test_a_gpu_without_energy_counter_is_told(driver):
    driver.driver.has_counter = False
    assert nvml.identify(driver.UUIDS[1]).counter_period_s is None


def test_a_counter_that_stands_still_is_none(driver, monkeypatch):
    monkeypatch.setattr(update_period, "WATCHED_S", 0.1)
    driver.driver.counter_period_s = 1e12
    gpu = nvml.identify(driver.UUIDS[1])
    assert (gpu.counter_period_s, gpu.power) == (None, "instantaneous")


@pytest.mark.parametrize(
    ("architecture", "name", "kind"),
    [
        (4, "NVIDIA GeForce GTX 1080 Ti", "instantaneous"),
        (7, "NVIDIA A40", "averaged"),
        (7, "NVIDIA RTX A3000", "averaged"),
        (7, "A100-SXM4", "instantaneous"),
    ],
)
def test_older_drivers_give_one_power_whose_kind_depends_on_the_board(driver, architecture, name, kind):
    """Averaged over a second from Ampere on, but not on GA100."""
    vars(driver.driver).update(has_instantaneous_power=False, architecture=architecture, name=name)
    assert nvml.identify(driver.UUIDS[1]).power == kind


@pytest.mark.parametrize("power_w", [0, None])
def test_a_gpu_that_has_neither_energy_nor_power_is_refused(driver, monkeypatch, power_w):
    monkeypatch.setattr(update_period, "WATCHED_S", 0.1)
    vars(driver.driver).update(power_w=power_w, has_counter=power_w is not None)
    with pytest.raises(InputError, match="found neither an energy counter that counts nor a power above"):
        nvml.identify(driver.UUIDS[1])


def test_an_unknown_gpu_is_named(driver):
    with pytest.raises(InputError, match="GPU GPU-none: NVML cannot read it: Not Found"):
        nvml.identify("GPU-none")


def test_a_gpu_that_fell_off_the_bus_is_named(driver):
    driver.driver.lost = True
    with pytest.raises(InputError, match=r"Tesla T4 \(GPU-1234.*no longer answers: GPU is lost"):
        nvml.identify(driver.UUIDS[1])


def test_a_split_gpu_is_told(driver):
    driver.driver.mig = True
    assert nvml.identify(driver.UUIDS[1]).mig
    assert "utilization_percent" not in nvml.Board(driver.UUIDS[1]).sample()


def test_a_sample_has_what_the_gpu_does(driver):
    vars(driver.driver).update(throttle_reasons=0x4 | 0x40 | 0x1, processes=3)
    assert nvml.Board(driver.UUIDS[1]).sample() == {
        "utilization_percent": 80,
        "memory_utilization_percent": 40,
        "sm_clock_mhz": 1590,
        "memory_clock_mhz": 5000,
        "temperature_c": 61,
        "p_state": 0,
        "unlisted_memory_bytes": 0,
        "throttle_reasons": "power-cap hw-thermal",
        "foreign_processes": 2,
        "drawing_processes": 0,
    }


def test_a_board_is_described_as_a_sceptic_asks(driver):
    gpu = nvml.identify(driver.UUIDS[1])
    assert (gpu.ecc, gpu.persistence, gpu.vbios, gpu.cuda_driver) == (True, True, "90.04.38.00.03", "13.0")
    assert (gpu.max_sm_clock_mhz, gpu.max_memory_clock_mhz, gpu.application_sm_clock_mhz) == (1590, 5000, 1590)
    assert (gpu.application_memory_clock_mhz, gpu.default_power_limit_w, gpu.scope) == (5000, 70.0, "gpu")
    assert (gpu.pcie_generation, gpu.max_pcie_generation, gpu.pcie_lanes) == (1, 3, 16)


def test_a_name_that_is_no_utf8_is_a_name(driver):
    driver.driver.name = b"Tesla \xff4"
    assert nvml.identify(driver.UUIDS[1]).name == "Tesla \\xff4"


def test_the_older_name_of_the_throttle_reasons_is_asked_where_there_is_no_newer(driver):
    vars(driver.driver).update(throttle_reasons=0x20, absent=("nvmlDeviceGetCurrentClocksEventReasons",))
    board = nvml.Board(driver.UUIDS[1])
    assert board.sample()["throttle_reasons"] == "sw-thermal"
    driver.driver.absent = ("nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons")
    assert "throttle_reasons" not in board.sample()


def test_the_older_name_of_the_temperature_is_asked_where_there_is_no_newer(driver):
    board = nvml.Board(driver.UUIDS[1])
    for absent, temperature_c in (
        (("nvmlDeviceGetTemperature",), 61),
        (("nvmlDeviceGetTemperatureV",), 61),
        (("nvmlDeviceGetTemperature", "nvmlDeviceGetTemperatureV"), None),
    ):
        driver.driver.absent = absent
        assert board.sample().get("temperature_c") == temperature_c


@pytest.mark.parametrize(
    ("changes", "mig"),
    [
        ({}, False),
        ({"codes": {"nvmlDeviceGetMigMode": pynvml.NVML_ERROR_NOT_SUPPORTED}}, False),
        ({"absent": ("nvmlDeviceGetMigMode",)}, False),
        ({"codes": {"nvmlDeviceGetMigMode": pynvml.NVML_ERROR_NO_PERMISSION}}, None),
        ({"codes": {"nvmlDeviceGetMigMode": pynvml.NVML_ERROR_UNKNOWN}}, None),
    ],
)
def test_whether_a_gpu_is_split_is_unknown_only_where_the_driver_does_not_tell(driver, monkeypatch, changes, mig):
    """A board that has no such mode is not split."""
    monkeypatch.setattr(nvml_queries, "PAUSE_S", 0)
    vars(driver.driver).update(changes)
    assert nvml.Board(driver.UUIDS[1]).described(0.02).mig is mig


def test_a_driver_that_does_not_answer_at_first_is_asked_again(driver, monkeypatch):
    """The first calls of a program wake the driver up, and some then fail."""
    monkeypatch.setattr(nvml_queries, "PAUSE_S", 0)
    for call in ("nvmlInitWithFlags", "nvmlDeviceGetHandleByUUID", "nvmlDeviceGetFieldValues"):
        driver.driver.sporadic = {call: (1, pynvml.NVML_ERROR_UNKNOWN, 3)}
        assert nvml.Board(driver.UUIDS[1]).power_kind == "instantaneous"


@pytest.mark.parametrize("call", ["nvmlDeviceGetTotalEnergyConsumption", "nvmlDeviceGetFieldValues"])
def test_of_counter_and_power_one_that_never_answers_leaves_the_other(driver, monkeypatch, call):
    monkeypatch.setattr(nvml_queries, "PAUSE_S", 0)
    monkeypatch.setattr(update_period, "WATCHED_S", 0.1)
    driver.driver.codes = {call: pynvml.NVML_ERROR_TIMEOUT}
    gpu = nvml.identify(driver.UUIDS[1])
    by_counter = call == "nvmlDeviceGetFieldValues"
    assert (gpu.counter_period_s is not None, gpu.power) == (by_counter, "averaged" if by_counter else "instantaneous")


def test_a_gpu_that_answers_neither_is_not_said_to_lack_both(driver, monkeypatch):
    monkeypatch.setattr(nvml_queries, "PAUSE_S", 0)
    monkeypatch.setattr(update_period, "WATCHED_S", 0.1)
    calls = ("nvmlDeviceGetTotalEnergyConsumption", "nvmlDeviceGetFieldValues", "nvmlDeviceGetPowerUsage")
    driver.driver.codes = dict.fromkeys(calls, pynvml.NVML_ERROR_TIMEOUT)
    with pytest.raises(InputError, match=r"^Tesla T4 \(GPU-1234.*\): did not answer 4 times: Timeout; nothing was"):
        nvml.identify(driver.UUIDS[1])


def test_a_gpu_whose_power_has_become_another_one_is_refused(driver):
    """A window would integrate an average as if it were the power of the moment."""
    gpu = nvml.identify(driver.UUIDS[1])
    driver.driver.has_instantaneous_power = False
    with pytest.raises(InputError, match="found its power averaged, expected instantaneous as on arrival"):
        Meter(gpus=[gpu], synchronize=lambda: None)


GH200 = {"name": "NVIDIA GH200 480GB", "module_w": 100}


@pytest.mark.parametrize(
    "signs",
    [
        {"has_module_field": False},
        {"name": "NVIDIA GB999"},
        {"name": "NVIDIA GB999", "has_module_field": False, "has_c2c": True},
    ],
    ids=["its name", "the field of the module", "the link"],
)
def test_the_counter_of_a_module_is_not_called_the_gpus(driver, signs):
    """On Grace Hopper it has the CPU's and the memory's energy in it; the GPU's own power is integrated."""
    vars(driver.driver).update(GH200 | signs)
    gpu = nvml.identify(driver.UUIDS[1])
    assert (gpu.counter_period_s, gpu.power, gpu.scope) == (None, "instantaneous", "gpu")
    assert gpu.counter_scope == "module"
    assert nvml.Board(driver.UUIDS[1]).power_w() == 70


def test_a_driver_that_knows_no_modules_makes_none_of_a_board(driver):
    """It may give the GPU's power whatever it is asked for."""
    driver.driver.ignores_scope = True
    gpu = nvml.identify(driver.UUIDS[1])
    assert (gpu.counter_scope, gpu.scope, gpu.counter_period_s is None) == ("gpu", "gpu", False)


def test_a_power_limit_of_nothing_is_none(driver):
    """Else every window would be beyond it."""
    driver.driver.power_limit_w = 0
    gpu = nvml.identify(driver.UUIDS[1])
    assert (gpu.power_limit_w, gpu.default_power_limit_w) == (None, None)


def test_the_average_of_the_gpu_alone_serves_where_it_has_no_power_of_the_moment(driver):
    vars(driver.driver).update(GH200 | {"has_instantaneous_power": False, "has_averaged_field": True})
    gpu = nvml.identify(driver.UUIDS[1])
    assert (gpu.counter_period_s, gpu.power, gpu.scope) == (None, "averaged", "gpu")
    assert nvml.Board(driver.UUIDS[1]).power_w() == pytest.approx(70)


def test_a_module_whose_gpu_cannot_be_told_apart_is_refused_unless_allowed_and_then_labelled(driver):
    vars(driver.driver).update(GH200 | {"has_instantaneous_power": False})
    gpu = nvml.identify(driver.UUIDS[1])
    assert (gpu.scope, gpu.counter_period_s is None) == ("module", False)
    meter = Meter(gpus=[gpu], synchronize=lambda: None, idle_s=0)
    with pytest.raises(InputError, match="NVIDIA GH200 480GB: found no power of the GPU alone, but that of the module"):
        meter.__enter__()
    with Meter(gpus=[gpu], synchronize=lambda: None, idle_s=0, allow_shared=True) as window:
        time.sleep(0.3)
    assert window.energy.gpu.source == "NVML energy counter of the module"
    # beyond the limit of the GPU, which is 70 W
    assert window.energy.gpu.energy_kwh * 3.6e6 == pytest.approx(170 * window.energy.duration_s, rel=0.1)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (GH200, "its figure of a GPU is that of the module with its CPU and memory"),
        ({"codes": {"nvmlDeviceGetIndex": pynvml.NVML_ERROR_NO_PERMISSION}}, "NVML does not tell the number of a GPU"),
    ],
)
def test_codecarbon_is_not_said_to_have_read_another_thing_than_the_gpu(driver, changes, reason):
    """Its figure was the module's, or 0 kWh, and the flag disagreement stood beside it."""
    vars(driver.driver).update(changes)
    with Meter(gpus=[nvml.identify(driver.UUIDS[1])], synchronize=lambda: None, idle_s=0) as window:
        time.sleep(0.3)
    energy = window.energy
    assert energy.gpu.energy_kwh * 3.6e6 == pytest.approx(70 * energy.duration_s, rel=0.1)
    assert energy.codecarbon.failure.startswith(reason)
    assert (energy.codecarbon.gpu_energy_kwh, energy.codecarbon.total_energy_kwh) == (None, None)
    assert energy.codecarbon.cpu_energy_kwh > 0
    assert (energy.window.disagreement_percent or 0) < 5


def test_boards_of_a_machine_may_differ(driver):
    driver.driver.boards = {0: {"name": "NVIDIA A40", "has_counter": False, "power_w": 30}}
    first, second = (nvml.identify(uuid) for uuid in driver.UUIDS)
    assert (first.name, first.counter_period_s, second.name) == ("NVIDIA A40", None, "Tesla T4")
    assert nvml.Board(driver.UUIDS[0]).power_w() == 300
