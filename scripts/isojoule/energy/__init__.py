"""Energy of what happens inside a window, by every instrument that this machine has.

Example:
    meter = Meter("FRA", gpus.visible())
    meter.ready()  # idle power of GPUs; then warm up
    with meter as window:
        while window.again():
            train_one_epoch()
    print(window.energy.computing.energy_kwh, window.energy.computing.kind)
"""

from isojoule.energy.meter import Meter, Window

__all__ = ["Meter", "Window"]
