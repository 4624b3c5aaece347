"""The user's own system, measured on the user's own GPU: what would it have used on a GPU of the study?

The user's GPU need not be in the study: the reference systems, which were measured on both, are the bridge.
"""

import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from isojoule.errors import InputError
from isojoule.normalization.base import Values
from isojoule.normalization.corrected import FEWEST_TO_CORRECT
from isojoule.normalization.intervals import COVERAGE, half_widths, is_unlike
from isojoule.normalization.methods import default_method
from isojoule.normalization.other_gpus import known_gpus, others_beside, pairs_with_target
from isojoule.normalization.pairs import DESCRIPTIONS, Pair
from isojoule.normalization.shared import Evidenced, Shared
from isojoule.normalization.shared_process import OtherGpu
from isojoule.normalization.user_warnings import user_warnings
from isojoule.readable import counted
from isojoule.records.base import LARGEST
from isojoule.tables.columns import COLUMNS, KINDS
from isojoule.tables.kinds import of_estimate
from isojoule.tables.values import LARGEST_OF_UNIT

# an energy is changed by so much to see how the prediction changes with it
STEP = 0.01


@dataclass(frozen=True)
class System:
    """A system as measured on the user's GPU; what is not known is None.

    Attributes:
        energy_kwh: energy of a run in kWh.
        duration_s: duration of the same run in seconds.
        flops: forward FLOPs of one example, counted as the study counts them.
        params: number of parameters.
    """

    energy_kwh: float
    duration_s: float | None = None
    flops: float | None = None
    params: float | None = None


@dataclass(frozen=True)
class Normalized:
    """What a system would have used on the target.

    Attributes:
        target: GPU of the study.
        phase: `train` or `test`.
        energy_kwh: energy on the target in kWh, an estimate.
        low_kwh: low end of the interval; None where nothing tells how wide it is.
        high_kwh: high end of the interval, or None.
        coverage: probability that the energy lies in the interval.
        method: the method in words.
        interval: what the interval rests on, in words.
        references: names of the references that were used.
        kinds: what the energies of the study are: measured, estimated, simulated.
        warnings: what makes the estimate doubtful, in words.
        own_kinds: what the energies on the user's GPU are; none where nobody said.
    """

    target: str
    phase: str
    energy_kwh: float
    low_kwh: float | None
    high_kwh: float | None
    coverage: float
    method: str
    interval: str
    references: tuple[str, ...]
    kinds: tuple[str, ...]
    warnings: tuple[str, ...]
    own_kinds: tuple[str, ...] = ()

    @property
    def energy_kind(self) -> str:
        """The kind of the energy on the target: simulated where any energy behind it is, and else estimated."""
        return of_estimate((*self.kinds, *self.own_kinds))

    def record(self) -> dict[str, object]:
        """Return the fields as a record for JSON, which says what the energy is."""
        return {"record": "normalized-energy", "energy_kind": self.energy_kind, **asdict(self)}


class _Task(NamedTuple):
    """References on the target and on the user's GPU, a system, and what a method makes of them."""

    on_target: pd.DataFrame
    on_own_gpu: pd.DataFrame
    own_system: pd.DataFrame
    method: Shared
    values: Values
    target_kwh: Values
    own: Values
    evidenced: Evidenced


class Target:
    """A GPU of a study that systems are normalized to: what depends on the study alone is found once for all systems.

    Attributes:
        study: the systems of the study on that GPU, as `systems_on_target` returns them.
        kinds: what the energies of the study are.

    Args:
        frame: the study's table of measurements.
        target: a GPU of the study.
        phase: `train` or `test`; all energies are of that phase.

    Raises:
        InputError: the study has no such GPU.
    """

    def __init__(self, frame: pd.DataFrame, target: str, phase: str) -> None:
        self._frame, self.target, self.phase = frame, target, phase
        self.study = systems_on_target(frame, target, phase)
        present = set(frame.loc[(frame["phase"] == phase) & (frame["outcome"] == "ok"), "energy_kind"])
        self.kinds = tuple(kind for kind in KINDS if kind in present)
        self._others: dict[tuple[tuple[str, ...], tuple[str, ...]], list[OtherGpu]] = {}
        self._last: tuple[object, _Task] | None = None

    def normalize(self, references: Mapping[str, System], system: System) -> Normalized:
        """Normalize a user's system; arguments, result and refusals as of the function `normalize`."""
        task = self._task(references, system)
        evidenced = task.evidenced
        half, basis = half_widths(evidenced)
        energy_kwh, half_width = _energy_kwh(evidenced), None if half is None else float(half[0])
        return Normalized(
            target=self.target,
            phase=self.phase,
            energy_kwh=energy_kwh,
            low_kwh=None if half_width is None else energy_kwh / np.exp(half_width),
            high_kwh=None if half_width is None else energy_kwh * np.exp(half_width),
            coverage=COVERAGE,
            method=method_in_words(evidenced, task.method.columns, len(references)),
            interval=basis,
            references=tuple(references),
            kinds=self.kinds,
            warnings=tuple(
                user_warnings(
                    task.on_own_gpu,
                    task.on_target,
                    task.own_system,
                    task.method.columns,
                    self.kinds,
                    has_interval=half_width is not None,
                    spread_ratio=evidenced.spread_ratio if is_unlike(evidenced) else None,
                )
            ),
        )

    def slopes(self, references: Mapping[str, System], system: System) -> Values:
        """Return by how much the logarithm of the energy changes with that of each reference, then the system's."""
        task = self._task(references, system)
        column = task.method.columns.index("energy_kwh")
        start = np.log(_energy_kwh(task.evidenced))
        changed = []
        for row in range(len(task.values) + 1):
            values, own = task.values.copy(), task.own.copy()
            (values[row] if row < len(values) else own[0])[column] *= 1 + STEP
            changed.append(np.log(_energy_kwh(task.method.evidenced(values, task.target_kwh, own))))
        return np.array((np.array(changed) - start) / np.log1p(STEP))

    def _task(self, references: Mapping[str, System], system: System) -> "_Task":
        """The task of a system, which is kept for its slopes."""
        key = tuple(references.items()), system
        if self._last is None or self._last[0] != key:
            self._last = key, self._new_task(references, system)
        return self._last[1]

    def _new_task(self, references: Mapping[str, System], system: System) -> "_Task":
        _check(references, system, self.study, self.target)
        on_target = self.study.loc[list(references)]
        on_own_gpu = on_target.assign(
            energy_kwh=[float(reference.energy_kwh) for reference in references.values()],
            duration_s=[reference.duration_s for reference in references.values()],
        ).astype({"duration_s": "float64"})
        # one row, with the columns that are known of the system
        own_system = pd.DataFrame([asdict(system)], dtype="float64").dropna(axis=1)
        method = self._suited(on_own_gpu, own_system, tuple(references))
        values, target_kwh = method.matrix(on_own_gpu), on_target["energy_kwh"].to_numpy()
        if not method.determined(values[None])[0]:
            raise InputError(
                f"references: found energies that are all {values[0, 0]} kWh, expected at least 2 different ones"
            )
        method = method.beside(self._beside(method, tuple(references)))
        own = method.matrix(own_system)
        evidenced = method.evidenced(values, target_kwh, own)
        return _Task(on_target, on_own_gpu, own_system, method, values, target_kwh, own, evidenced)

    def _suited(self, on_own_gpu: pd.DataFrame, own_system: pd.DataFrame, references: tuple[str, ...]) -> Shared:
        """The default method on what is known of the user's systems, without durations that no other GPU has."""
        names = [name for name in on_own_gpu if name in own_system]
        method = default_method().suited(on_own_gpu[names])
        if "duration_s" in method.columns and not self._beside(method, references):
            timeless = default_method().suited(on_own_gpu[[name for name in names if name != "duration_s"]])
            return timeless if self._beside(timeless, references) else method
        return method

    def _beside(self, method: Shared, references: tuple[str, ...]) -> list[OtherGpu]:
        """The study's other GPUs, for a method and references; found once."""
        key = method.columns, references
        if key not in self._others:
            known = known_gpus(self._pairs, method)
            self._others[key] = others_beside(known, pd.Index(references), pd.Index([]))
        return self._others[key]

    @cached_property
    def _pairs(self) -> list[Pair]:
        return pairs_with_target(self._frame, self.phase, self.target)


def normalize(
    frame: pd.DataFrame, target: str, phase: str, references: Mapping[str, System], system: System
) -> Normalized:
    """Normalize a user's system to a GPU of the study.

    Args:
        frame: the study's table of measurements.
        target: a GPU of the study.
        phase: `train` or `test`; all energies are of that phase.
        references: reference systems as measured on the user's GPU, by their names in the study, (r,); their FLOPs and
            parameters are taken from the study.
        system: the user's system on the user's GPU.

    Returns:
        the system's energy on the target, with an interval of 90 %.

    Raises:
        InputError: the study has no such GPU or reference, there are fewer than two references, or a value is not above
            0.
    """
    return Target(frame, target, phase).normalize(references, system)


def systems_on_target(frame: pd.DataFrame, target: str, phase: str) -> pd.DataFrame:
    """Return the systems of the study on the target, one row per system and indexed by name.

    Args:
        frame: the study's table of measurements.
        target: a GPU of the study.
        phase: `train` or `test`.

    Returns:
        the columns of `DESCRIPTIONS` that the table has, and `energy_kwh` (mean over repeats).

    Raises:
        InputError: the study has no energy on that GPU.
    """
    rows = frame[(frame["phase"] == phase) & (frame["outcome"] == "ok")]
    if target not in set(rows["gpu"]):
        gpus = ", ".join(map(str, rows["gpu"].unique()))
        raise InputError(f"target: found no {phase} energy on {target}, expected one of {gpus or 'no GPU at all'}")
    groups = rows[rows["gpu"] == target].groupby("architecture", sort=False)
    descriptions = groups[[name for name in DESCRIPTIONS if name in rows]].first().astype("float64")
    return descriptions.assign(energy_kwh=groups["energy_kwh"].mean().astype("float64"))


def _check(references: Mapping[str, System], system: System, study: pd.DataFrame, target: str) -> None:
    for name in references:
        if name not in study.index:
            close = difflib.get_close_matches(name, study.index) or list(study.index[:5])
            raise InputError(
                f"references: found {name}, which was not measured on {target}, expected names such as "
                f"{', '.join(close)}"
            )
    if len(references) < 2:
        raise InputError(f"references: found {len(references)}, expected at least 2")
    for name, own_system in {**references, "the system": system}.items():
        for field, value in asdict(own_system).items():
            unit = COLUMNS[field].unit
            largest = LARGEST_OF_UNIT.get(unit, LARGEST)
            if value is not None and not 0 < value <= largest:
                raise InputError(
                    f"{field} of {name}: found {value}, expected a number above 0, up to {largest:g} {unit}"
                )


def _energy_kwh(evidenced: Evidenced) -> float:
    return float(np.exp(evidenced.prediction.log_kwh[0]))


def method_in_words(evidenced: Evidenced, columns: tuple[str, ...], references: int) -> str:
    """Name the method that made a prediction, with the weights of the simple predictions."""
    if evidenced.weights:
        shares = ", ".join(f"{name} {100 * weight:.0f} %" for name, weight in evidenced.weights.items())
        gpus = len(evidenced.tested_on_others)
        return f"shared: {shares}, weighed on {counted(gpus, 'other GPU')} by {', '.join(columns)}"
    if references < FEWEST_TO_CORRECT:
        return "line through the references of lowest and highest energy"
    return f"corrected: two-point line and relative ridge, corrected on {', '.join(columns)}"
