"""The state of a driver with two GPUs: the attributes of `driver` decide what the library below the binding answers.

Energy is the integral of `power_w` over `clock`, so that what a meter should read is known.
"""

import json
import os
import time
from types import SimpleNamespace

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
    # what a Grace Hopper module draws beyond its GPU: the counter and nvmlDeviceGetPowerUsage are then the module's
    module_w=None,
    # nvmlDeviceGetPowerUsage: none, or averaged over as many seconds
    averaged_s=1,
    architecture=9,
    power_limit_w=70,
    utilization=(80, 40),
    clocks_mhz=(1590, 5000),
    p_state=0,
    temperature_c=61,
    throttle_reasons=0,
    mig=False,
    # how many processes compute on each GPU, the first of which is ours
    processes=1,
    # what the process list calls our process, where a container has numbers of its own
    own_pid=None,
    memory_bytes=16 * 2**30,
    used_bytes=2**30,
    process_bytes=2**30,
    lost=False,
    # error codes by function; functions that the library does not export
    codes={},
    absent=(),
    # by function: every so-maniest call answers with the second number
    sporadic={},
)
# the environment sets it for processes that a test starts
vars(driver).update(json.loads(os.environ.get("FAKE_NVML", "{}")))


def power_w(number, now_s):
    """Return the power; the second GPU draws the driver's power, the first ten times as much."""
    return (driver.power_w(now_s) if callable(driver.power_w) else driver.power_w) * (1 if number else 10)


def energy_j(number, now_s):
    """Return the energy up to a time."""
    return (driver.energy_j(now_s) if driver.energy_j else driver.power_w * now_s) * (1 if number else 10)


def counter_j(number, now_s):
    """Return what the energy counter shows, which is updated every `counter_period_s`."""
    updated_s = now_s // driver.counter_period_s * driver.counter_period_s
    start_s = driver.reset_s if now_s >= driver.reset_s else 0
    updated_s = max(updated_s, start_s)
    module_j = (driver.module_w or 0) * (updated_s - start_s)
    return (energy_j(number, updated_s) - energy_j(number, start_s) + module_j) * (1 + driver.counter_excess)


def averaged_w(number, now_s):
    """Return the mean power of the last `averaged_s`, that of this moment where it is 0."""
    module_w, over_s = driver.module_w or 0, driver.averaged_s
    if not over_s:
        return power_w(number, now_s) + module_w
    return (energy_j(number, now_s) - energy_j(number, now_s - over_s)) / over_s + module_w
