"""Whether this build of torch has code for a GPU, and why torch sees none: a cell would fail late, three times.

Which driver programs for which CUDA need is from NVIDIA, "CUDA Compatibility", section on minor versions.
"""

import re
from collections.abc import Sequence

import torch

# the builds of torch for CUDA 12.6 have code from this capability on; later ones begin at 7.5
OLDEST_OF_CUDA_126 = (5, 0)
# the oldest driver that runs programs for any CUDA of a major number
OLDEST_DRIVERS = {11: 450, 12: 525, 13: 580}
ADVICE = "a build of torch for CUDA 12.6 has it: see envs/gpu-cuda126.yaml"


def lacks_code(capability: tuple[int, int], targets: Sequence[str]) -> str | None:
    """Say that a build of torch has no code for a GPU; none where it has.

    Code for `sm_86` runs on 8.6 and on later boards of the same major number; what is named `compute_90` is compiled
    anew on any board from 9.0 on. NVIDIA, "CUDA C++ Programming Guide", section 3.1.

    Args:
        capability: the compute capability of the GPU, such as (6, 1).
        targets: what the build was made for, as `torch.cuda.get_arch_list` gives it.
    """
    parsed = _parsed(targets)
    majors = {(kind, int(number[:-1]), int(number[-1])) for kind, number, _ in parsed}
    major, minor = capability
    if any(kind == "sm" and letter == "a" and number == f"{major}{minor}" for kind, number, letter in parsed):
        return None
    unbound = {(kind, int(number[:-1]), int(number[-1])) for kind, number, letter in parsed if letter != "a"}
    for kind, of_major, of_minor in unbound:
        if kind == "sm" and of_major == major and of_minor <= minor:
            return None
        if kind == "compute" and (of_major, of_minor) <= capability:
            return None
    # a build without any target is one for the CPU, and another sentence says so
    if not majors:
        return None
    offered = ", ".join(sorted({f"{of_major}.{of_minor}" for _, of_major, of_minor in majors}, key=float))
    advice = f"; {ADVICE}" if capability >= OLDEST_OF_CUDA_126 and major < 8 else ""
    return (
        f"compute capability {major}.{minor}, for which torch {torch.__version__} has no code (it has {offered}), "
        f"expected another build of torch{advice}"
    )


def why_no_cuda() -> str:
    """Return torch's own reason for seeing no CUDA device, in its first line."""
    try:
        torch.cuda.init()
    except (AssertionError, RuntimeError) as error:
        lines = str(error).strip().splitlines()
        return lines[0].rstrip(".") if lines else type(error).__name__
    return "torch sees none; CUDA_VISIBLE_DEVICES may hide it"


def old_driver(driver: str | None, serves: str | None, built_for: str | None) -> str | None:
    """Say that the driver is too old for a build of torch, and what does it; none where it is not, or nobody knows.

    Args:
        driver: version of the driver, such as 535.183.01.
        serves: newest CUDA that it serves, such as 12.2.
        built_for: CUDA that torch was built for, such as 13.0; none of a build for the CPU.
    """
    if serves is None or built_for is None or _major(serves) >= _major(built_for):
        return None
    needed = OLDEST_DRIVERS.get(_major(built_for))
    wanted = f"driver {needed} or later" if needed else "a later driver"
    advice = " or a build of torch for CUDA 12.6: see envs/gpu-cuda126.yaml" if _major(serves) == 12 else ""
    return (
        f"driver {driver or 'unknown'} serves CUDA {serves} at most, torch {torch.__version__} is built for CUDA "
        f"{built_for}: expected {wanted}{advice}"
    )


def _major(version: str) -> int:
    return int(version.partition(".")[0])


def _parsed(targets: Sequence[str]) -> list[tuple[str, str, str]]:
    """Split `sm_90a` into sm, 90 and a: that letter binds the code to that very board."""
    parts = [re.fullmatch(r"(sm|compute)_(\d{2,3})([a-z]?)", target) for target in targets]
    return [(match[1], match[2], match[3]) for match in parts if match and not (match[3] and match[1] == "compute")]
