"""The precision that was asked for is the one that is computed with, whatever the environment says."""

import os
import subprocess
import sys

import pytest
import torch

from isojoule.errors import InputError
from isojoule.workloads import precision

READ_BACK = """
import torch
from isojoule.workloads.precision import set_precision
before = torch.backends.cuda.matmul.fp32_precision
set_precision("{precision}")
print(before, torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.conv.fp32_precision)
"""


@pytest.fixture(autouse=True)
def as_before():
    yield
    precision.set_precision("fp32")


@pytest.mark.parametrize(("name", "expected"), [("fp32", "ieee"), ("tf32", "tf32"), ("bf16", "ieee")])
def test_a_vendor_image_does_not_turn_fp32_into_tf32(name, expected):
    """It sets this variable, and then the generic switch no longer reaches matrix products."""
    environment = {**os.environ, "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "1"}
    program = READ_BACK.format(precision=name)
    asked = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert asked.stdout.split() == ["tf32", expected, expected]


@pytest.mark.parametrize("switch", [torch.backends.cuda.matmul, torch.backends.cudnn.conv, torch.backends.cudnn.rnn])
def test_a_switch_that_somebody_turned_is_noticed(switch):
    precision.set_precision("fp32")
    switch.fp32_precision = "tf32"
    with pytest.raises(InputError, match=r"fp32_precision at tf32 after nets:Net ran, expected ieee, since fp32"):
        precision.check("fp32", "nets:Net")


@pytest.mark.parametrize("flags", [torch.backends.flags, torch.backends.cudnn.flags, torch.backends.mkldnn.flags])
@pytest.mark.parametrize(("before", "after"), [("fp32", "tf32"), ("tf32", "fp32")])
def test_a_switch_that_a_library_turned_and_put_back_can_still_be_turned(flags, before, after):
    """That of oneDNN, once put back, no longer follows the one for all, which is all that turning it turns."""
    precision.set_precision(before)
    with flags(fp32_precision="ieee"):
        pass
    precision.set_precision(after)
    precision.check(after, "torch")


@pytest.mark.parametrize(
    ("variables", "name", "is_refused"),
    [
        ({"NVIDIA_TF32_OVERRIDE": "1"}, "fp32", True),
        ({"NVIDIA_TF32_OVERRIDE": "0"}, "fp32", False),
        ({"NVIDIA_TF32_OVERRIDE": "0"}, "tf32", True),
        ({"PYTORCH_TUNABLEOP_ENABLED": "1"}, "bf16", True),
        ({"PYTORCH_TUNABLEOP_ENABLED": "0"}, "bf16", False),
        ({}, "tf32", False),
    ],
)
def test_a_variable_that_overrules_torch_is_refused(variables, name, is_refused):
    said = precision.overridden(name, "cuda", variables)
    assert (said is not None) == is_refused
    assert precision.overridden(name, "cpu", variables) is None


def test_older_boards_lack_what_they_would_only_emulate():
    assert precision.missing_in("fp32", (6, 1)) is None
    assert "would compute plain fp32" in precision.missing_in("tf32", (7, 5))
    assert "would only emulate it" in precision.missing_in("bf16", (7, 0))
    assert precision.missing_in("bf16", (8, 6)) is None
