"""Whether a build of torch has code for a GPU, by the lists that published builds have."""

import pytest
import torch

from isojoule.measuring.torch_build import lacks_code, old_driver, why_no_cuda

CUDA_130 = ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120", "compute_120"]
CUDA_126 = ["sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90"]


@pytest.mark.parametrize("capability", [(7, 5), (8, 0), (8, 6), (8, 9), (9, 0), (10, 0), (12, 0), (12, 1), (13, 0)])
def test_boards_that_the_default_build_has_code_for(capability):
    assert lacks_code(capability, CUDA_130) is None


@pytest.mark.parametrize(("name", "capability"), [("GTX 1080 Ti", (6, 1)), ("TITAN V", (7, 0)), ("K80", (3, 7))])
def test_boards_of_the_published_studies_need_another_build(name, capability):
    said = lacks_code(capability, CUDA_130)
    assert said.startswith(f"compute capability {capability[0]}.{capability[1]}, for which torch {torch.__version__}")
    assert "it has 7.5, 8.0, 8.6, 9.0, 10.0, 12.0" in said
    assert ("envs/gpu-cuda126.yaml" in said) == (capability >= (5, 0))


@pytest.mark.parametrize("capability", [(5, 2), (6, 1), (7, 0), (9, 0)])
def test_the_build_for_cuda_126_has_code_for_them(capability):
    assert lacks_code(capability, CUDA_126) is None


def test_code_that_is_bound_to_a_board_is_no_code_for_the_next():
    assert lacks_code((9, 0), ["sm_90a"]) is None
    assert lacks_code((10, 3), ["sm_100a"]) is not None
    assert lacks_code((10, 3), ["sm_100"]) is None
    assert lacks_code((10, 0), ["sm_90a", "compute_90a"]) is not None


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_torch_gives_its_own_reason_for_seeing_no_gpu():
    assert why_no_cuda() == "Torch not compiled with CUDA enabled"


@pytest.mark.parametrize(
    ("driver", "serves", "built_for", "needed", "has_other_build"),
    [
        ("535.183.01", "12.2", "13.0", "580", True),
        ("470.57.02", "11.4", "13.0", "580", False),
        ("470.57.02", "11.4", "12.6", "525", False),
        ("418.39", "10.1", "11.8", "450", False),
    ],
)
def test_a_driver_that_is_too_old_is_told_with_what_does_it(driver, serves, built_for, needed, has_other_build):
    said = old_driver(driver, serves, built_for)
    assert said.startswith(
        f"driver {driver} serves CUDA {serves} at most, torch {torch.__version__} is built for CUDA "
    )
    assert f"{built_for}: expected driver {needed} or later" in said
    assert ("envs/gpu-cuda126.yaml" in said) == has_other_build


@pytest.mark.parametrize(
    ("serves", "built_for"), [("12.2", "12.6"), ("13.0", "13.0"), ("13.1", "12.6"), (None, "13.0"), ("11.4", None)]
)
def test_a_driver_of_the_same_major_number_will_do(serves, built_for):
    """An older minor number as well; where nobody knows, or torch is for the CPU, torch's own reason says enough."""
    assert old_driver("535.183.01", serves, built_for) is None


def test_a_driver_of_a_cuda_that_is_to_come_gets_no_number_of_our_own():
    assert old_driver("580.1", "13.0", "14.0").endswith("is built for CUDA 14.0: expected a later driver")
