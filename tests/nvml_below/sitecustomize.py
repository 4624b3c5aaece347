"""Lets programs with this folder on their path find the second GPU of the driver through torch; the CPU computes.

A NVIDIA-SMI that says nothing must be on PATH, so that CodeCarbon looks for a GPU.
"""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

if "FAKE_CUDA" in os.environ and "measure" in sys.orig_argv:
    sys.path.append(str(Path(__file__).parents[1]))

    import torch

    from nvml_below import driver, library

    library.install()

    torch.cuda.is_available = lambda: True
    torch.cuda.device_count = lambda: 1
    torch.cuda.get_device_properties = lambda number=0: SimpleNamespace(
        uuid=driver.UUIDS[1].removeprefix("GPU-"),
        name=driver.driver.name,
        major=7,
        minor=5,
        total_memory=driver.driver.memory_bytes,
    )
    torch.cuda.get_device_capability = lambda number=0: (7, 5)
    torch.cuda.synchronize = lambda number=0: None
    torch.cuda.reset_peak_memory_stats = torch.cuda.empty_cache = lambda: None
    torch.cuda.max_memory_allocated = lambda: 2**20
    torch.cuda.memory_reserved = lambda number=0: 2**30
    torch.cuda.mem_get_info = lambda number=0: (15 * 2**30, 16 * 2**30)

    from isojoule.energy import steady
    from isojoule.energy.certificate import procedure
    from isojoule.measuring import device_check

    # a certificate of half a minute for every test would be too long
    procedure.LENGTHS["short"] = procedure.Lengths(
        steps=2, step_s=0.6, phases=0, waves=0, windows_s=(0.3, 0.6), repeats=1
    )
    # so would sixteen seconds of work before the first window: the driver's board is as warm as it will be
    steady.until_steady.__kwdefaults__["stretch_s"] = 0.5

    device = torch.device
    device_check.torch = SimpleNamespace(cuda=torch.cuda, device=lambda *names: device("cpu"), version=torch.version)
