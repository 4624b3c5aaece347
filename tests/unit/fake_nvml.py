"""A driver with one GPU, under the names of the NVML library."""

import types

NVML_TEMPERATURE_GPU = 0


class NVMLError(Exception):
    pass


class Driver:
    name = "Tesla T4"
    uuid = "GPU-12345678-aaaa-bbbb-cccc-123456789abc"
    energy_mj: int | None = 1_000_000
    power_mw: int | None = 70_000
    utilization = (80, 40)
    temperature_c = 61


def install(monkeypatch, driver):
    """Put `driver` in the place of NVML."""
    from isojoule import gpus

    def unsupported(value):
        if value is None:
            raise NVMLError("Not Supported")
        return value

    def by_uuid(uuid):
        if uuid != driver.uuid:
            raise NVMLError("Not Found")
        return driver

    functions = {
        "nvmlInit": lambda: None,
        "nvmlDeviceGetHandleByUUID": by_uuid,
        "nvmlDeviceGetName": lambda handle: handle.name,
        "nvmlSystemGetDriverVersion": lambda: "580.1",
        "nvmlDeviceGetEnforcedPowerLimit": lambda handle: unsupported(handle.power_mw),
        "nvmlDeviceGetMemoryInfo": lambda handle: types.SimpleNamespace(total=16 * 2**30),
        "nvmlDeviceGetTotalEnergyConsumption": lambda handle: unsupported(handle.energy_mj),
        "nvmlDeviceGetUtilizationRates": lambda handle: types.SimpleNamespace(
            gpu=handle.utilization[0], memory=handle.utilization[1]
        ),
        "nvmlDeviceGetPowerUsage": lambda handle: unsupported(handle.power_mw),
        "nvmlDeviceGetTemperature": lambda handle, sensor: handle.temperature_c,
    }
    fake = types.SimpleNamespace(NVMLError=NVMLError, NVML_TEMPERATURE_GPU=NVML_TEMPERATURE_GPU, **functions)
    monkeypatch.setattr(gpus, "pynvml", fake)
