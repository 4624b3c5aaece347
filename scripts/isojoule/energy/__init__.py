"""Energy of what happens inside a window, by every instrument that this machine has.

from isojoule import gpus
from isojoule.energy import Meter

meter = Meter("FRA", gpus.visible())
meter.ready()                        # idle power; then warm up
with meter as window:
train()
print(window.energy.gpu.energy_kwh, window.energy.duration_s)
"""

from isojoule.energy.meter import Meter, Window

__all__ = ["Meter", "Window"]
