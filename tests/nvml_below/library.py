"""libnvidia-ml as Python functions, below the real binding: real structures, real error classes, no compiler.

Every function gets what the binding hands to ctypes, and returns an error code.
"""

import os
from collections import Counter

import pynvml

from nvml_below import driver as state
from nvml_below.driver import Board

SUCCESS, NOT_FOUND, INSUFFICIENT_SIZE, NOT_SUPPORTED, LOST = 0, 6, 7, 3, 15


class Library:
    """What the binding takes for the loaded library."""

    def __init__(self):
        self._calls, self._failures = Counter(), Counter()

    def __getattr__(self, name):
        function = FUNCTIONS.get(name)
        if function is None or name in state.driver.absent:
            # the binding makes "function not found" of this
            raise AttributeError(name)

        def called(*arguments):
            return self._sporadic_code(name) or state.driver.codes.get(name) or function(*arguments) or SUCCESS

        return called

    def _sporadic_code(self, name):
        self._calls[name] += 1
        every, code, *most = state.driver.sporadic.get(name, (0, SUCCESS))
        if not every or self._calls[name] % every or (most and self._failures[name] >= most[0]):
            return SUCCESS
        self._failures[name] += 1
        return code


class Unremembering(dict):
    """The binding's memory of functions: a test may take one away at any time."""

    def __setitem__(self, name, function):
        pass

    def __getitem__(self, name):
        return getattr(pynvml.nvmlLib, name)


def install():
    """Put the library below the binding, and return a function that takes it away."""
    before = pynvml.nvmlLib, pynvml._nvmlGetFunctionPointer_cache
    pynvml.nvmlLib, pynvml._nvmlGetFunctionPointer_cache = Library(), Unremembering()

    def remove():
        pynvml.nvmlLib, pynvml._nvmlGetFunctionPointer_cache = before

    return remove


def _number(argument, value):
    argument._obj.value = value


def _text(buffer, text):
    buffer.value = text if isinstance(text, bytes) else text.encode()


def _error_string(code):
    names = {number: name for name, number in vars(pynvml).items() if name.startswith("NVML_ERROR_")}
    return names.get(code, "Unknown Error").removeprefix("NVML_ERROR_").replace("_", " ").capitalize().encode()


def _handle_by_uuid(uuid, device):
    if uuid.value.decode() not in state.UUIDS:
        return NOT_FOUND
    device._obj.number = state.UUIDS.index(uuid.value.decode())
    return SUCCESS


def _handle_by_index(index, device):
    device._obj.number = index.value
    return SUCCESS


def _of_board(attribute):
    """A function that gives a number which is an attribute of the board."""
    return lambda handle, value: _number(value, getattr(Board(handle.number), attribute))


def _clock(handle, clock, mhz):
    _number(mhz, Board(handle.number).clocks_mhz[clock.value - 1])


def _memory(handle, memory):
    board = Board(handle.number)
    memory._obj.total, memory._obj.used = board.memory_bytes, board.used_bytes
    memory._obj.free = board.memory_bytes - board.used_bytes


def _utilization(handle, rates):
    if Board(handle.number).mig:
        return NOT_SUPPORTED
    rates._obj.gpu, rates._obj.memory = Board(handle.number).utilization
    return SUCCESS


def _temperature(handle, asked):
    asked._obj.temperature = Board(handle.number).temperature_c


def _link(handle, info):
    info._obj.isC2cEnabled = int(Board(handle.number).has_c2c)


def _fields(handle, count, values):
    board = Board(handle.number)
    if board.lost:
        return LOST
    now_s = board.clock()
    for field in values._obj:
        watts = _field_w(board, field.fieldId, field.scopeId, now_s)
        if watts is None:
            field.nvmlReturn = NOT_SUPPORTED
            continue
        field.nvmlReturn = board.codes.get("field", SUCCESS)
        field.timestamp, field.valueType = board.stamp_us(now_s), pynvml.NVML_VALUE_TYPE_UNSIGNED_INT
        field.value.uiVal = round(1000 * watts)
    return SUCCESS


def _field_w(board, field, scope, now_s):
    """The power that a field has; none where it is not offered."""
    is_offered, power_w = {
        pynvml.NVML_FI_DEV_POWER_INSTANT: (board.has_instantaneous_power, board.now_w),
        pynvml.NVML_FI_DEV_POWER_AVERAGE: (board.has_averaged_field, board.averaged_w),
    }[field]
    if board.power_w is None:
        return None
    if scope == pynvml.NVML_POWER_SCOPE_GPU or board.ignores_scope:
        return power_w(now_s) if is_offered else None
    assert scope == pynvml.NVML_POWER_SCOPE_MODULE
    has_module = is_offered and board.has_module_field and board.module_w is not None
    return power_w(now_s) + board.module_w if has_module else None


def _power_usage(handle, milliwatts):
    board = Board(handle.number)
    if board.lost:
        return LOST
    if board.power_w is None or board.averaged_s is None:
        return NOT_SUPPORTED
    _number(milliwatts, round(1000 * (board.averaged_w(board.clock()) + (board.module_w or 0))))
    return SUCCESS


def _energy(handle, millijoules):
    board = Board(handle.number)
    if board.lost:
        return LOST
    if not board.has_counter:
        return NOT_SUPPORTED
    _number(millijoules, round(1000 * board.counter_j(board.clock())))
    return SUCCESS


def _computing(handle, count, array):
    board = Board(handle.number)
    pids = [board.own_pid or os.getpid(), *range(2**22 + 1, 2**22 + board.processes)][: board.processes]
    return _list([*pids, *board.pids], board.process_bytes, count, array)


def _served(handle, count, array):
    board = Board(handle.number)
    return _list(board.served_pids, board.process_bytes, count, array)


def _drawing(handle, count, array):
    board = Board(handle.number)
    return _list(board.drawing_pids, board.process_bytes, count, array)


def _list(pids, size, count, array):
    if array is None or count._obj.value < len(pids):
        _number(count, len(pids))
        return INSUFFICIENT_SIZE if pids else SUCCESS
    for entry, pid in zip(array, pids, strict=False):
        entry.pid, entry.usedGpuMemory = pid, size
    _number(count, len(pids))
    return SUCCESS


def _limit(handle, milliwatts):
    board = Board(handle.number)
    _number(milliwatts, round(1000 * board.power_limit_w * board.factor))


def _modes(handle, current, pending):
    _number(current, int(Board(handle.number).mig))
    _number(pending, int(Board(handle.number).mig))


def _ecc(handle, current, pending):
    _number(current, 1)
    _number(pending, 1)


FUNCTIONS = {
    "nvmlInitWithFlags": lambda flags: SUCCESS,
    "nvmlShutdown": lambda: SUCCESS,
    "nvmlErrorString": _error_string,
    "nvmlSystemGetDriverVersion": lambda buffer, size: _text(buffer, "580.1"),
    "nvmlSystemGetCudaDriverVersion": lambda version: _number(version, 13000),
    "nvmlDeviceGetCount_v2": lambda count: _number(count, len(state.UUIDS)),
    "nvmlDeviceGetHandleByIndex_v2": _handle_by_index,
    "nvmlDeviceGetHandleByUUID": _handle_by_uuid,
    "nvmlDeviceGetIndex": lambda handle, index: _number(index, handle.number),
    "nvmlDeviceGetName": lambda handle, buffer, size: _text(buffer, Board(handle.number).name),
    "nvmlDeviceGetUUID": lambda handle, buffer, size: _text(buffer, state.UUIDS[handle.number]),
    "nvmlDeviceGetArchitecture": _of_board("architecture"),
    "nvmlDeviceGetC2cModeInfoV": _link,
    "nvmlDeviceGetMemoryInfo": _memory,
    "nvmlDeviceGetMemoryInfo_v2": _memory,
    "nvmlDeviceGetTemperature": lambda handle, sensor, value: _number(value, Board(handle.number).temperature_c),
    "nvmlDeviceGetTemperatureV": _temperature,
    "nvmlDeviceGetClockInfo": _clock,
    "nvmlDeviceGetMaxClockInfo": _clock,
    "nvmlDeviceGetApplicationsClock": _clock,
    "nvmlDeviceGetPerformanceState": _of_board("p_state"),
    "nvmlDeviceGetCurrentClocksEventReasons": _of_board("throttle_reasons"),
    "nvmlDeviceGetCurrentClocksThrottleReasons": _of_board("throttle_reasons"),
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
    "nvmlDeviceGetCurrPcieLinkGeneration": lambda handle, value: _number(value, 1),
    "nvmlDeviceGetMaxPcieLinkGeneration": lambda handle, value: _number(value, 3),
    "nvmlDeviceGetCurrPcieLinkWidth": lambda handle, value: _number(value, 16),
    "nvmlDeviceGetComputeRunningProcesses_v2": _computing,
    "nvmlDeviceGetComputeRunningProcesses_v3": _computing,
    "nvmlDeviceGetGraphicsRunningProcesses_v2": _drawing,
    "nvmlDeviceGetGraphicsRunningProcesses_v3": _drawing,
    "nvmlDeviceGetMPSComputeRunningProcesses_v2": _served,
    "nvmlDeviceGetMPSComputeRunningProcesses_v3": _served,
}
