"""Whose memory it is that a GPU lacks: others' is no property of an architecture, ours is."""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from isojoule.energy.company import UNLISTED_ALLOWANCE_BYTES
from isojoule.errors import CompanyError

# with less of its memory free, a GPU is short of it
SHORT_SHARE, SHORT_BYTES = 0.05, 2**29


class Memory(NamedTuple):
    """The memory of one GPU in bytes.

    Attributes:
        total: all of it.
        free: what nobody has taken.
        ours: what torch has taken in this process, whether it is in use or in reserve.
    """

    total: int
    free: int
    ours: int

    @property
    def of_others(self) -> int:
        """What others have taken for certain: our context and the driver take up to the allowance."""
        return max(self.total - self.free - self.ours - UNLISTED_ALLOWANCE_BYTES, 0)

    @property
    def is_short(self) -> bool:
        """Whether so little is free that a library may fail for it; what torch has in reserve is not free for it."""
        return self.free < max(SHORT_SHARE * self.total, SHORT_BYTES)


def memory(device: int = 0) -> Memory:
    """Return the memory of a GPU, as the CUDA driver counts it."""
    free, total = torch.cuda.mem_get_info(device)
    return Memory(total, free, torch.cuda.memory_reserved(device))


def check_room(names: Sequence[str], when: str) -> None:
    """Refuse GPUs whose memory others hold.

    Args:
        names: of the GPUs of this process, in torch's order.
        when: the sentence's beginning of time, such as "before the model was moved there".

    Raises:
        CompanyError: others hold memory of one of them.
    """
    for number, name in enumerate(names):
        if of_others := memory(number).of_others:
            raise CompanyError(
                f"{name}: found {of_others / 1e9:.1f} GB of its memory taken by others {when}, expected a GPU for "
                "itself; nothing was measured"
            )
