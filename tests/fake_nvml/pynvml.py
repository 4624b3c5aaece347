"""A driver with two GPUs, under the names of the NVML library; attributes of `driver` decide what it reads.

Energy is the integral of `power_w` over `clock`, so that what a meter should read is known.
"""

import json
import os
import time
from types import SimpleNamespace

NVML_SUCCESS = 0
NVML_TEMPERATURE_GPU = 0
NVML_CLOCK_SM, NVML_CLOCK_MEM = 1, 2
NVML_FI_DEV_POWER_INSTANT = 186
NVML_DEVICE_ARCH_AMPERE = 7


class NVMLError(Exception):
    pass


class NVMLError_NotSupported(NVMLError):  # noqa: N801 - the library's own name
    pass


class NVMLError_FunctionNotFound(NVMLError):  # noqa: N801 - the library's own name
    pass


class NVMLError_GpuIsLost(NVMLError):  # noqa: N801 - the library's own name
    pass


UUIDS = ["GPU-00000000-aaaa-bbbb-cccc-000000000000", "GPU-12345678-aaaa-bbbb-cccc-123456789abc"]

driver = SimpleNamespace(
    name="Tesla T4",
    clock=time.time,
    # watts; or a function of the clock, with `energy_j` its integral
    power_w=70,
    energy_j=None,
    has_counter=True,
    counter_period_s=0.02,
    # the clock's time at which the counter starts from 0
    reset_s=0,
    # energy that the counter claims beyond what was drawn, in parts of it
    counter_excess=0,
    has_instantaneous_power=True,
    # nvmlDeviceGetPowerUsage: none, or averaged over as many seconds
    averaged_s=1,
    architecture=9,
    power_limit_w=70,
    utilization=(80, 40),
    clocks_mhz=(1590, 5000),
    temperature_c=61,
    throttle_reasons=0,
    mig=False,
    processes=1,
    lost=False,
)
# the environment sets it for processes that a test starts
vars(driver).update(json.loads(os.environ.get("FAKE_NVML", "{}")))


def _power_w(handle, now_s):
    """The second GPU draws the driver's power, the first ten times as much."""
    return (driver.power_w(now_s) if callable(driver.power_w) else driver.power_w) * (1 if handle else 10)


def _energy_j(handle, now_s):
    return (driver.energy_j(now_s) if driver.energy_j else driver.power_w * now_s) * (1 if handle else 10)


def _answering():
    if driver.lost:
        raise NVMLError_GpuIsLost("GPU is lost")


def nvmlInit():
    pass


def nvmlSystemGetDriverVersion():
    return "580.1"


def nvmlDeviceGetCount():
    return len(UUIDS)


def nvmlDeviceGetHandleByIndex(index):
    return index


def nvmlDeviceGetHandleByUUID(uuid):
    if uuid not in UUIDS:
        raise NVMLError("Not Found")
    return UUIDS.index(uuid)


def nvmlDeviceGetIndex(handle):
    return handle


def nvmlDeviceGetName(handle):
    return driver.name


def nvmlDeviceGetUUID(handle):
    return UUIDS[handle]


def nvmlDeviceGetArchitecture(handle):
    return driver.architecture


def nvmlDeviceGetMemoryInfo(handle):
    return SimpleNamespace(total=16 * 2**30, free=15 * 2**30, used=2**30)


def nvmlDeviceGetTemperature(handle, sensor):
    return driver.temperature_c


def nvmlDeviceGetClockInfo(handle, clock):
    return driver.clocks_mhz[clock - 1]


def nvmlDeviceGetCurrentClocksThrottleReasons(handle):
    return driver.throttle_reasons


def nvmlDeviceGetFieldValues(handle, fields):
    """The instantaneous power alone."""
    _answering()
    assert fields == [NVML_FI_DEV_POWER_INSTANT]
    if driver.power_w is None or not driver.has_instantaneous_power:
        return [SimpleNamespace(nvmlReturn=3)]
    milliwatts = round(1000 * _power_w(handle, driver.clock()))
    return [SimpleNamespace(nvmlReturn=NVML_SUCCESS, value=SimpleNamespace(uiVal=milliwatts))]


def nvmlDeviceGetPowerUsage(handle):
    """The mean power of the last `averaged_s`, of this moment where that is 0."""
    _answering()
    if driver.power_w is None or driver.averaged_s is None:
        raise NVMLError_NotSupported("Not Supported")
    now_s, over_s = driver.clock(), driver.averaged_s
    if not over_s:
        return round(1000 * _power_w(handle, now_s))
    return round(1000 * (_energy_j(handle, now_s) - _energy_j(handle, now_s - over_s)) / over_s)


def nvmlDeviceGetTotalEnergyConsumption(handle):
    """Millijoules, updated every `counter_period_s`."""
    _answering()
    if not driver.has_counter:
        raise NVMLError_NotSupported("Not Supported")
    now_s = driver.clock()
    updated_s = now_s // driver.counter_period_s * driver.counter_period_s
    start_s = driver.reset_s if now_s >= driver.reset_s else 0
    energy_j = _energy_j(handle, max(updated_s, start_s)) - _energy_j(handle, start_s)
    return round(1000 * energy_j * (1 + driver.counter_excess))


def nvmlDeviceGetEnforcedPowerLimit(handle):
    return round(1000 * driver.power_limit_w * (1 if handle else 10))


def nvmlDeviceGetUtilizationRates(handle):
    if driver.mig:
        raise NVMLError_NotSupported("Not Supported")
    return SimpleNamespace(gpu=driver.utilization[0], memory=driver.utilization[1])


def nvmlDeviceGetComputeMode(handle):
    return 0


def nvmlDeviceGetMigMode(handle):
    return [int(driver.mig), int(driver.mig)]


def nvmlDeviceGetComputeRunningProcesses(handle):
    return [SimpleNamespace(pid=pid) for pid in range(driver.processes)]


def nvmlDeviceGetGraphicsRunningProcesses(handle):
    return []
