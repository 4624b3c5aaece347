"""The optimizers by the name that the configuration gives them."""

import inspect
from collections.abc import Callable

import torch


def _uncompiled(optimizer: type[torch.optim.Optimizer]) -> type[torch.optim.Optimizer]:
    """Make a class that takes the same steps as `optimizer` but does not import torch's compiler.

    torch wraps these methods to tell its compiler that it should leave them alone, and the wrappers import all of the
    compiler, which costs more than a second in every job. This class calls the methods themselves. They are compiled
    in neither case.
    """
    methods = {name: inspect.unwrap(getattr(optimizer, name)) for name in ("add_param_group", "zero_grad")}
    step = torch.no_grad()(inspect.unwrap(optimizer.step))
    return type(optimizer.__name__, (optimizer,), {**methods, "step": step})


OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": _uncompiled(torch.optim.Adam),
    "adamw": _uncompiled(torch.optim.AdamW),
    "sgd": _uncompiled(torch.optim.SGD),
}
