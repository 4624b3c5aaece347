"""Spare every measuring job a second of start-up that no measurement needs."""

from pathlib import Path


def spare_cpuinfo() -> None:
    """Tell CodeCarbon the CPU's name from /proc/cpuinfo: py-cpuinfo runs an interpreter for a second to find it."""
    import cpuinfo

    name = cpu_model()
    if name:
        cpuinfo.get_cpu_info = lambda: {"brand_raw": name}


def cpu_model() -> str | None:
    """The CPU's name as the kernel gives it, none where it gives none."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)
