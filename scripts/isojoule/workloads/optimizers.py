"""The optimizers by the name that the configuration gives them."""

import inspect
from collections.abc import Callable

import torch


def _uncompiled(optimizer: type[torch.optim.Optimizer]) -> type[torch.optim.Optimizer]:
    """The same optimizer, step by step, without torch's compiler.

    torch wraps these methods so that its compiler leaves them alone, and imports all of it to say so: more than a
    second in every job. What is wrapped is called here as it is; nothing of it is compiled either way.
    """
    called = {name: inspect.unwrap(getattr(optimizer, name)) for name in ("add_param_group", "zero_grad")}
    step = torch.no_grad()(inspect.unwrap(optimizer.step))
    return type(optimizer.__name__, (optimizer,), {**called, "step": step})


OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": _uncompiled(torch.optim.Adam),
    "adamw": _uncompiled(torch.optim.AdamW),
    "sgd": _uncompiled(torch.optim.SGD),
}
