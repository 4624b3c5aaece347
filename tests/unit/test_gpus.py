import ast
from pathlib import Path

import pynvml
import pytest
from nvml_below import library

from isojoule.energy import nvml, nvml_queries, update_period
from isojoule.errors import InputError


def test_every_name_of_the_binding_that_we_use_is_there_and_answered():
    """A misspelt name would be found by nobody who has no GPU."""
    used = {
        node.attr
        for module in (nvml, nvml_queries)
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
    }


@pytest.mark.parametrize(("processes", "foreign"), [(0, None), (1, 0), (3, 2)])
def test_a_foreign_process_on_the_gpu_is_noticed(driver, processes, foreign):
    driver.driver.processes = processes
    assert nvml.Board(driver.UUIDS[1]).foreign_processes() == foreign


def test_processes_of_the_same_job_are_not_foreign(driver):
    driver.driver.processes = 3
    assert nvml.Board(driver.UUIDS[1], own_processes=2).foreign_processes() == 1


@pytest.mark.parametrize("own_pid", [1, 2**22])
def test_a_list_without_our_process_says_nothing_of_others(driver, own_pid):
    """A container has process numbers of its own, or is shown its own processes alone."""
    vars(driver.driver).update(processes=3, own_pid=own_pid)
    assert nvml.Board(driver.UUIDS[1]).foreign_processes() is None


def test_memory_that_no_listed_process_holds_is_told(driver):
    """The open kernel module hides the processes of other containers, but not their memory."""
    board = nvml.Board(driver.UUIDS[1])
    driver.driver.used_bytes = 9 * 2**30
    assert board.unlisted_memory_bytes() == 8 * 2**30 - nvml.UNLISTED_ALLOWANCE_BYTES
    driver.driver.used_bytes = 2**30
    assert board.unlisted_memory_bytes() == 0


def test_a_module_is_not_called_a_gpu(driver):
    """On Grace Hopper the counter has the CPU's and the memory's energy in it; the GPU's own power is integrated."""
    vars(driver.driver).update(name="NVIDIA GH200 480GB", module_w=100)
    gpu = nvml.identify(driver.UUIDS[1])
    assert (gpu.counter_period_s, gpu.power, gpu.scope) == (None, "instantaneous", "gpu")
    assert nvml.Board(driver.UUIDS[1]).power_w() == 70
    driver.driver.has_instantaneous_power = False
    gpu = nvml.identify(driver.UUIDS[1])
    assert (gpu.scope, gpu.counter_period_s is None) == ("module", False)


def test_a_board_is_described_as_a_sceptic_asks(driver):
    gpu = nvml.identify(driver.UUIDS[1])
    assert (gpu.ecc, gpu.persistence, gpu.vbios, gpu.cuda_driver) == (True, True, "90.04.38.00.03", "13.0")
    assert (gpu.max_sm_clock_mhz, gpu.max_memory_clock_mhz, gpu.application_sm_clock_mhz) == (1590, 5000, 1590)
    assert (gpu.default_power_limit_w, gpu.pcie_generation, gpu.pcie_lanes, gpu.scope) == (70.0, 3, 16, "gpu")


def test_a_name_that_is_no_utf8_is_a_name(driver):
    driver.driver.name = b"Tesla \xff4"
    assert nvml.identify(driver.UUIDS[1]).name == "Tesla \\xff4"


def test_the_older_name_of_the_throttle_reasons_is_asked_where_there_is_no_newer(driver):
    vars(driver.driver).update(throttle_reasons=0x20, absent=("nvmlDeviceGetCurrentClocksEventReasons",))
    board = nvml.Board(driver.UUIDS[1])
    assert board.sample()["throttle_reasons"] == "sw-thermal"
    pynvml._nvmlGetFunctionPointer_cache.clear()
    driver.driver.absent = ("nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons")
    assert "throttle_reasons" not in board.sample()


def test_a_stall_of_the_watcher_is_not_taken_for_a_period():
    """A stall of 0.45 s made windows of 52.9 s."""
    now_s, looks = [0.0], [0]

    def sleep(wait_s):
        looks[0] += 1
        now_s[0] += 0.45 if looks[0] % 150 == 0 else wait_s

    seen_s = update_period.update_period_s(lambda: int(now_s[0] / 0.1), clock=lambda: now_s[0], sleep=sleep)
    assert seen_s == pytest.approx(0.1, abs=0.003)


def test_how_often_power_is_updated_is_seen_where_there_is_no_counter(driver):
    """A power that is read ten times a second may be a second old."""
    vars(driver.driver).update(has_counter=False, power_w=lambda now_s: 40 + now_s // 0.3 % 7)
    assert nvml.identify(driver.UUIDS[1]).power_period_s == pytest.approx(0.3, rel=0.2)
