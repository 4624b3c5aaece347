"""Torch's switches of the whole process that decide what a computation costs, besides those of its precision.

A module of the user may turn them when it is imported, and its methods whenever they are called. Then another
computation would be measured than the configuration says, and so would be all later ones of the process.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from isojoule.errors import InputError


@dataclass(frozen=True)
class Switch:
    """One switch.

    Attributes:
        expected: its position in every measurement.
        get: returns its position.
        put: turns it.
    """

    expected: Any
    get: Callable[[], Any]
    put: Callable[[Any], Any]


def set_switches(threads: int) -> None:
    """Turn every switch to where it is in every measurement: torch's default, and the threads that were asked for.

    Args:
        threads: CPU threads of the computation.
    """
    for switch in _switches(threads).values():
        # a default device, once set, costs every call something, also where it is the CPU
        if switch.get() != switch.expected:
            switch.put(switch.expected)


def check(threads: int, who: str) -> None:
    """Compare every switch with where it was put.

    Args:
        threads: as `set_switches`.
        who: who may have turned a switch, for the message.

    Raises:
        InputError: a switch has another position; the message names it.
    """
    for name, switch in _switches(threads).items():
        if (position := switch.get()) != switch.expected:
            raise InputError(
                f"found {name} at {position} after {who} ran, expected {switch.expected}: it decides what is computed; "
                "nothing was measured"
            )


def _switches(threads: int) -> dict[str, Switch]:
    cudnn: Any = torch.backends.cudnn
    mkldnn: Any = torch.backends.mkldnn
    cuda: Any = torch.backends.cuda
    attributes = (
        ("torch.backends.cudnn.enabled", cudnn, "enabled", True),
        ("torch.backends.cudnn.benchmark", cudnn, "benchmark", False),
        ("torch.backends.cudnn.deterministic", cudnn, "deterministic", False),
        ("torch.backends.mkldnn.enabled", mkldnn, "enabled", True),
        ("torch.backends.mkldnn.deterministic", mkldnn, "deterministic", False),
        ("torch.backends.cuda.matmul.allow_fp16_accumulation", cuda.matmul, "allow_fp16_accumulation", False),
        *(
            (f"torch.backends.cuda.matmul.{name}", cuda.matmul, name, True)
            for name in ("allow_fp16_reduced_precision_reduction", "allow_bf16_reduced_precision_reduction")
        ),
    )
    return {
        "torch.get_num_threads()": Switch(threads, torch.get_num_threads, torch.set_num_threads),
        "torch.get_default_dtype()": Switch(torch.float32, torch.get_default_dtype, torch.set_default_dtype),
        "torch.get_default_device()": Switch(
            torch.device("cpu"), torch.get_default_device, lambda _: torch.set_default_device(None)
        ),
        "torch.is_grad_enabled()": Switch(True, torch.is_grad_enabled, torch.set_grad_enabled),
        "torch.are_deterministic_algorithms_enabled()": Switch(
            False, torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms
        ),
        "torch.is_anomaly_enabled()": Switch(False, torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
        **{
            f"torch.is_autocast_enabled('{kind}')": Switch(
                False, partial(torch.is_autocast_enabled, kind), partial(torch.set_autocast_enabled, kind)
            )
            for kind in ("cpu", "cuda")
        },
        **{
            f"torch.backends.cuda.{kind}_sdp_enabled()": Switch(
                True,
                getattr(cuda, f"{kind}_sdp_enabled"),
                getattr(cuda, f"enable_{kind}_sdp"),
            )
            for kind in ("flash", "mem_efficient", "math", "cudnn")
        },
        **{
            name: Switch(expected, partial(getattr, owner, attribute), partial(setattr, owner, attribute))
            for name, owner, attribute, expected in attributes
        },
    }
