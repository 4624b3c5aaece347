"""Build the model of an architecture, whether it is ours or the user's, and check what it returns."""

import importlib
import sys
from pathlib import Path

from torch import Tensor, nn

from isojoule.errors import InputError, is_out_of_memory
from isojoule.workloads.interface import Architecture


def build(architecture: Architecture) -> nn.Module:
    """Call the class of `architecture` with its arguments.

    Raises:
        InputError: there is no such class, or it cannot be built from these arguments.
    """
    module_class = model_class(architecture)
    try:
        return module_class(**architecture.arguments)
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise InputError(
            f"architecture {architecture.name}: {architecture.model} cannot be built: {first_line(error)}"
        ) from error


def model_class(architecture: Architecture) -> type[nn.Module]:
    """Import the class that `architecture.model` names; its module may lie in the current folder.

    Raises:
        InputError: the module cannot be imported, is there twice, or has no such `torch.nn.Module`.
    """
    module_name, _, class_name = architecture.model.partition(":")
    folder = str(Path.cwd())
    if folder not in sys.path:
        # at the end of the path, no file of the user hides a library
        sys.path.append(folder)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise InputError(
            f"architecture {architecture.name}: module {module_name} cannot be imported: {first_line(error)}; "
            f"expected it in {folder} or installed"
        ) from error
    own = Path(folder, *module_name.split("."))
    if hidden := [path for path in (own.with_suffix(".py"), own / "__init__.py") if path.is_file()]:
        file = getattr(module, "__file__", None)
        if file is None or not any(path.samefile(file) for path in hidden):
            raise InputError(
                f"architecture {architecture.name}: found two modules {module_name}, {file or 'one of Python'} and "
                f"{hidden[0]}, expected one: the first is taken, so rename the second"
            )
    module_class = getattr(module, class_name, None)
    if module_class is None:
        raise InputError(f"architecture {architecture.name}: found no {class_name} in module {module_name}")
    if not (isinstance(module_class, type) and issubclass(module_class, nn.Module)):
        raise InputError(
            f"architecture {architecture.name}: {architecture.model} is {module_class!r}, "
            "expected a torch.nn.Module class"
        )
    return module_class


def checked_output(architecture: Architecture, model: nn.Module, inputs: tuple[Tensor, ...], targets: Tensor) -> Tensor:
    """Call the model with `inputs`, and return its output, which must have the shape of `targets`.

    Raises:
        InputError: the model does not take such inputs, or its output has another shape.
    """
    given = f"architecture {architecture.name}: given {' and '.join(map(_shape, inputs))}"
    try:
        output = model(*inputs)
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise InputError(f"{given}, {architecture.model} failed: {first_line(error)}") from error
    if not isinstance(output, Tensor):
        raise InputError(f"{given}, found an output of type {type(output).__name__}, expected {_shape(targets)}")
    if output.shape != targets.shape:
        raise InputError(f"{given}, found an output of {_shape(output)}, expected {_shape(targets)}")
    return output


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or the error's type where it has no message."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "a single number"
