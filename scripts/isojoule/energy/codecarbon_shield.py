"""What CodeCarbon must not see: settings and variables that change its figures, open connections or end the program."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from isojoule.records.provenance import cpu_model


@contextmanager
def shielded() -> Iterator[None]:
    """Build a tracker of CodeCarbon inside this, so that nothing around the program decides what it reads.

    CodeCarbon takes settings from ~/.codecarbon.config, from the same file in the current folder and from variables
    CODECARBON_*: a token there makes even its offline tracker ask a service for the factor of another country. In a job
    of SLURM it runs `scontrol`, which a container does not have, and takes the memory that was asked for as the
    machine's. Afterwards CodeCarbon is as it was, for others in this process who use it.
    """
    import codecarbon.external.ram  # noqa: F401 - whose variable is replaced
    import cpuinfo
    from codecarbon import emissions_tracker

    replacements: list[tuple[Any, str, Any]] = [(emissions_tracker, "get_hierarchical_config", dict)]
    replacements += [
        (module, "SLURM_JOB_ID", None)
        for name, module in list(sys.modules.items())
        if name.startswith("codecarbon.") and hasattr(module, "SLURM_JOB_ID")
    ]
    if name := cpu_model():
        # py-cpuinfo runs an interpreter for a second to find this out
        replacements.append((cpuinfo, "get_cpu_info", lambda: {"brand_raw": name}))
    originals = [(module, attribute, getattr(module, attribute)) for module, attribute, _ in replacements]
    try:
        for module, attribute, value in replacements:
            setattr(module, attribute, value)
        yield
    finally:
        for module, attribute, value in originals:
            setattr(module, attribute, value)
