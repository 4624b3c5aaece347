"""A driver with two GPUs, under the names of the NVML library; attributes of `driver` decide what it reads."""

import os
import time
from types import SimpleNamespace

NVML_TEMPERATURE_GPU = 0


class NVMLError(Exception):
    pass


class NVMLError_NotSupported(NVMLError):  # noqa: N801 - the library's own name
    pass


UUIDS = ["GPU-00000000-aaaa-bbbb-cccc-000000000000", "GPU-12345678-aaaa-bbbb-cccc-123456789abc"]

# what a process finds; the environment sets it for processes that a test starts
driver = SimpleNamespace(
    name="Tesla T4",
    power_w=float(os.environ.get("FAKE_POWER_W", "70")),
    has_counter="FAKE_NO_COUNTER" not in os.environ,
    utilization=(80, 40),
    temperature_c=61,
    mig=False,
    processes=1,
)


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


def nvmlDeviceGetMemoryInfo(handle):
    return SimpleNamespace(total=16 * 2**30, free=15 * 2**30, used=2**30)


def nvmlDeviceGetTemperature(handle, sensor):
    return driver.temperature_c


def nvmlDeviceGetPowerUsage(handle):
    """The second GPU draws the driver's power, the first ten times as much."""
    if driver.power_w is None:
        raise NVMLError_NotSupported("Not Supported")
    return round(1000 * driver.power_w * (1 if handle else 10))


def nvmlDeviceGetTotalEnergyConsumption(handle):
    """Millijoules since the epoch, updated every 20 ms."""
    if not driver.has_counter:
        raise NVMLError_NotSupported("Not Supported")
    return round(nvmlDeviceGetPowerUsage(handle) * (time.time() // 0.02 * 0.02))


def nvmlDeviceGetEnforcedPowerLimit(handle):
    return 70_000


def nvmlDeviceGetUtilizationRates(handle):
    return SimpleNamespace(gpu=driver.utilization[0], memory=driver.utilization[1])


def nvmlDeviceGetComputeMode(handle):
    return 0


def nvmlDeviceGetMigMode(handle):
    return [int(driver.mig), int(driver.mig)]


def nvmlDeviceGetComputeRunningProcesses(handle):
    return [SimpleNamespace(pid=pid) for pid in range(driver.processes)]


def nvmlDeviceGetGraphicsRunningProcesses(handle):
    return []
