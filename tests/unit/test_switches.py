"""Torch's switches of the whole process: those that a user's module turns are noticed, and turned back."""

import pytest
import torch

from isojoule.errors import InputError
from isojoule.workloads import switches

TURNED = {
    "torch.get_num_threads()": lambda: torch.set_num_threads(3),
    "torch.get_default_dtype()": lambda: torch.set_default_dtype(torch.float64),
    "torch.get_default_device()": lambda: torch.set_default_device("meta"),
    "torch.is_grad_enabled()": lambda: torch.set_grad_enabled(False),
    "torch.are_deterministic_algorithms_enabled()": lambda: torch.use_deterministic_algorithms(True),
    "torch.is_anomaly_enabled()": lambda: torch.autograd.set_detect_anomaly(True),
    "torch.is_autocast_enabled('cpu')": lambda: torch.set_autocast_enabled("cpu", True),
    "torch.is_autocast_enabled('cuda')": lambda: torch.set_autocast_enabled("cuda", True),
    **{
        f"torch.backends.cuda.{kind}_sdp_enabled()": lambda kind=kind: getattr(
            torch.backends.cuda, f"enable_{kind}_sdp"
        )(False)
        for kind in ("flash", "mem_efficient", "math", "cudnn")
    },
    **{
        f"torch.backends.{path}": lambda path=path: turn(path)
        for path in (
            "cudnn.enabled", "cudnn.benchmark", "cudnn.deterministic", "mkldnn.enabled", "mkldnn.deterministic",
            "cuda.matmul.allow_fp16_accumulation", "cuda.matmul.allow_fp16_reduced_precision_reduction",
            "cuda.matmul.allow_bf16_reduced_precision_reduction",
        )
    },
}  # fmt: skip


def turn(path):
    """Turn one of torch's backends' switches to the other position."""
    *owners, name = path.split(".")
    owner = torch.backends
    for part in owners:
        owner = getattr(owner, part)
    setattr(owner, name, not getattr(owner, name))


@pytest.fixture(autouse=True)
def as_before():
    threads = torch.get_num_threads()
    yield
    switches.set_switches(threads)


@pytest.mark.parametrize("name", TURNED)
def test_a_switch_that_somebody_turned_is_named_and_turned_back(name):
    switches.set_switches(1)
    switches.check(1, "torch")
    TURNED[name]()
    with pytest.raises(InputError) as noticed:
        switches.check(1, "nets:Net")
    assert str(noticed.value).startswith(f"found {name} at ")
    assert " after nets:Net ran, expected " in str(noticed.value)
    switches.set_switches(1)
    switches.check(1, "torch")


def test_every_switch_is_tried_here():
    assert set(switches._switches(1)) == set(TURNED)
