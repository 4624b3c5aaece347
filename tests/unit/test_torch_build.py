"""Whether a build of torch has code for a GPU, by the lists that published builds have."""

import pytest
import torch

from isojoule.measuring.torch_build import lacks_code, why_no_cuda

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
