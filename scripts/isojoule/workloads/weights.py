"""The weights of a training session, in which warm-up and repetitions of the measured work leave no trace."""

import torch
from torch import Tensor, nn


class Weights:
    """Puts the weights of a model back to their start, or to where the first run left them.

    Args:
        model: the model, which is still on the CPU.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._initial = {name: value.clone() for name, value in model.state_dict().items()}
        self._first: dict[str, Tensor] = {}

    def back_to_start(self, optimizer: torch.optim.Optimizer) -> None:
        """Put weights and optimizer back to what they were before the warm-up. This works once."""
        self._model.load_state_dict(self._initial)
        self._initial.clear()
        for slots in optimizer.state.values():
            for slot in slots.values():
                if isinstance(slot, Tensor):
                    slot.zero_()
        optimizer.zero_grad(set_to_none=True)

    def keep(self) -> None:
        """Copy the weights: on the device where it has room for twice their size, else to the CPU."""
        weights = self._model.state_dict()
        size_bytes = sum(value.nbytes for value in weights.values())
        self._first = {
            name: value.to(value.device if _has_room(value.device, size_bytes) else "cpu", copy=True)
            for name, value in weights.items()
        }

    def settle(self) -> None:
        """Put the weights back to what `keep` copied, if it was called."""
        if self._first:
            self._model.load_state_dict(self._first)
            self._first.clear()


def _has_room(device: torch.device, size_bytes: int) -> bool:
    """Return whether the device has twice as many bytes free; memory that torch holds in reserve is free."""
    if device.type != "cuda":
        return True
    free_bytes = torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
    return bool(free_bytes > 2 * size_bytes)
