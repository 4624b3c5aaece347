"""FLOPs of the operations that torch's own counter counts wrongly or not at all, and those that nobody can count.

A multiplication and an addition are two FLOPs. Matrix and convolution work counts, and nothing else.

Axes of the shapes: b batch, i and o channels in and out, s spatial, k kernel.
"""

from collections.abc import Callable, Iterable, Sequence
from math import prod
from typing import Any

import torch
from torch._ops import OpOverloadPacket
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

aten = torch.ops.aten
Shape = Sequence[int]

# operations of torch that do matrix work of which nobody has a formula here
WITHOUT_FORMULA = (
    "linalg_",
    "_linalg",
    "_compute_linear_combination",
    "_lu_with_info",
    "lu_solve",
    "_cholesky_solve_helper",
    "cholesky",
    "geqrf",
    "orgqr",
    "ormqr",
    "triangular_solve",
    "_spsolve",
    "_cdist",
    "_euclidean_dist",
    "_pdist",
    "_conv_",
    "_convolution",
    "convolution_",
    "conv_",
    "cudnn_convolution",
    "miopen_",
    "mkldnn_",
    "mps_convolution",
    "_mps_convolution",
    "_nnpack_spatial_convolution",
    "slow_conv",
    "_slow_conv",
    "_cudnn_attention",
    "_flash_attention",
    "_efficient_attention",
    "_native_multi_head_attention",
    "_transformer_encoder_layer",
    "_scaled_dot_product",
    "_triton_",
    "_thnn_",
    "_cudnn_rnn",
    "_lstm_mps",
    "lstm_mps",
    "linear",
    "matmul",
    "_addmm_activation",
    "_cslt_sparse_mm",
    "_dyn_quant_matmul",
    "_foreach_mm",
    "_grouped_mm",
    "_int_mm",
    "_mixed_dtypes_linear",
    "_scaled_grouped_mm",
    "_scaled_mm",
    "_weight_int4pack_mm",
    "_weight_int8pack_mm",
    "_wrapped_quantized_linear",
    "_efficientzerotensor_mm",
    "quantized_",
    "fbgemm",
    "sparse_",
    "_sparse_",
    "hspmm",
    "smm",
    "sspaddmm",
)
# of those, the operations that only work on single values or make a number of a vector
NO_MATRIX_WORK = ("linalg_vector_norm", "linalg_cross", "_linalg_check_errors")
# methods that give a tensor's values to another library
OUT_OF_TORCH = ("numpy", "__array__", "__dlpack__")
# of these libraries every operation is torch's own
OF_TORCH = ("aten", "prim", "prims", "profiler", "c10d", "rngprims", "debugprims")


def convolution(values: Shape, weight: Shape, output: Shape, transposed: bool) -> int:
    """Return the FLOPs of a convolution: 2 b s o (i / groups) k, over the positions of the output.

    A transposed convolution does the same at the positions of its input.

    Args:
        values: shape of the input, (b, i, s...).
        weight: shape of the weight, (o, i / groups, k...), or transposed (i, o / groups, k...).
        output: shape of the output, (b, o, s...).
        transposed: whether the convolution is transposed.
    """
    positions = values[2:] if transposed else output[2:]
    return int(2 * values[0] * prod(positions) * prod(weight))


def convolution_backward(
    grad_out: Shape,
    values: Shape,
    weight: Shape,
    _bias: Any,
    _stride: Any,
    _padding: Any,
    _dilation: Any,
    transposed: bool,
    _output_padding: Any,
    _groups: int,
    output_mask: Iterable[bool],
    out_shape: Any = None,  # noqa: ARG001 - torch passes it by this name
) -> int:
    """Return the FLOPs of the gradients of a convolution: as many as forward for the input's, and for the weight's.

    torch's formula multiplies those of the weight by the number of groups.
    """
    of_values, of_weight, _ = output_mask
    number = int(bool(of_values)) + int(bool(of_weight))
    return int(number * convolution(values, weight, grad_out, transposed))


def matrix_vector(matrix: Shape, _vector: Shape, *_: Any, **__: Any) -> int:
    """Return the FLOPs of a matrix times a vector."""
    return 2 * prod(matrix)


def matrix_vector_added(_added: Shape, matrix: Shape, _vector: Shape, *_: Any, **__: Any) -> int:
    """Return the FLOPs of a matrix times a vector that is added to another."""
    return 2 * prod(matrix)


def vectors(left: Shape, _right: Shape, *_: Any, **__: Any) -> int:
    """Return the FLOPs of the inner product of two vectors."""
    return 2 * prod(left)


def bilinear(left: Shape, weight: Shape, right: Shape, *expanded: Any, **__: Any) -> int:
    """Return the FLOPs of a product of three tensors, of which two are multiplied first, and the result by the third.

    All axes of the three are those of one product over which it is summed; `expand` names the axes that each lacks.
    """
    shapes = [list(shape) for shape in (left, weight, right)]
    for shape, axes in zip(shapes, expanded[:3], strict=False):
        for axis in sorted(axes):
            shape.insert(axis, 1)
    sizes = [max(axis) for axis in zip(*shapes, strict=True)]
    summed = set(expanded[3]) if len(expanded) > 3 else set()
    # the first product lacks the axes that only the third tensor has: in the gradient of the weight, its last
    first = [max(shapes[0][axis], shapes[1][axis]) for axis in range(len(sizes))]
    # what is summed in the first product are axes that the third tensor lacks
    first_summed = {axis for axis in summed if shapes[2][axis] == 1}
    kept = [size for axis, size in enumerate(sizes) if axis not in first_summed]
    return int(2 * prod(first) + 2 * prod(kept))


def added_products(_added: Shape, left: Shape, right: Shape, *_: Any, **__: Any) -> int:
    """Return the FLOPs of one product of matrices, or of a batch of them, that is added to something."""
    return int(2 * prod(left) * right[-1])


FORMULAS: dict[Any, Callable[..., int]] = {
    aten.convolution_backward: convolution_backward,
    aten.mv: matrix_vector,
    aten.addmv: matrix_vector_added,
    aten.addmv_: matrix_vector_added,
    aten.addmm_: added_products,
    aten.baddbmm_: added_products,
    aten.dot: vectors,
    aten.vdot: vectors,
    aten._trilinear: bilinear,
    aten.addbmm: added_products,
    aten.addbmm_: added_products,
}


class Seen(TorchDispatchMode):
    """Remembers the operations that a model really runs."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._packets: dict[str, OpOverloadPacket] = {}
        self._of_complex: set[str] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        packet = func._overloadpacket
        self._packets[str(packet)] = packet
        if any(isinstance(value, torch.Tensor) and value.is_complex() for value in args):
            self._of_complex.add(str(packet))
        return func(*args, **(kwargs or {}))

    def uncounted(self) -> list[str]:
        """Return the names of the operations that do matrix work, or may do it, and have no formula.

        A formula is of real numbers: products of complex ones take several products, whose number the kernel decides.
        """
        has_formula = {name for name, packet in self._packets.items() if packet in flop_registry or packet in FORMULAS}
        unknown = [name for name in sorted({*self._packets} - has_formula) if _may_do_matrix_work(name)]
        return [*unknown, *(f"{name} of complex numbers" for name in sorted(has_formula & self._of_complex))]


class LeavesTorch(TorchFunctionMode):
    """Remembers which functions hand values of a model to other libraries, whose work torch does not see."""

    def __init__(self) -> None:
        super().__init__()
        self.functions: set[str] = set()

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = getattr(func, "__name__", "")
        # a single number decides something; what is computed of it is no matrix
        if name in OUT_OF_TORCH and args and args[0].numel() > 1:
            self.functions.add(f"Tensor.{name}")
        return func(*args, **(kwargs or {}))


def _may_do_matrix_work(name: str) -> bool:
    library, _, operation = name.partition(".")
    name_of_operation = operation.removesuffix("_backward")
    return library not in OF_TORCH or (
        operation.startswith(WITHOUT_FORMULA) and name_of_operation not in NO_MATRIX_WORK
    )
