"""Measure a part of my own program, with one import.

Example:
    import isojoule

    with isojoule.measure("train", name="mynet", append="mine.csv") as part:
        train()
    print(part.energy.computing.energy_kwh)
"""

import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from isojoule.energy import Meter, Window, nvml
from isojoule.errors import InputError
from isojoule.programs import launch
from isojoule.programs.description import Description, Phase, begun, name_of
from isojoule.programs.keeping import Keeper, default_path
from isojoule.programs.run import closed, devices_alone
from isojoule.records import RunRecord, provenance
from isojoule.records.base import Finite, Text
from isojoule.records.measurement import Energy

QUALITY = TypeAdapter(dict[Text, Finite])
# threads take turns, and a part inside a part does not wait for it
TURN = threading.RLock()


class Part:
    """A part of a program that is measured.

    Attributes:
        quality: of the system by name of the metric, which may be filled in inside the `with`; more is better.
        record: as it was written; it is there from the end of the `with` on, and none in a process that only works.
    """

    def __init__(self, quality: Mapping[str, float], window: Window | None = None, *, is_alone: bool = True) -> None:
        self.quality = dict(quality)
        self.record: RunRecord | None = None
        self._window, self._is_alone = window, is_alone

    @property
    def energy(self) -> Energy:
        """What was read, for the work done once.

        Raises:
            InputError: the part is not over, or another process of this node has the meter.
        """
        if self.record is None or self.record.energy is None:
            raise InputError("energy: found none, expected it behind the with, in the first process of a node")
        return self.record.energy

    def again(self) -> bool:
        """Say whether the work is to be done (once more), until the window is long enough for the instruments.

        Raises:
            InputError: several processes work together, and would not agree on it.
        """
        if self._window is None or not self._is_alone:
            raise InputError("again: found several processes, expected one; repeat the work as often in each of them")
        return self._window.again()


@contextmanager
def measure(
    phase: Phase = "train",
    *,
    name: str | None = None,
    gpu: str | None = None,
    flops: int | None = None,
    params: int | None = None,
    quality: Mapping[str, float] | None = None,
    output: str | Path | None = None,
    append: str | Path | None = None,
    **meter: Any,
) -> Iterator[Part]:
    """Measure what happens inside the `with`, and write a record of it, and a row where a table is named.

    Where torchrun, accelerate or srun started several processes on this node, all of them call it: the first has the
    meter, and the others only work.

    Args:
        phase: `train` or `test`.
        name: of the system; by default that of the program.
        gpu: what the platform is called; by default the name of the device.
        flops: forward FLOPs of one example.
        params: number of parameters.
        quality: by name of the metric; more is better.
        output: JSON file of the record; by default one in `isojoule-runs/`.
        append: table that gets a row, parquet or CSV.
        meter: further arguments of `isojoule.energy.Meter`.

    Raises:
        InputError: nothing can be read here, others use a GPU, or nothing can be written.
    """
    started = launch.launch(os.environ)
    if started.local_rank:
        _wait_for_all()
        yield Part(quality or {}, is_alone=False)
        _wait_for_all()
        return
    words = [*sys.orig_argv]
    description = Description(name_of(words) if name is None else name, phase, gpu, flops, params, quality or {})
    path = Path(output or default_path(description.name, phase, provenance.now(), os.getpid()))
    keeper = Keeper(path, None if append is None else Path(append))
    keeper.check(description.phase, description.quality)
    is_alone = started.local_size == 1
    with TURN, devices_alone() as uuids:
        launch.check_reach(started, words, os.environ, len(uuids))
        gpus = [nvml.identify(uuid) for uuid in uuids]
        record = begun(description, words, gpus, is_part=True)
        settings = {"synchronize": None if is_alone else _synchronize, "owns": launch.owner(started.mark), **meter}
        if not is_alone:
            # the others wait busily, so that the idle power cannot be seen
            settings |= {"idle_s": 0, "own_processes": 1}
        instruments = Meter(gpus=gpus, **settings)
        instruments.ready()
        keeper.begin(record)
        part = Part(quality or {})
        window: Window | None = None
        try:
            with launch.marking(started.mark), instruments as window:
                part = Part(quality or {}, window, is_alone=is_alone)
                _wait_for_all()
                yield part
                _wait_for_all()
        except BaseException as error:
            message = f"{type(error).__name__}: {error}".partition("\n")[0].replace("\0", "\\0")
            keeper.end(closed(record, None, outcome="failed", message=message, quality=_readable(part.quality)))
            raise
        part.record = keeper.end(closed(record, window, outcome="ok", quality=_readable(part.quality)), window.trace)


def _readable(quality: Mapping[str, float]) -> dict[str, float]:
    """Leave out, and say so, what no record can hold: it must not cost the energy that was measured."""
    kept: dict[str, float] = {}
    for name, value in quality.items():
        try:
            kept |= QUALITY.validate_python({name: value})
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            print(f"isojoule: quality {name}: found {value!r}: {reason}; the record is without it", file=sys.stderr)
    return kept


def _synchronize() -> None:
    """Wait until the GPU of this process has done its work; those of the others wait for theirs."""
    if torch := sys.modules.get("torch"):
        torch.cuda.synchronize()


def _wait_for_all() -> None:
    """Wait until every process of a distributed program is here, its GPU included; alone, wait for nothing."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.distributed.is_available() or not torch.distributed.is_initialized():
        return
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    torch.distributed.barrier()
