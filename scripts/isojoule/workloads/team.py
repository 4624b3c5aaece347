"""Processes that train one model together with torch DDP: each has a share of every batch, gradients are averaged."""

import os
import queue
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
import torch.distributed as distributed
from torch.multiprocessing import get_context

from isojoule.errors import is_out_of_memory

# how long a process waits for another to join, or to take part in a step
PATIENCE = timedelta(minutes=10)
# how long the reason of a failure may be on its way
REASON_S = 1.0


class Team:
    """The processes of the other devices, which call the methods that the caller names.

    The caller is rank 0. It must build its own model after this, as the other processes do.

    Args:
        size: number of processes, the caller among them.
        kind: kind of the devices, `cuda` or `cpu`.
        member: each of the other processes calls it with its rank and `arguments`; `tell` calls methods of what it
            returns.
        arguments: further arguments of `member`, which pickle must be able to carry.
    """

    def __init__(self, size: int, kind: str, member: Callable[..., Any], *arguments: Any) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="isojoule-team-")
        rendezvous = Path(self._folder.name) / "rendezvous"
        self._kind, self._is_closing = kind, False
        self._connections: list[Connection] = []
        self._answers: list[queue.Queue[str | None]] = []
        self._processes = []
        context = get_context("spawn")
        try:
            for rank in range(1, size):
                ours, theirs = context.Pipe()
                served = (rank, size, kind, rendezvous, theirs, member, arguments)
                process = context.Process(target=_serve, args=served, daemon=True)
                process.start()
                theirs.close()
                self._connections.append(ours)
                self._answers.append(queue.Queue())
                self._processes.append(process)
                listener = threading.Thread(target=self._listen, args=(rank,), name=f"team-{rank}", daemon=True)
                listener.start()
            # a process that died before it joined is noticed here, since joining would wait for it
            self.wait()
            _join(0, size, kind, rendezvous)
        except BaseException:
            self.close()
            raise

    def tell(self, method: str) -> None:
        """Make all other processes call this method, while the caller goes on."""
        for connection in self._connections:
            connection.send(method)

    def wait(self) -> None:
        """Wait until the devices of all other processes have done what they were told.

        Raises:
            RuntimeError: one of them failed, or its process ended; the message says why.
        """
        for rank, answers in enumerate(self._answers, start=1):
            if (problem := answers.get()) is not None:
                raise RuntimeError(f"on device {rank}: {problem}")

    def failure(self) -> str | None:
        """Return why one of the other processes failed, or None where none said so before it ended."""
        for rank, answers in enumerate(self._answers, start=1):
            with suppress(queue.Empty):
                while True:
                    if (problem := answers.get(timeout=REASON_S)) is not None:
                        return f"on device {rank}: {problem}"
        return None

    def _listen(self, rank: int) -> None:
        """Take in what a process says; where it failed, end the steps in which the caller may wait for it."""
        connection, answers = self._connections[rank - 1], self._answers[rank - 1]
        while True:
            try:
                problem = connection.recv()
            except (EOFError, OSError):
                answers.put("its process ended without a word")
                self._abort()
                return
            answers.put(problem)
            if problem is not None:
                self._abort()

    def _abort(self) -> None:
        """Free the caller from a collective step: NCCL would wait in it until a watchdog ends the process."""
        if self._kind == "cuda" and not self._is_closing and distributed.is_initialized():
            distributed.distributed_c10d._abort_process_group()

    def close(self) -> None:
        """End the other processes."""
        self._is_closing = True
        for connection in self._connections:
            connection.close()
        for process in self._processes:
            # it may be waiting for a step that never comes, and has nothing to save
            process.kill()
            process.join()
        if distributed.is_initialized() and self._kind == "cuda":
            # NCCL's ordinary end waits for processes that are gone
            distributed.distributed_c10d._abort_process_group()
        elif distributed.is_initialized():
            distributed.destroy_process_group()
        self._folder.cleanup()


def _join(rank: int, size: int, kind: str, rendezvous: Path) -> None:
    backend = "nccl" if kind == "cuda" else "gloo"
    address = f"file://{rendezvous}"
    distributed.init_process_group(backend, init_method=address, rank=rank, world_size=size, timeout=PATIENCE)


def _serve(
    rank: int,
    size: int,
    kind: str,
    rendezvous: Path,
    connection: Connection,
    member: Callable[..., Any],
    arguments: tuple[Any, ...],
) -> None:
    """Call the methods that arrive on `connection`; answer each with None, or with what went wrong."""
    try:
        if kind == "cuda":
            torch.cuda.set_device(rank)
        connection.send(None)
        _join(rank, size, kind, rendezvous)
        session = member(rank, *arguments)
        while True:
            method = connection.recv()
            getattr(session, method)()
            if kind == "cuda":
                torch.cuda.synchronize(rank)
            connection.send(None)
    except EOFError:
        pass
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        # the caller recognizes it by torch's own words
        connection.send(f"out of memory: {lines[0]}" if is_out_of_memory(error) else lines[0])
    # an ordinary exit would wait for the backend's threads, which may wait for what never comes
    os._exit(0)
