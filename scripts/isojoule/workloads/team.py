"""Processes that train one model together: gradients are averaged, each has its share of every batch (torch DDP)."""

import os
import tempfile
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

# for the others to come, or to take part in a step
PATIENCE = timedelta(minutes=10)


class Team:
    """The processes of the other devices, which do what they are told by the name of a method.

    The caller is rank 0; it must build its own model after this, as the others do.

    Args:
        size: all of them, with the caller.
        kind: of the device, `cuda` or `cpu`.
        member: called with the rank and `arguments` in each of the other processes; what it returns is told what to do.
        arguments: of `member`; must be such that pickle takes them.
    """

    def __init__(self, size: int, kind: str, member: Callable[..., Any], *arguments: Any) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="isojoule-team-")
        rendezvous = Path(self._folder.name) / "rendezvous"
        self._connections: list[Connection] = []
        self._processes = []
        context = get_context("spawn")
        try:
            for rank in range(1, size):
                ours, theirs = context.Pipe()
                given = (rank, size, kind, rendezvous, theirs, member, arguments)
                process = context.Process(target=_serve, args=given, daemon=True)
                process.start()
                theirs.close()
                self._connections.append(ours)
                self._processes.append(process)
            # that each is there, so that none is waited for that died before
            self.wait()
            _join(0, size, kind, rendezvous)
        except BaseException:
            self.close()
            raise

    def tell(self, method: str) -> None:
        """Let all others call this method of theirs, beside the caller."""
        for connection in self._connections:
            connection.send(method)

    def wait(self) -> None:
        """Wait until the devices of all others have done what they were told.

        Raises:
            RuntimeError: one of them failed, or its process ended; the message says why.
        """
        for rank, connection in enumerate(self._connections, start=1):
            try:
                answer = connection.recv()
            except EOFError as error:
                raise RuntimeError(f"the process of device {rank} ended without a word") from error
            if answer is not None:
                raise RuntimeError(f"on device {rank}: {answer}")

    def failure(self) -> str | None:
        """What one of the others said before it ended, if anything."""
        for rank, connection in enumerate(self._connections, start=1):
            with suppress(EOFError, OSError):
                while connection.poll(1):
                    if (answer := connection.recv()) is not None:
                        return f"on device {rank}: {answer}"
        return None

    def close(self) -> None:
        """End the processes."""
        for connection in self._connections:
            connection.close()
        for process in self._processes:
            # may be waiting for a step that never comes, and has nothing to save
            process.kill()
            process.join()
        if distributed.is_initialized():
            distributed.destroy_process_group()
        self._folder.cleanup()


def _join(rank: int, size: int, kind: str, rendezvous: Path) -> None:
    backend = "nccl" if kind == "cuda" else "gloo"
    place = f"file://{rendezvous}"
    distributed.init_process_group(backend, init_method=place, rank=rank, world_size=size, timeout=PATIENCE)


def _serve(
    rank: int,
    size: int,
    kind: str,
    rendezvous: Path,
    connection: Connection,
    member: Callable[..., Any],
    arguments: tuple[Any, ...],
) -> None:
    try:
        if kind == "cuda":
            torch.cuda.set_device(rank)
        connection.send(None)
        _join(rank, size, kind, rendezvous)
        mine = member(rank, *arguments)
        while True:
            method = connection.recv()
            getattr(mine, method)()
            if kind == "cuda":
                torch.cuda.synchronize(rank)
            connection.send(None)
    except EOFError:
        pass
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        # as torch words it, so that the caller sees what it is
        connection.send(f"out of memory: {lines[0]}" if is_out_of_memory(error) else lines[0])
    # threads of the backend may wait for what never comes
    os._exit(0)
