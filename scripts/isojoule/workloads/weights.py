"""The weights of a training session, where a warm-up or a repetition of the measured work must not leave a trace."""

import torch
from torch import Tensor, nn


class Weights:
    """Puts a model back to where it started, or to where the first run left it.

    Args:
        model: on the CPU still.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._initial = {name: value.clone() for name, value in model.state_dict().items()}
        self._first: dict[str, Tensor] = {}

    def back_to_start(self, optimizer: torch.optim.Optimizer) -> None:
        """After the warm-up: weights and optimizer as they were; once."""
        self._model.load_state_dict(self._initial)
        self._initial.clear()
        for slots in optimizer.state.values():
            for slot in slots.values():
                if isinstance(slot, Tensor):
                    slot.zero_()
        optimizer.zero_grad(set_to_none=True)

    def keep(self) -> None:
        """Remember the weights, on the device where it has room for them twice."""
        weights = self._model.state_dict()
        needed = sum(value.nbytes for value in weights.values())
        self._first = {
            name: value.to(value.device if _has_room(value.device, needed) else "cpu", copy=True)
            for name, value in weights.items()
        }

    def settle(self) -> None:
        """Back to what `keep` remembered, if anything."""
        if self._first:
            self._model.load_state_dict(self._first)
            self._first.clear()


def _has_room(device: torch.device, needed: int) -> bool:
    """Whether the device has twice as much free, with what torch keeps of it for later."""
    if device.type != "cuda":
        return True
    free = torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
    return bool(free > 2 * needed)
