import time

import pytest
from fake_nvml import Driver, install

from isojoule import gpus
from isojoule.errors import InputError


def test_a_gpu_is_identified_by_its_uuid(monkeypatch):
    driver = Driver()
    install(monkeypatch, driver)
    gpu = gpus.identify(driver.uuid)
    assert (gpu.name, gpu.driver, gpu.power_limit_w, gpu.memory_bytes) == ("Tesla T4", "580.1", 70.0, 16 * 2**30)
    assert gpu.energy_counter


def test_a_gpu_without_energy_counter_is_told(monkeypatch):
    driver = Driver()
    driver.energy_mj = None
    install(monkeypatch, driver)
    assert not gpus.identify(driver.uuid).energy_counter


def test_an_unknown_gpu_is_named(monkeypatch):
    install(monkeypatch, Driver())
    with pytest.raises(InputError, match="GPU GPU-none: NVML cannot read it: Not Found"):
        gpus.identify("GPU-none")


def test_samples_are_averaged(monkeypatch):
    driver = Driver()
    install(monkeypatch, driver)
    with gpus.Sampler(driver.uuid, period_s=0.01) as sampler:
        time.sleep(0.2)
    statistics = sampler.statistics(peak_memory_bytes=5)
    assert statistics.samples >= 3
    assert (statistics.utilization_percent, statistics.memory_utilization_percent) == (80, 40)
    assert (statistics.power_w, statistics.max_temperature_c, statistics.peak_memory_bytes) == (70, 61, 5)


def test_a_field_that_the_gpu_lacks_is_none(monkeypatch):
    driver = Driver()
    driver.power_mw = None
    install(monkeypatch, driver)
    with gpus.Sampler(driver.uuid, period_s=0.01) as sampler:
        time.sleep(0.1)
    statistics = sampler.statistics(peak_memory_bytes=None)
    assert statistics.power_w is None
    assert statistics.utilization_percent == 80
