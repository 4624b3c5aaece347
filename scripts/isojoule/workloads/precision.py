"""The numbers that a model computes with: torch is told in every place, asked back, and what overrules it is refused.

torch 2.13 has one switch for each of its libraries and operations besides the one for all. The environment may have
turned one of them before (`TORCH_ALLOW_TF32_CUBLAS_OVERRIDE`), and then the one for all no longer reaches it. Other
variables are read by the libraries themselves, and overrule whatever torch asks for.
"""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from isojoule.errors import InputError

# the first compute capability with TF32 and bfloat16: earlier boards compute TF32 as fp32, and bfloat16 by detours
WITHOUT_DETOUR = (8, 0)
NAMES = {"tf32": "TensorFloat-32", "bf16": "bfloat16"}
# what the kernel calls the instructions of a CPU that compute with them, on x86 and on ARM
INSTRUCTIONS = {"tf32": {"amx_tf32"}, "bf16": {"avx512_bf16", "amx_bf16", "bf16"}}


@dataclass(frozen=True)
class Override:
    """A variable of the environment by which a library overrules torch.

    Attributes:
        device: kind of the device that the library computes on.
        does: what the variable does unless it has one of the harmless values.
        harmless: its values in lower case that change nothing, by precision.
    """

    device: str
    does: str
    harmless: Mapping[str, tuple[str, ...]]


NOT_SET = dict.fromkeys(("fp32", "tf32", "bf16"), ("", "0"))
STRICT = dict.fromkeys(("fp32", "tf32", "bf16"), ("", "strict"))
# what else NVIDIA's libraries make of an empty value is not documented, so that it is refused as well
OVERRIDES = {
    "NVIDIA_TF32_OVERRIDE": Override(
        "cuda",
        "forbids or forces TensorFloat-32 in NVIDIA's libraries, whatever torch asks for",
        {"fp32": ("0",), "tf32": ("1",), "bf16": ("0",)},
    ),
    "CUBLAS_EMULATE_SINGLE_PRECISION": Override("cuda", "makes cuBLAS compute fp32 out of bfloat16", NOT_SET),
    "PYTORCH_TUNABLEOP_ENABLED": Override(
        "cuda", "makes torch try kernels out while it computes, inside the window as well", NOT_SET
    ),
    "ONEDNN_DEFAULT_FPMATH_MODE": Override("cpu", "lets oneDNN compute fp32 with less precise numbers", STRICT),
    "DNNL_DEFAULT_FPMATH_MODE": Override("cpu", "lets oneDNN compute fp32 with less precise numbers", STRICT),
}


def set_precision(precision: str) -> None:
    """Turn TensorFloat-32 on or off for every library and operation of torch.

    Args:
        precision: `fp32`, `tf32` or `bf16`; the last computes with fp32 what autocast leaves in it.

    Raises:
        InputError: torch does not do as it was told.
    """
    is_tf32 = precision == "tf32"
    # torch refuses to answer an older question, which a library may ask, where old and new switches differ
    torch.set_float32_matmul_precision("high" if is_tf32 else "highest")
    torch.backends.cudnn.allow_tf32 = is_tf32
    for switch in _switches().values():
        switch.fp32_precision = _asked(precision)
    # the switch of oneDNN is read itself, but in torch 2.13 to turn it turns the one for all instead
    torch.backends.mkldnn.set_flags(_fp32_precision=_asked(precision))
    check(precision, "torch")


def check(precision: str, who: str) -> None:
    """Ask torch which precision it computes fp32 with, and compare.

    Args:
        precision: as `set_precision`.
        who: who may have turned a switch, for the message.

    Raises:
        InputError: a switch has another position; the message names it.
    """
    asked = _asked(precision)
    for name, switch in _switches().items():
        if (position := switch.fp32_precision) != asked:
            raise InputError(
                f"precision: found {name}.fp32_precision at {position} after {who} ran, expected "
                f"{asked}, since {precision} is to be measured"
            )


def overridden(precision: str, device: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return in words which variable of the environment overrules torch's precision; none where none does.

    Args:
        precision: as `set_precision`.
        device: kind of the device, `cuda` or `cpu`.
        environment: the variables.
    """
    for name, override in OVERRIDES.items():
        value = environment.get(name)
        if device != override.device or value is None:
            continue
        if value.strip().lower() not in override.harmless[precision]:
            return f"found {name}={value}, which {override.does}, expected it not to be set"
    return None


def missing_in(precision: str, capability: tuple[int, int]) -> str | None:
    """Return in words that a GPU lacks the precision, and would compute something else; none where it has it.

    Args:
        precision: as `set_precision`.
        capability: the compute capability of the GPU, such as (8, 6).
    """
    if precision == "fp32" or capability >= WITHOUT_DETOUR:
        return None
    needed = ".".join(map(str, WITHOUT_DETOUR))
    return (
        f"of compute capability {capability[0]}.{capability[1]}, which {_does_instead(precision)}, expected {needed} "
        f"or later for {NAMES[precision]}"
    )


def missing_in_cpu(precision: str, features: Collection[str] | None) -> str | None:
    """Return in words that a CPU lacks the precision, and would compute something else; none where it has it.

    Args:
        precision: as `set_precision`.
        features: what the CPU can do, in the kernel's words; none where nobody knows, and then nothing is said.
    """
    if precision == "fp32" or features is None or not INSTRUCTIONS[precision].isdisjoint(features):
        return None
    needed = " or ".join(sorted(INSTRUCTIONS[precision]))
    return f"which {_does_instead(precision)}, expected one with {needed} for {NAMES[precision]}"


def _does_instead(precision: str) -> str:
    return "would compute plain fp32" if precision == "tf32" else "would only emulate it"


def _asked(precision: str) -> str:
    return "tf32" if precision == "tf32" else "ieee"


def _switches() -> dict[str, Any]:
    """Everything in torch that has a switch `fp32_precision`, what is above others first."""
    cudnn: Any = torch.backends.cudnn
    mkldnn: Any = torch.backends.mkldnn
    return {
        "torch.backends": torch.backends,
        "torch.backends.cudnn": cudnn,
        "torch.backends.mkldnn": mkldnn,
        "torch.backends.cuda.matmul": torch.backends.cuda.matmul,
        "torch.backends.cudnn.conv": cudnn.conv,
        "torch.backends.cudnn.rnn": cudnn.rnn,
        "torch.backends.mkldnn.matmul": mkldnn.matmul,
        "torch.backends.mkldnn.conv": mkldnn.conv,
        "torch.backends.mkldnn.rnn": mkldnn.rnn,
    }
