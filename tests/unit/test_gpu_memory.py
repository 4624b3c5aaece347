"""Whose memory it is that a GPU lacks, and whether a library that failed in other words lacked it."""

import pytest
import torch

from isojoule.errors import CompanyError, is_out_of_memory, may_be_out_of_memory
from isojoule.measuring import gpu_memory
from isojoule.measuring.gpu_memory import Memory, check_room, memory

GIB = 2**30


@pytest.fixture
def gpu(monkeypatch):
    """A GPU of 16 GiB, as torch counts it: what is free, and what torch has taken."""

    def set_to(free_gib, ours_gib):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda number=0: (int(free_gib * GIB), 16 * GIB))
        monkeypatch.setattr(torch.cuda, "memory_reserved", lambda number=0: int(ours_gib * GIB))

    return set_to


def test_memory_beyond_ours_and_an_allowance_is_of_others(gpu):
    gpu(free_gib=10, ours_gib=2)
    assert memory().of_others == 4 * GIB - gpu_memory.UNLISTED_ALLOWANCE_BYTES
    gpu(free_gib=13.5, ours_gib=2)
    assert memory().of_others == 0


def test_a_gpu_that_others_fill_is_refused(gpu):
    """This was a final out of memory of the architecture."""
    gpu(free_gib=0.1, ours_gib=1)
    with pytest.raises(
        CompanyError, match=r"Tesla T4: found 14\.4 GB of its memory taken by others when memory ran out"
    ):
        check_room(["Tesla T4"], "when memory ran out")
    gpu(free_gib=0.1, ours_gib=15)
    check_room(["Tesla T4"], "when memory ran out")


def test_every_gpu_of_a_cell_is_looked_at(monkeypatch):
    """A training on several GPUs has all of them, and others may be on any."""
    free_gib = {0: 15, 1: 3}
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda number: (free_gib[number] * GIB, 16 * GIB))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda number: 0)
    with pytest.raises(CompanyError, match=r"^Tesla V100: found 12\.3 GB of its memory taken by others before"):
        check_room(["Tesla T4", "Tesla V100"], "before the model was moved there")
    check_room(["Tesla T4"], "before the model was moved there")


@pytest.mark.parametrize(
    "words",
    [
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR",
    ],
)
def test_a_library_may_mean_a_lack_of_memory(words):
    assert may_be_out_of_memory(RuntimeError(words))
    assert not is_out_of_memory(RuntimeError(words))


def test_other_errors_never_mean_it():
    assert not may_be_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_a_gpu_is_short_where_a_twentieth_is_left():
    assert Memory(16 * GIB, GIB // 2, 15 * GIB).is_short
    assert not Memory(16 * GIB, 2 * GIB, 13 * GIB).is_short
