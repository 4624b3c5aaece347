"""libnvidia-ml as Python functions, below the real binding: real structures, real error classes, no compiler.

Every function gets what the binding hands to ctypes, and returns an error code.
"""

import os
from collections import Counter

import pynvml

from nvml_below import driver as state

SUCCESS, NOT_FOUND, INSUFFICIENT_SIZE, NOT_SUPPORTED, LOST = 0, 6, 7, 3, 15


class Library:
    """What the binding takes for the loaded library."""

    def __init__(self):
        self._calls = Counter()

    def __getattr__(self, name):
        function = FUNCTIONS.get(name)
        if function is None or name in state.driver.absent:
            # the binding makes "function not found" of this
            raise AttributeError(name)

        def called(*arguments):
            self._calls[name] += 1
            every, sporadic_code = state.driver.sporadic.get(name, (0, 0))
            if every and self._calls[name] % every == 0:
                return sporadic_code
            code = state.driver.codes.get(name, SUCCESS)
            return code or function(*arguments) or SUCCESS

        return called


def install():
    """Put the library below the binding, and return a function that takes it away."""
    before = pynvml.nvmlLib
    pynvml.nvmlLib = Library()
    pynvml._nvmlGetFunctionPointer_cache.clear()

    def remove():
        pynvml.nvmlLib = before
        pynvml._nvmlGetFunctionPointer_cache.clear()

    return remove


def _number(argument, value):
    argument._obj.value = value


def _text(buffer, text):
    buffer.value = text if isinstance(text, bytes) else text.encode()


def _handle_by_uuid(uuid, device):
    if uuid.value.decode() not in state.UUIDS:
        return NOT_FOUND
    device._obj.number = state.UUIDS.index(uuid.value.decode())
    return SUCCESS


def _handle_by_index(index, device):
    device._obj.number = index.value
    return SUCCESS


def _memory(handle, memory):
    total, used = state.driver.memory_bytes, state.driver.used_bytes
    memory._obj.total, memory._obj.used, memory._obj.free = total, used, total - used


def _utilization(handle, rates):
    if state.driver.mig:
        return NOT_SUPPORTED
    rates._obj.gpu, rates._obj.memory = state.driver.utilization
    return SUCCESS


def _fields(handle, count, values):
    if state.driver.lost:
        return LOST
    for field in values._obj:
        is_module = field.scopeId == pynvml.NVML_POWER_SCOPE_MODULE
        is_offered = (
            field.fieldId == pynvml.NVML_FI_DEV_POWER_INSTANT
            and state.driver.power_w is not None
            and state.driver.has_instantaneous_power
            and (field.scopeId == pynvml.NVML_POWER_SCOPE_GPU or (is_module and state.driver.module_w is not None))
        )
        if not is_offered:
            field.nvmlReturn = NOT_SUPPORTED
        else:
            now_s = state.driver.clock()
            watts = state.power_w(handle.number, now_s) + (state.driver.module_w if is_module else 0)
            field.nvmlReturn = state.driver.codes.get("field", SUCCESS)
            field.timestamp, field.valueType, field.value.uiVal = int(1e6 * now_s), 1, round(1000 * watts)
    return SUCCESS


def _power_usage(handle, milliwatts):
    if state.driver.lost:
        return LOST
    if state.driver.power_w is None or state.driver.averaged_s is None:
        return NOT_SUPPORTED
    _number(milliwatts, round(1000 * state.averaged_w(handle.number, state.driver.clock())))
    return SUCCESS


def _energy(handle, millijoules):
    if state.driver.lost:
        return LOST
    if not state.driver.has_counter:
        return NOT_SUPPORTED
    _number(millijoules, round(1000 * state.counter_j(handle.number, state.driver.clock())))
    return SUCCESS


def _processes(handle, count, array):
    own_pid = state.driver.own_pid or os.getpid()
    pids = [own_pid, *range(2**22 + 1, 2**22 + state.driver.processes)][: state.driver.processes]
    if array is None or count._obj.value < len(pids):
        _number(count, len(pids))
        return INSUFFICIENT_SIZE if pids else SUCCESS
    for entry, pid in zip(array, pids, strict=False):
        entry.pid, entry.usedGpuMemory = pid, state.driver.process_bytes
    _number(count, len(pids))
    return SUCCESS


def _no_processes(handle, count, array):
    _number(count, 0)


def _limit(handle, milliwatts):
    _number(milliwatts, round(1000 * state.driver.power_limit_w * (1 if handle.number else 10)))


def _modes(handle, current, pending):
    _number(current, int(state.driver.mig))
    _number(pending, int(state.driver.mig))


def _ecc(handle, current, pending):
    _number(current, 1)
    _number(pending, 1)


FUNCTIONS = {
    "nvmlInitWithFlags": lambda flags: SUCCESS,
    "nvmlShutdown": lambda: SUCCESS,
    "nvmlSystemGetDriverVersion": lambda buffer, size: _text(buffer, "580.1"),
    "nvmlSystemGetCudaDriverVersion": lambda version: _number(version, 13000),
    "nvmlDeviceGetCount_v2": lambda count: _number(count, len(state.UUIDS)),
    "nvmlDeviceGetHandleByIndex_v2": _handle_by_index,
    "nvmlDeviceGetHandleByUUID": _handle_by_uuid,
    "nvmlDeviceGetIndex": lambda handle, index: _number(index, handle.number),
    "nvmlDeviceGetName": lambda handle, buffer, size: _text(buffer, state.driver.name),
    "nvmlDeviceGetUUID": lambda handle, buffer, size: _text(buffer, state.UUIDS[handle.number]),
    "nvmlDeviceGetArchitecture": lambda handle, value: _number(value, state.driver.architecture),
    "nvmlDeviceGetMemoryInfo": _memory,
    "nvmlDeviceGetMemoryInfo_v2": _memory,
    "nvmlDeviceGetTemperature": lambda handle, sensor, value: _number(value, state.driver.temperature_c),
    "nvmlDeviceGetClockInfo": lambda handle, clock, mhz: _number(mhz, state.driver.clocks_mhz[clock.value - 1]),
    "nvmlDeviceGetMaxClockInfo": lambda handle, clock, mhz: _number(mhz, state.driver.clocks_mhz[clock.value - 1]),
    "nvmlDeviceGetApplicationsClock": lambda handle, clock, mhz: _number(mhz, state.driver.clocks_mhz[clock.value - 1]),
    "nvmlDeviceGetPerformanceState": lambda handle, value: _number(value, state.driver.p_state),
    "nvmlDeviceGetCurrentClocksEventReasons": lambda handle, bits: _number(bits, state.driver.throttle_reasons),
    "nvmlDeviceGetCurrentClocksThrottleReasons": lambda handle, bits: _number(bits, state.driver.throttle_reasons),
    "nvmlDeviceGetFieldValues": _fields,
    "nvmlDeviceGetPowerUsage": _power_usage,
    "nvmlDeviceGetTotalEnergyConsumption": _energy,
    "nvmlDeviceGetEnforcedPowerLimit": _limit,
    "nvmlDeviceGetPowerManagementDefaultLimit": _limit,
    "nvmlDeviceGetUtilizationRates": _utilization,
    "nvmlDeviceGetComputeMode": lambda handle, mode: _number(mode, 0),
    "nvmlDeviceGetMigMode": _modes,
    "nvmlDeviceGetEccMode": _ecc,
    "nvmlDeviceGetPersistenceMode": lambda handle, mode: _number(mode, 1),
    "nvmlDeviceGetVbiosVersion": lambda handle, buffer, size: _text(buffer, "90.04.38.00.03"),
    "nvmlDeviceGetCurrPcieLinkGeneration": lambda handle, value: _number(value, 3),
    "nvmlDeviceGetCurrPcieLinkWidth": lambda handle, value: _number(value, 16),
    "nvmlDeviceGetComputeRunningProcesses_v3": _processes,
    "nvmlDeviceGetGraphicsRunningProcesses_v3": _no_processes,
    "nvmlDeviceGetMPSComputeRunningProcesses_v3": _no_processes,
}
