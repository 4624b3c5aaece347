"""The precision that was asked for is the one that is computed with, whatever the environment says."""

import os
import subprocess
import sys

import pytest
import torch

from isojoule.errors import InputError
from isojoule.records import provenance
from isojoule.records.provenance import environment
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


@pytest.mark.parametrize("name", ["ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE"])
@pytest.mark.parametrize("value", ["BF16", "any", "TF32", "F16", "strict", "STRICT", ""])
def test_on_a_cpu_those_of_onednn_are_refused_unless_they_change_nothing(name, value):
    said = precision.overridden("fp32", "cpu", {name: value})
    assert (said is not None) == (value.lower() not in ("strict", ""))
    assert said is None or f"found {name}={value}, which lets oneDNN compute fp32 with less precise numbers" in said
    assert precision.overridden("fp32", "cuda", {name: value}) is None


@pytest.mark.parametrize(
    "name",
    [
        "CUBLAS_WORKSPACE_CONFIG", "CUBLASLT_WORKSPACE_SIZE", "NVIDIA_TF32_OVERRIDE", "CUDNN_LOGDEST_DBG",
        "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "MKL_CBWR", "ATEN_CPU_CAPABILITY",
        "OMP_WAIT_POLICY",
    ],
)  # fmt: skip
def test_a_variable_that_decides_numbers_is_in_the_record(name, monkeypatch):
    monkeypatch.setenv(name, "as it was set")
    assert environment()[name] == "as it was set"


@pytest.mark.parametrize(
    ("flags", "emulated"),
    [
        ("flags\t\t: fpu avx2 fma", ["bf16", "tf32"]),
        ("flags\t\t: fpu avx512f avx512_bf16", ["tf32"]),
        ("flags\t\t: amx_tile amx_bf16 amx_tf32", []),
        ("Features\t: fp asimd bf16", ["tf32"]),
        ("power management:", []),
    ],
)
def test_a_cpu_without_the_instructions_only_emulates_a_precision(flags, emulated, tmp_path, monkeypatch):
    """What the kernel does not tell is nothing to refuse for."""
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nmodel name\t: a CPU\n{flags}\n")
    monkeypatch.setattr(provenance, "CPUINFO", tmp_path / "cpuinfo")
    features = provenance.cpu_features()
    assert [name for name in ("bf16", "fp32", "tf32") if precision.missing_in_cpu(name, features)] == emulated


def test_older_boards_lack_what_they_would_only_emulate():
    assert precision.missing_in("fp32", (6, 1)) is None
    assert "would compute plain fp32" in precision.missing_in("tf32", (7, 5))
    assert "would only emulate it" in precision.missing_in("bf16", (7, 0))
    assert precision.missing_in("bf16", (8, 6)) is None
