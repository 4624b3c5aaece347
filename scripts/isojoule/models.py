"""From an architecture to its model, ours and the user's alike."""

import importlib
import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from isojoule.errors import InputError
from isojoule.workloads import Architecture


def build(architecture: Architecture) -> nn.Module:
    """Import the class that `architecture.model` names and call it with its arguments.

    The module may lie in the current folder.

    Raises:
        InputError: the module cannot be imported, has no such `torch.nn.Module`, or the class refuses the arguments.
    """
    module_name, _, class_name = architecture.model.partition(":")
    folder = str(Path.cwd())
    if folder not in sys.path:
        # last, so that no file of the user hides a library
        sys.path.append(folder)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise InputError(
            f"architecture {architecture.name}: module {module_name} cannot be imported: {sentence(error)}; "
            f"expected it in {folder} or installed"
        ) from error
    model_class = getattr(module, class_name, None)
    if model_class is None:
        raise InputError(f"architecture {architecture.name}: found no {class_name} in module {module_name}")
    if not (isinstance(model_class, type) and issubclass(model_class, nn.Module)):
        raise InputError(
            f"architecture {architecture.name}: {architecture.model} is {model_class!r}, "
            "expected a class derived from torch.nn.Module"
        )
    try:
        return model_class(**architecture.arguments)
    except Exception as error:
        raise InputError(
            f"architecture {architecture.name}: {architecture.model} cannot be built from its arguments: {sentence(error)}"
        ) from error


def checked_output(architecture: Architecture, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """The model's output for `inputs`, which has the shape of `targets`.

    Raises:
        InputError: the model does not take such inputs, or its output has another shape.
    """
    takes = f"architecture {architecture.name}: for an input of {_shown(inputs)}"
    try:
        output = model(inputs)
    except Exception as error:
        raise InputError(f"{takes}, {architecture.model} failed: {sentence(error)}") from error
    if not isinstance(output, torch.Tensor):
        raise InputError(f"{takes}, found an output of type {type(output).__name__}, expected a tensor {_shown(targets)}")
    if output.shape != targets.shape:
        raise InputError(f"{takes}, found an output of {_shown(output)}, expected {_shown(targets)}")
    return output


def sentence(error: BaseException) -> str:
    """The first line of an error's message, or its type where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _shown(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "a single number"
