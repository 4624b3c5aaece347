"""The start of a training, to which warm-up and repetitions go back, so that they leave no trace."""

import torch
from torch import Tensor, nn


class Start:
    """Remembers the weights with which a training begins, and the state of the random numbers.

    The weights are kept on the CPU, so that they take no memory where the model computes.

    Args:
        model: the model, which is still on the CPU.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._weights = {name: value.clone() for name, value in model.state_dict().items()}
        self._random_states = _random_states()

    def go_back(self, optimizer: torch.optim.Optimizer) -> None:
        """Put weights, optimizer and random numbers back to where the training begins."""
        self._model.load_state_dict(self._weights)
        for slots in optimizer.state.values():
            for slot in slots.values():
                if isinstance(slot, Tensor):
                    slot.zero_()
        optimizer.zero_grad(set_to_none=True)
        cpu_state, cuda_states = self._random_states
        torch.set_rng_state(cpu_state)
        if cuda_states:
            torch.cuda.set_rng_state_all(cuda_states)


def _random_states() -> tuple[Tensor, list[Tensor]]:
    is_on_gpu = torch.cuda.is_available() and torch.cuda.is_initialized()
    return torch.get_rng_state(), torch.cuda.get_rng_state_all() if is_on_gpu else []
