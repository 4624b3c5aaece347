"""Count parameters, bytes, and forward and backward FLOPs of an architecture, on the CPU and without training it."""

import logging
import os
import platform
import resource
import sys
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import asdict, dataclass
from importlib.metadata import version
from io import StringIO
from types import ModuleType
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

import isojoule
from isojoule.compute.flop_formulas import FORMULAS, LeavesTorch, Seen
from isojoule.errors import InputError
from isojoule.records.compute import ComputeRecord
from isojoule.study.reruns import compute_fingerprint
from isojoule.workloads import building, interface
from isojoule.workloads.interface import Architecture, Configuration
from isojoule.workloads.optimizers import OPTIMIZERS

# DeepSpeed counts additions and activations as well, but these are a small part of what it counts rightly
FLOPS_APART = 1.5


@dataclass(frozen=True)
class TrainingStep:
    """The counts of one forward pass, backward pass and optimizer step: FLOPs per example, bytes of the whole batch."""

    parameters: int
    forward_flops: int
    backward_flops: int
    weights_bytes: int
    gradients_bytes: int
    optimizer_state_bytes: int
    activations_bytes: int


def count(configuration: Configuration, architecture: Architecture) -> ComputeRecord:
    """Count one architecture of a study.

    DeepSpeed patches torch and does not undo all of it, so call this in a process that measures nothing.

    Raises:
        InputError: the model cannot be built or counted, or its output does not have the shape of the targets.
    """
    begin = time.perf_counter()
    workload = configuration.workload
    settings = configuration.compute_settings()
    example = interface.part(workload, "example")
    step = training_step(architecture, example, settings)
    try:
        published_flops: int | None = deepspeed_forward_flops(architecture, example, settings)
    except InputError as error:
        # its count is the published one; without it the exact one remains
        print(f"{error}; the record has no published FLOPs", file=sys.stderr, flush=True)
        published_flops = None
    if published_flops is not None and _is_far_from(published_flops, step.forward_flops):
        print(
            f"architecture {architecture.name}: DeepSpeed counts {published_flops} FLOPs, and {step.forward_flops} are "
            "right for its matrices and convolutions: the published count leaves out or misreads an operation of it",
            file=sys.stderr,
            flush=True,
        )
    return ComputeRecord(
        workload=workload,
        architecture=architecture.name,
        family=architecture.family,
        **asdict(step),
        deepspeed_forward_flops=published_flops,
        training_flops_published=None if published_flops is None else 3 * published_flops,
        training_flops_exact=step.forward_flops + step.backward_flops,
        batch_size=settings["batch_size"],
        duration_s=time.perf_counter() - begin,
        peak_memory_bytes=_peak_memory_bytes(),
        software={
            "isojoule": isojoule.__version__,
            "python": platform.python_version(),
            **{package: version(package) for package in ("torch", "deepspeed")},
        },
        configuration_fingerprint=compute_fingerprint(configuration, architecture),
    )


def _is_far_from(published_flops: int, forward_flops: int) -> bool:
    """Say whether the published count is of other work than matrices and convolutions; what has none has none."""
    low, high = forward_flops / FLOPS_APART, forward_flops * FLOPS_APART
    return forward_flops > 0 and not low < published_flops < high


def training_step(architecture: Architecture, example: ModuleType, settings: dict[str, Any]) -> TrainingStep:
    """Count one training step of the configured batch on torch's meta device, where tensors have no data.

    A model whose constructor or `forward` needs data is counted on the CPU.

    Args:
        architecture: the architecture to count.
        example: the workload's module `example`.
        settings: the workload's `compute_settings`.

    Raises:
        InputError: the model cannot be built or trained, or its output does not have the shape of the targets.
    """
    try:
        return _training_step_on("meta", architecture, example, settings)
    except Exception:
        try:
            return _training_step_on("cpu", architecture, example, settings)
        except InputError:
            raise
        except Exception as error:
            raise InputError(
                f"architecture {architecture.name}: a training step cannot be counted: {building.first_line(error)}"
            ) from error


def deepspeed_forward_flops(architecture: Architecture, example: ModuleType, settings: dict[str, Any]) -> int:
    """Count the FLOPs of the forward pass of one example with DeepSpeed's profiler (Douwes and Serizel, DCASE 2024).

    The profiler counts ReLU, pooling and the gates of a GRU beside matrix and convolution work.

    Args:
        architecture: the architecture to count.
        example: the workload's module `example`.
        settings: the workload's `compute_settings`.

    Raises:
        InputError: DeepSpeed cannot count the model.
    """
    # DeepSpeed must not touch a GPU on which a window may be open
    os.environ.setdefault("DS_ACCELERATOR", "cpu")
    with _Uninitialized():
        model = building.build(architecture)
    inputs, _ = example.example(settings, 1, "cpu")
    with redirect_stdout(StringIO()), warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        try:
            logging.disable(logging.WARNING)
            from deepspeed.profiling.flops_profiler import get_model_profile

            flops, _, _ = get_model_profile(model, args=list(inputs), print_profile=False, warm_up=0, as_string=False)
        except Exception as error:
            raise InputError(
                f"architecture {architecture.name}: DeepSpeed cannot count its FLOPs: {building.first_line(error)}"
            ) from error
        finally:
            logging.disable(logging.NOTSET)
    return int(flops)


class _Uninitialized(TorchFunctionMode):
    """Leaves weights as they are allocated: their values change no count, and untouched memory takes no room."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in (Tensor.uniform_, Tensor.normal_) or getattr(func, "__module__", None) == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


class _EverywhereAlike:
    """Stands for the tracker of modules in torch's counter, whose hooks forbid gradients inside a forward pass."""

    parents = ("Global",)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...


class _SavedForBackward:
    """Collects the storages that autograd keeps for the backward pass, each once, without those of the model itself."""

    def __init__(self, model: nn.Module) -> None:
        own = [*model.parameters(), *model.buffers()]
        self._own = {tensor.untyped_storage()._cdata for tensor in own}
        self._storages: dict[int, torch.UntypedStorage] = {}

    def keep(self, tensor: Tensor) -> Tensor:
        if tensor.layout is not torch.strided:
            # it has no storage of its own, and what computes with it is refused
            return tensor
        storage = tensor.untyped_storage()
        if storage._cdata not in self._own:
            self._storages[storage._cdata] = storage
        return tensor

    @property
    def n_bytes(self) -> int:
        return sum(storage.nbytes() for storage in self._storages.values())


def _training_step_on(
    device: str, architecture: Architecture, example: ModuleType, settings: dict[str, Any]
) -> TrainingStep:
    # an import under the device below would put tensors that the user's module makes on it
    building.model_class(architecture)
    with torch.device(device):
        model = building.build(architecture).train()
    parameters = list(model.parameters())
    optimizer = OPTIMIZERS[settings["optimizer"]](parameters)
    batch_size = settings["batch_size"]
    inputs, targets = example.example(settings, batch_size, device)
    saved = _SavedForBackward(model)
    seen = Seen()
    # fused kernels of the CPU hide their matrix products from the counter
    without_fusion = torch.backends.mkldnn.flags(enabled=False, allow_tf32=None, fp32_precision=None)
    with ExitStack() as stack:
        if device == "cpu":
            stack.enter_context(without_fusion)
            stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        counter = FlopCounterMode(display=False, custom_mapping=FORMULAS)
        counter.mod_tracker = _EverywhereAlike()  # type: ignore[assignment]
        stack.enter_context(counter)
        stack.enter_context(seen)
        leaves = stack.enter_context(LeavesTorch())
        stack.enter_context(_without_fast_path())
        with torch.autograd.graph.saved_tensors_hooks(saved.keep, lambda tensor: tensor):
            loss = example.loss(building.checked_output(architecture, model, inputs, targets), targets)
        forward_flops = counter.get_total_flops()
        loss.backward()
        backward_flops = counter.get_total_flops() - forward_flops
    if uncounted := [*seen.uncounted(), *sorted(leaves.functions)]:
        raise InputError(
            f"architecture {architecture.name}: found the operation {', '.join(uncounted)}, whose FLOPs cannot be "
            "counted, expected operations of torch that have a formula"
        )
    optimizer.step()
    state = [slot for slots in optimizer.state.values() for slot in slots.values() if isinstance(slot, Tensor)]
    return TrainingStep(
        parameters=sum(parameter.numel() for parameter in parameters),
        forward_flops=round(forward_flops / batch_size),
        backward_flops=round(backward_flops / batch_size),
        weights_bytes=_n_bytes(parameters),
        gradients_bytes=_n_bytes(parameter.grad for parameter in parameters if parameter.grad is not None),
        optimizer_state_bytes=_n_bytes(state),
        activations_bytes=saved.n_bytes,
    )


@contextmanager
def _without_fast_path() -> Iterator[None]:
    """Let layers of attention call operations that have a formula instead of a kernel of their own."""
    was_enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(was_enabled)


def _n_bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors)


def _peak_memory_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
