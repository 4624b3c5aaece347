"""The study's other GPUs, of which the default method learns: what they know of the references and of other systems."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from isojoule.errors import InputError
from isojoule.normalization.base import Normalization, Values
from isojoule.normalization.pairs import Pair, pair
from isojoule.normalization.references import RowNumbers
from isojoule.normalization.shared import Shared
from isojoule.normalization.shared_process import PARTS, OtherGpu, parts


class KnownGpu(NamedTuple):
    """What a GPU of the study knows in the columns of a method.

    Attributes:
        names: names of its systems that have all columns, (n,).
        systems: their columns, (n, c).
        target_kwh: their energies on the target in kWh, (n,).
    """

    names: pd.Index
    systems: Values
    target_kwh: Values

    def beside(self, reference_names: pd.Index, asked: pd.Index) -> OtherGpu | None:
        """Return this GPU as one beside the user's, or None where it lacks a reference or shows too few other systems.

        Args:
            reference_names: names of the references, (r,).
            asked: names of the systems that are asked for, which no GPU may know.
        """
        rows = self.names.get_indexer(reference_names)
        of_asked = self.names.get_indexer(asked)
        is_further = np.ones(len(self.names), dtype=np.bool_)
        is_further[rows[rows >= 0]] = is_further[of_asked[of_asked >= 0]] = False
        if (rows < 0).any() or is_further.sum() < PARTS or np.ptp(self.systems[rows, 0]) == 0:
            return None
        return OtherGpu(self.systems[rows], self.systems[is_further], self.target_kwh[is_further])


def known_gpus(to_target: Iterable[Pair], method: Normalization) -> list[KnownGpu]:
    """Return what GPUs know in the columns of a method.

    Args:
        to_target: the pairs of these GPUs with the target.
        method: the method.
    """
    known = []
    for gpu_pair in to_target:
        if not set(method.columns) <= set(gpu_pair.systems):
            continue
        values = gpu_pair.systems[list(method.columns)].to_numpy(dtype=np.float64)
        is_complete = (np.isfinite(values) & (values > 0)).all(axis=1)
        # names are looked up often, which is fast where they are objects of Python
        names = gpu_pair.systems.index[is_complete].astype(object)
        known.append(KnownGpu(names, values[is_complete], gpu_pair.target_kwh[is_complete]))
    return known


def others_beside(known: Iterable[KnownGpu], reference_names: pd.Index, asked: pd.Index) -> list[OtherGpu]:
    """Return those of the GPUs that can stand beside the user's, as `KnownGpu.beside` does."""
    beside = (gpu.beside(reference_names, asked) for gpu in known)
    return [other for other in beside if other is not None]


def predicted_beside(
    method: Shared, mine: KnownGpu, known: Sequence[KnownGpu], rows: RowNumbers, asked: Sequence[RowNumbers]
) -> Values:
    """Predict systems of a GPU from references, as if no GPU of the study had ever seen these systems.

    Args:
        method: the method.
        mine: the GPU that stands for the user's.
        known: the study's other GPUs.
        rows: numbers of the references among its systems, (r,).
        asked: row numbers of systems that are asked for together, once for each part of them.

    Returns:
        energies on the target in kWh, (m,); NaN for systems that are not asked for.
    """
    names, values, target_kwh = mine
    predicted_kwh = np.full(len(names), np.nan)
    for part in asked:
        beside = method.beside(others_beside(known, names[rows], names[part]))
        predicted_kwh[part] = beside.predictions(values[None, rows], target_kwh[None, rows], values[part])[0]
    return predicted_kwh


def in_parts(of_pair: Pair, rows: RowNumbers) -> list[RowNumbers]:
    """Divide all systems of a pair but the references, (r,), into parts that have small and large ones."""
    asked = np.setdiff1d(np.arange(len(of_pair.target_kwh)), rows)
    (part_of_asked,) = parts([of_pair.target_kwh[asked]])
    return [asked[part_of_asked == part] for part in range(PARTS) if (part_of_asked == part).any()]


def pairs_with_target(frame: pd.DataFrame, phase: str, target: str) -> list[Pair]:
    """Return the pairs of all other GPUs with the target, but of those that share no system with it.

    Args:
        frame: a table of measurements.
        phase: `train` or `test`.
        target: a GPU of the table.
    """
    with_target = []
    for gpu in frame.loc[frame["phase"] == phase, "gpu"].unique():
        try:
            if gpu != target:
                with_target.append(pair(frame, phase, gpu, target))
        except InputError:
            continue
    return with_target
