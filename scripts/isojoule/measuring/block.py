"""All cells of one GPU and repeat, one after the other in one process: torch and the GPU are woken up once.

A block is every architecture once, in an order shuffled with the study's seed (a randomized block design): what drifts
with time does not follow the size of the model, and the repeats of a model lie in different jobs.
"""

import gc
import math
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch

from isojoule import readable
from isojoule.energy import Meter
from isojoule.errors import CompanyError, InputError, StoppedError
from isojoule.measuring import certification, checkpoints
from isojoule.measuring.cell import CellJob, measure, metered, opened
from isojoule.measuring.device_check import Arrival, RefusedError, arrive
from isojoule.measuring.device_lock import Device
from isojoule.measuring.extraction import check_features
from isojoule.records import provenance
from isojoule.records.certificate import Certificate
from isojoule.records.measurement import FINAL, MeasurementRecord, Outcome
from isojoule.study import reading
from isojoule.study.cells import Cell, architectures, phases
from isojoule.study.journal import Journal, ended
from isojoule.study.reruns import fingerprints
from isojoule.workloads import interface
from isojoule.workloads.interface import Configuration


class Block:
    """The cells of one GPU and repeat.

    Args:
        configuration: the whole study.
        gpu: key of the configuration's `gpus`.
        repeat: number of the repeat: 0, 1, ...
        results: folder of the study's results, with its features.
        machine: the right to compute on this machine's CPU, taken before anything heavy was imported.

    Attributes:
        needs_fresh_process: whether a cell ran out of memory behind others, so that a process of its own must decide.
    """

    def __init__(self, configuration: Configuration, gpu: str, repeat: int, results: Path, machine: Device) -> None:
        self._configuration, self._gpu, self._repeat = configuration, gpu, repeat
        self._results, self._machine = results, machine
        self._journal = Journal(results)
        self._architectures = architectures(configuration)
        self._data = interface.data_fingerprint(results / "features")
        self._certificates: list[Certificate] = []
        self._measured_before = False
        self.needs_fresh_process = False

    def measure(self, names: Sequence[str] | None = None, budget_s: float = math.inf) -> int:
        """Bring the records of the block up to date: keep what is in the journal, measure the rest.

        Args:
            names: architectures to measure, all by default.
            budget_s: time to spend, in seconds; no architecture is begun that would not be done in it if it took as
                long as the longest one so far.

        Returns:
            the number of architectures that the budget left out.

        Raises:
            InputError: the device is not the expected one, or some cells could not be measured; the others were.
        """
        ends_s = time.monotonic() + budget_s
        order = shuffled(list(self._architectures), self._configuration.seed, self._gpu, self._repeat)
        with self._journal.held(self._gpu, self._repeat, self._machine.released):
            reading.store(self._configuration, self._results / "configuration.yaml")
            cells = [
                Cell(self._gpu, name, phase, self._repeat)
                for name in order
                if names is None or name in names
                for phase in phases(self._configuration)
            ]
            kept_records = {cell: record for cell in cells if (record := self._kept(cell))}
            for record in kept_records.values():
                self._journal.publish(record)
            waiting = list(dict.fromkeys(cell.architecture for cell in cells if cell not in kept_records))
            number = readable.counted(len(cells), "cell")
            already = f"{number}, {len(kept_records)} measured already{self._by_others(kept_records.values())}"
            print(f"{self._gpu}, repeat {self._repeat}: {already}", flush=True)
            return self._measure(sorted(waiting, key=self._urgency), order, ends_s) if waiting else 0

    def _by_others(self, records: Iterable[MeasurementRecord]) -> str:
        """Say how many records are of another study, which decides their cells alike."""
        numbers = Counter(record.study for record in records if record.study != self._configuration.study)
        counts = ", ".join(f"{number} by the study {study}" for study, number in numbers.items())
        return f" ({counts})" if counts else ""

    def _measure(self, waiting: list[str], order: list[str], ends_s: float) -> int:
        check_features(self._configuration, self._results / "features")
        arrival = self._arrival(waiting)
        max_power_w = self._configuration.gpus[self._gpu].max_power_w
        self._certificates = certification.of_job(arrival, self._results / "certificates", self._machine, max_power_w)
        of_gpus = self._certificates if arrival.gpu else []
        train = metered(self._configuration, self._gpu, arrival, "train", of_gpus)
        meters = {"train": train, "test": train}
        if arrival.others:
            meters["test"] = metered(self._configuration, self._gpu, arrival, "test", of_gpus)
        failures = []
        longest_s = len(phases(self._configuration)) * self._journal.longest_s(self._gpu)
        number_left = 0
        for number, name in enumerate(waiting):
            began_s = time.monotonic()
            if began_s + longest_s > ends_s:
                number_left = len(waiting) - number
                print(f"the time budget is used: {readable.counted(number_left, 'architecture')} left", flush=True)
                break
            failures += self._measure_phases(name, arrival, meters, order.index(name))
            longest_s = max(longest_s, time.monotonic() - began_s)
        if failures:
            lines = [
                f"{readable.counted(len(failures), 'cell')} could not be measured, for the reasons above",
                *failures,
            ]
            if self.needs_fresh_process:
                lines.append("others ran out of memory behind them: the next attempt decides, in a fresh process")
            raise InputError("\n       ".join(lines))
        return number_left

    def _measure_phases(self, name: str, arrival: Arrival, meters: dict[str, Meter], place: int) -> list[str]:
        """Measure the phases of an architecture that are needed, up to one that fails; return what failed."""
        for phase in self._needed(name):
            cell = Cell(self._gpu, name, phase, self._repeat)
            record = self._attempt(cell, arrival, meters[phase], place)
            print(f"{cell}: {_result(record)}", flush=True)
            _let_go()
            if arrival.gpu:
                torch.cuda.empty_cache()
            if record.outcome not in FINAL:
                _check_alive(arrival)
                return [] if record.outcome == "oom-once" else [str(cell)]
        return []

    def _arrival(self, waiting: list[str]) -> Arrival:
        try:
            entry = self._configuration.gpus[self._gpu]
            return arrive(self._gpu, entry, entry.precision or self._configuration.precision)
        except RefusedError as error:
            for name in waiting:
                cell = Cell(self._gpu, name, self._needed(name)[0], self._repeat)
                self._journal.end(ended(self._opened(cell, None, 0), "refused", str(error)))
            raise

    def _needed(self, name: str) -> list[str]:
        """The phases to measure: a test needs the weights of its training, which is measured again without them."""
        all_phases = phases(self._configuration)
        missing = [phase for phase in all_phases if not self._kept(Cell(self._gpu, name, phase, self._repeat))]
        has_weights = checkpoints.is_there(self._checkpoint(name), self._origin(name))
        return all_phases if missing == ["test"] and "train" in all_phases and not has_weights else missing

    def _attempt(self, cell: Cell, arrival: Arrival, meter: Meter, place: int) -> MeasurementRecord:
        begun = self._opened(cell, arrival, place)
        self._journal.begin(begun)
        is_fresh, self._measured_before = not self._measured_before, True
        try:
            record = measure(self._job(begun, arrival, meter))
        except (KeyboardInterrupt, StoppedError) as error:
            reason = "Ctrl-C" if isinstance(error, KeyboardInterrupt) else "SIGTERM: cancelled, preempted or over time"
            self._end(begun, "stopped", f"stopped by {reason}")
            raise
        except CompanyError as error:
            return self._end(begun, "refused", str(error))
        except InputError as error:
            return self._end(begun, "failed", str(error))
        except Exception as error:
            traceback.print_exc()
            return self._end(begun, "failed", f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}")
        if record.outcome == "oom" and not is_fresh:
            # what other cells left of the memory in this process may be too little, and is no property of this one
            self.needs_fresh_process = True
            return self._end(begun, "oom-once", record.message or "out of memory")
        self._journal.end(record)
        if cell.phase == "test":
            checkpoints.remove(self._checkpoint(cell.architecture))
        return record

    def _job(self, begun: MeasurementRecord, arrival: Arrival, meter: Meter) -> CellJob:
        has_both_phases = len(phases(self._configuration)) == 2
        return CellJob(
            configuration=self._configuration,
            begun=begun,
            features=self._results / "features",
            checkpoint=self._checkpoint(begun.architecture) if has_both_phases else None,
            origin=self._origin(begun.architecture),
            arrival=arrival,
            machine=self._machine,
            meter=meter,
            trace=self._journal.trace(begun),
            products=self._results / "products" / begun.gpu / f"{begun.architecture}-{begun.repeat}",
        )

    def _end(self, begun: MeasurementRecord, outcome: Outcome, message: str) -> MeasurementRecord:
        record = ended(begun, outcome, message, provenance.now())
        self._journal.end(record)
        return record

    def _opened(self, cell: Cell, arrival: Arrival | None, place: int) -> MeasurementRecord:
        fingerprints = self._fingerprints(cell)
        failed_attempts = self._journal.failed(cell, fingerprints)
        made_by = provenance.provenance(
            self._journal.next_attempt(cell),
            **fingerprints,
            failed_attempts=failed_attempts,
            certificates=[certificate.name for certificate in self._certificates],
        )
        return opened(self._configuration, cell, arrival.gpus if arrival else [], made_by, place)

    def _kept(self, cell: Cell) -> MeasurementRecord | None:
        return self._journal.kept(cell, self._fingerprints(cell))

    def _fingerprints(self, cell: Cell) -> dict[str, str]:
        return fingerprints(self._configuration, cell, self._data, self._architectures)

    def _urgency(self, name: str) -> tuple[bool, int]:
        """What ran out of memory once comes first, in a fresh process; what failed more often comes later."""
        cells = [Cell(self._gpu, name, phase, self._repeat) for phase in phases(self._configuration)]
        attempts = [record for cell in cells for record in self._journal.attempts(cell)]
        is_out_of_memory = bool(attempts) and attempts[-1].outcome == "oom-once"
        return not is_out_of_memory, sum(record.outcome not in FINAL for record in attempts)

    def _checkpoint(self, name: str) -> Path:
        return self._results / "checkpoints" / self._gpu / f"{name}-{self._repeat}.safetensors"

    def _origin(self, name: str) -> str:
        """What the weights of a training depend on, as the checkpoint names it."""
        fingerprints = self._fingerprints(Cell(self._gpu, name, "train", self._repeat))
        return " ".join(map(str, fingerprints.values()))


def shuffled(names: list[str], seed: int, gpu: str, repeat: int) -> list[str]:
    """Return `names` in the order in which the block of `gpu` and `repeat` measures them."""
    order = sorted(names)
    random.Random(f"{seed} {gpu} {repeat}").shuffle(order)
    return order


def _let_go() -> None:
    """Free the model of a cell; only modules survive, and they are frozen so that nobody looks through them again."""
    gc.collect()
    gc.freeze()


def _check_alive(arrival: Arrival) -> None:
    if arrival.gpu is None:
        return
    try:
        torch.cuda.synchronize()
    except RuntimeError as error:
        print(f"the GPU no longer answers: {error}", file=sys.stderr, flush=True)
        raise InputError("the GPU no longer answers; the next attempt measures what is left") from error


def _result(record: MeasurementRecord) -> str:
    if record.energy is None:
        return f"{record.outcome} ({record.message})"
    reading = record.energy.computing
    quality = "".join(f", {name} {value:.3f}" for name, value in record.quality.items())
    spent = f"{readable.shown(record.energy.duration_s, 's')}, {readable.shown(reading.energy_kwh, 'kWh')}"
    return f"{spent} {reading.kind}{quality}"
