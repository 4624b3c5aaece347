"""The pinning is verified: another device than the configuration expects is refused, before anything is measured."""

from types import SimpleNamespace

import pytest
import torch

from isojoule.configuration.every_study import Gpu
from isojoule.measuring.device_check import RefusedError, arrive
from isojoule.records import provenance

T4 = Gpu(device="cuda", device_name="Tesla T4")


def seen(uuid, capability=(7, 5)):
    """A GPU as torch shows it."""
    major, minor = capability
    return SimpleNamespace(uuid=uuid.removeprefix("GPU-"), name="Tesla T4", major=major, minor=minor)


@pytest.fixture
def cuda(monkeypatch, driver):
    """A machine where torch sees the second GPU of the driver."""
    properties = seen(driver.UUIDS[1])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: properties)
    return driver


def refusal(name, entry):
    with pytest.raises(RefusedError) as refused:
        arrive(name, entry)
    return str(refused.value)


def test_the_expected_gpu_is_taken(cuda):
    arrival = arrive("t4", T4)
    assert (arrival.device.type, arrival.gpu.uuid, arrival.gpu.name) == ("cuda", cuda.UUIDS[1], "Tesla T4")


def test_another_gpu_is_refused(cuda):
    said = refusal("a40", Gpu(device_name="NVIDIA A40"))
    assert said.startswith("gpus.a40.device_name: found Tesla T4 on ")
    assert said.endswith(", expected NVIDIA A40; nothing was measured")


def test_several_gpus_are_refused(cuda, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert "found 2 GPUs visible" in refusal("t4", T4)


def test_as_many_gpus_as_expected_are_taken(cuda, monkeypatch):
    """For a training on several GPUs of a node."""
    both = [seen(uuid) for uuid in cuda.UUIDS[:2]]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: both[index])
    arrival = arrive("t4", T4.model_copy(update={"devices": 2}))
    assert [gpu.uuid for gpu in arrival.gpus] == cuda.UUIDS[:2]
    assert arrival.device.index == 0
    assert "found 2 GPUs visible" in refusal("t4", T4.model_copy(update={"devices": 4}))


def test_a_board_split_into_instances_is_refused(cuda):
    cuda.driver.mig = True
    assert "split into instances (MIG), expected a whole board; nothing was measured" in refusal("t4", T4)


def test_a_gpu_that_nvml_cannot_read_is_refused(cuda, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: seen("none"))
    assert "gpus.t4: GPU GPU-none: NVML cannot read it: Not Found; nothing was measured" in refusal("t4", T4)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_refused():
    assert refusal("t4", T4).startswith("gpus.t4: found no CUDA device on ")


def test_a_driver_that_is_too_old_for_torch_is_named_with_what_does_it(driver, monkeypatch):
    """torch sees no device then, and NVML, which asks no CUDA, still answers."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", "14.0")
    assert "; driver 580.1 serves CUDA 13.0 at most, torch " in refusal("t4", T4)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    assert "serves CUDA" not in refusal("t4", T4)


@pytest.mark.parametrize(
    ("precision", "does"), [("tf32", "would compute plain fp32"), ("bf16", "would only emulate it")]
)
def test_a_precision_that_the_board_only_emulates_is_refused(cuda, precision, does):
    with pytest.raises(RefusedError, match=f"found Tesla T4 on .* of compute capability 7.5, which {does}"):
        arrive("t4", T4, precision)
    assert arrive("t4", T4, "fp32").gpu is not None


@pytest.mark.parametrize(
    ("precision", "does"), [("tf32", "would compute plain fp32"), ("bf16", "would only emulate it")]
)
def test_a_precision_that_the_cpu_only_emulates_is_refused(monkeypatch, precision, does):
    monkeypatch.setattr(provenance, "cpu_features", lambda: frozenset({"avx2"}))
    monkeypatch.setattr(provenance, "cpu_model", lambda: "an old CPU")
    with pytest.raises(RefusedError, match=rf"^gpus.cpu.precision: found an old CPU on .*, which {does}, expected one"):
        arrive("cpu", Gpu(device="cpu"), precision)
    assert arrive("cpu", Gpu(device="cpu"), "fp32").gpu is None


def test_a_variable_that_overrules_the_precision_is_refused(cuda, monkeypatch):
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "1")
    assert "fp32 cannot be had on" in refusal("t4", T4)
    assert "found NVIDIA_TF32_OVERRIDE=1, which forbids or forces TensorFloat-32" in refusal("t4", T4)
    assert arrive("cpu", Gpu(device="cpu")).gpu is None


def test_another_partition_is_refused(monkeypatch):
    entry = Gpu(device="cpu", partition="t4")
    assert arrive("t4", entry).gpu is None
    monkeypatch.setenv("SLURM_JOB_PARTITION", "a40")
    assert refusal("t4", entry).startswith("gpus.t4.partition: found a40 on ")
    monkeypatch.setenv("SLURM_JOB_PARTITION", "t4")
    assert arrive("t4", entry).device.type == "cpu"


def test_more_threads_than_cpus_are_refused(monkeypatch):
    """They would share them, and the record would say that each had one."""
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 1})
    assert arrive("cpu", Gpu(device="cpu", threads=2)).device.type == "cpu"
    said = refusal("cpu", Gpu(device="cpu", threads=64))
    assert said.startswith("gpus.cpu.threads: found 2 CPUs for this job on ")
    assert said.endswith(", expected one for each of 64 threads; nothing was measured")
    assert "one for each of 4 threads" in refusal("cpu", Gpu(device="cpu", threads=2, devices=2))


def test_one_of_several_partitions_is_where_the_entry_sends(monkeypatch):
    monkeypatch.setenv("SLURM_JOB_PARTITION", "long")
    assert arrive("cpu", Gpu(device="cpu", partition="short,long")).device.type == "cpu"
    assert "found long on " in refusal("cpu", Gpu(device="cpu", partition="short,longer"))
