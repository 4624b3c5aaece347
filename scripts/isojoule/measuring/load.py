"""Work that can be begun and ended at once: matrix products on a GPU or on the CPU."""

import threading
import time
from typing import Literal

import torch

# one product takes about so long, so that the work ends quickly when it is told to
PRODUCT_S = 0.0015
SMALLEST, LARGEST = 256, 8192


class MatrixLoad:
    """Multiplies matrices in a thread of its own from `start` to `stop`.

    Args:
        device: where to compute.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        size = SMALLEST
        while True:
            self._left, self._right, self._product = (torch.full((size, size), 0.5, device=device) for _ in range(3))
            if size >= LARGEST or self._product_s() >= PRODUCT_S:
                break
            size *= 2
        # what is asked for and what the thread does change under this lock alone, so that no order of them is missed
        self._changed = threading.Condition()
        self._asked: Literal["rest", "work", "end"] = "rest"
        self._is_working = False
        self._error: RuntimeError | None = None
        self._thread = threading.Thread(target=self._work, name="load", daemon=True)
        self._thread.start()

    def start(self) -> None:
        """Begin the work, and return at once."""
        self._ask("work")

    def stop(self) -> None:
        """End the work, and return when the device has nothing to do.

        Raises:
            RuntimeError: a product failed, such as one for which the memory is short.
        """
        self._ask("rest")
        with self._changed:
            self._changed.wait_for(lambda: not self._is_working)
        if self._error is not None:
            raise self._error

    def multiply(self, count: int) -> None:
        """Do so many products, and return when they are done."""
        for _ in range(count):
            self._multiply()

    def close(self) -> None:
        """End the thread, and give the memory back."""
        self._ask("end")
        self._thread.join()
        del self._left, self._right, self._product
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def _ask(self, what: Literal["rest", "work", "end"]) -> None:
        with self._changed:
            self._asked = what
            self._changed.notify_all()

    def _work(self) -> None:
        try:
            while self._begins():
                while self._asked == "work":
                    self._multiply()
        except RuntimeError as error:
            # whoever waits for the end of the work is told, instead of waiting for ever
            self._error = error
        finally:
            self._rest()

    def _begins(self) -> bool:
        """Rest until there is something else to do, and say whether that is work."""
        self._rest()
        with self._changed:
            self._changed.wait_for(lambda: self._asked != "rest")
            self._is_working = self._asked == "work"
            return self._is_working

    def _rest(self) -> None:
        with self._changed:
            self._is_working = False
            self._changed.notify_all()

    def _multiply(self) -> None:
        torch.mm(self._left, self._right, out=self._product)
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)

    def _product_s(self) -> float:
        # the first product of a size loads its kernel
        self._multiply()
        began_s = time.perf_counter()
        self._multiply()
        return time.perf_counter() - began_s
