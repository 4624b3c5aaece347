"""Lets programs with this folder on their path find the second GPU of the fake driver through torch; the CPU computes.

A NVIDIA-SMI that says nothing must be on PATH, so that CodeCarbon looks for a GPU.
"""

import os
import sys
from types import SimpleNamespace

if "FAKE_CUDA" in os.environ and "measure" in sys.orig_argv:
    import pynvml
    import torch

    torch.cuda.is_available = lambda: True
    torch.cuda.device_count = lambda: 1
    torch.cuda.get_device_properties = lambda number: SimpleNamespace(uuid=pynvml.UUIDS[1].removeprefix("GPU-"))
    torch.cuda.synchronize = lambda number=0: None
    torch.cuda.reset_peak_memory_stats = torch.cuda.empty_cache = lambda: None
    torch.cuda.max_memory_allocated = lambda: 2**20

    from isojoule.measuring import device_check

    device = torch.device
    device_check.torch = SimpleNamespace(cuda=torch.cuda, device=lambda *names: device("cpu"))
