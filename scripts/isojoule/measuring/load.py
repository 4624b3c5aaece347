"""Work that can be begun and ended at once: matrix products on a GPU or on the CPU."""

import threading
import time

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
        self._runs, self._rests, self._ends = threading.Event(), threading.Event(), False
        self._rests.set()
        self._thread = threading.Thread(target=self._work, name="load", daemon=True)
        self._thread.start()

    def start(self) -> None:
        """Begin the work, and return at once."""
        self._rests.clear()
        self._runs.set()

    def stop(self) -> None:
        """End the work, and return when the device has nothing to do."""
        self._runs.clear()
        self._rests.wait()

    def multiply(self, count: int) -> None:
        """Do so many products, and return when they are done."""
        for _ in range(count):
            self._multiply()

    def close(self) -> None:
        """End the thread, and give the memory back."""
        self._ends = True
        self._runs.set()
        self._thread.join()
        del self._left, self._right, self._product
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def _work(self) -> None:
        while True:
            self._runs.wait()
            if self._ends:
                return
            while self._runs.is_set() and not self._ends:
                self._multiply()
            self._rests.set()

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
