"""The energy of what happens inside a window of time, by every instrument that this machine has.

The instruments can be read (`instruments`), a window of time reads them at its ends (`window`), and a pure function
makes the account of what was read (`account`). `Meter` puts the three together.

Example:
    from isojoule.energy import Meter, nvml

    meter = Meter(gpus=nvml.visible())  # without a GPU it reads the CPU
    meter.ready()  # it measures the idle power; warm up after that
    with meter as window:
        while window.again():  # once, and again until the window is long enough
            train_one_epoch()
    reading = window.energy.computing
    print(reading.energy_kwh, reading.kind, reading.source)
"""

from isojoule.energy.meter import Meter
from isojoule.energy.window import Window

__all__ = ["Meter", "Window"]
