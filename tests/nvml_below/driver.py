"""The state of a driver with two GPUs: the attributes of `driver` decide what the library below the binding answers.

They hold for both GPUs; `boards` has by number what is different of one. The second GPU draws the driver's power, the
first ten times as much. Energy is the integral of `power_w` over `clock`, so that what a meter should read is known.
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
    # whether the power averaged over a second can be asked for as a field of the GPU alone
    has_averaged_field=False,
    # how the driver times the power: by the question, or by the update every so many seconds
    stamped_s=None,
    # what a Grace Hopper module draws beyond its GPU: the counter and nvmlDeviceGetPowerUsage are then the module's
    module_w=None,
    # whether the driver tells the power of the module, and that its CPU and GPU are linked
    has_module_field=True,
    # whether it knows no modules, and gives the GPU's power whatever it is asked for
    ignores_scope=False,
    has_c2c=False,
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
    # further processes that compute, those that MPS serves, and those that draw, by their numbers
    pids=(),
    served_pids=(),
    drawing_pids=(),
    memory_bytes=16 * 2**30,
    used_bytes=2**30,
    process_bytes=2**30,
    lost=False,
    # error codes by function; functions that the library does not export
    codes={},
    absent=(),
    # by function: every so-maniest call answers with the second number, so often at most where there is a third
    sporadic={},
    boards={},
)
# the environment sets it for processes that a test starts
vars(driver).update(json.loads(os.environ.get("FAKE_NVML", "{}")))


class Board:
    """One of the GPUs: the driver's attributes, but for those that are its own."""

    def __init__(self, number):
        self.number = number

    def __getattr__(self, name):
        of_board = driver.boards.get(self.number, {})
        return of_board[name] if name in of_board else getattr(driver, name)

    @property
    def factor(self):
        """How much more it draws than the driver's attributes say."""
        return 1 if self.number else 10

    def now_w(self, now_s):
        """Return the power of the GPU alone."""
        return (self.power_w(now_s) if callable(self.power_w) else self.power_w) * self.factor

    def drawn_j(self, now_s):
        """Return the energy of the GPU alone up to a time."""
        return (self.energy_j(now_s) if self.energy_j else self.power_w * now_s) * self.factor

    def counter_j(self, now_s):
        """Return what the energy counter shows, which is updated every `counter_period_s`."""
        updated_s = now_s // self.counter_period_s * self.counter_period_s
        start_s = self.reset_s if now_s >= self.reset_s else 0
        updated_s = max(updated_s, start_s)
        module_j = (self.module_w or 0) * (updated_s - start_s)
        return (self.drawn_j(updated_s) - self.drawn_j(start_s) + module_j) * (1 + self.counter_excess)

    def averaged_w(self, now_s):
        """Return the GPU's mean power of the last `averaged_s`, that of this moment where it is 0."""
        if not self.averaged_s:
            return self.now_w(now_s)
        return (self.drawn_j(now_s) - self.drawn_j(now_s - self.averaged_s)) / self.averaged_s

    def stamp_us(self, now_s):
        """Return the driver's time of the power."""
        return int(1e6 * (now_s // self.stamped_s * self.stamped_s if self.stamped_s else now_s))
