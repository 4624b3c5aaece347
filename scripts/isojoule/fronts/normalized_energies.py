"""The energies of a study on one GPU, normalized to another one."""

import numpy as np
import pandas as pd

from isojoule.errors import InputError
from isojoule.fronts.costs import NORMALIZED
from isojoule.normalization import references
from isojoule.normalization.methods import default_method
from isojoule.normalization.pairs import pair
from isojoule.readable import counted


def with_normalized_energies(frame: pd.DataFrame, phase: str, gpu: str, target: str) -> pd.DataFrame:
    """Normalize the energy of each repeat on a GPU to the target, by our default method.

    Eight references are chosen by their energies on the target. They were measured on both GPUs, so that their own
    energies on the target are taken; only the spread over their repeats is that of the other GPU.

    Args:
        frame: a table of measurements.
        phase: `train` or `test`.
        gpu: the GPU that the energies are from.
        target: the GPU to normalize them to.

    Returns:
        the rows of the phase on the GPU, with the column `NORMALIZED` in kWh; it is missing where a model has no energy
        on one of the GPUs.

    Raises:
        InputError: fewer than four models were measured on both GPUs, or the references are all alike.
    """
    both = pair(frame, phase, gpu, target)
    count = min(references.SUGGESTED_COUNT, len(both.systems) - 2)
    if count < 2:
        raise InputError(f"found {counted(len(both.systems), 'model')} on both, expected 4 or more")
    on_target = pair(frame, phase, target, gpu).systems.loc[both.systems.index]
    chosen = references.choose_recommended(on_target, count)
    rows = frame[(frame["phase"] == phase) & (frame["gpu"] == gpu)]
    measured = rows[rows["architecture"].isin(both.systems.index) & (rows["outcome"] == "ok")]
    repeats = both.systems.loc[measured["architecture"]].assign(
        energy_kwh=measured["energy_kwh"].to_numpy(dtype=np.float64),
        duration_s=measured["duration_s"].to_numpy(dtype=np.float64, na_value=np.nan),
    )
    method = default_method().suited(both.systems)
    values = method.matrix(both.systems)[chosen]
    if not method.determined(values[None])[0]:
        raise InputError("found references that are all alike, expected at least 2 different energies")
    energy_kwh = method.predictions(values[None], both.target_kwh[chosen][None], method.matrix(repeats))[0]
    for reference in chosen:
        is_reference = (measured["architecture"] == both.systems.index[reference]).to_numpy()
        ratio = both.target_kwh[reference] / both.systems["energy_kwh"].iloc[reference]
        energy_kwh[is_reference] = ratio * repeats["energy_kwh"].to_numpy()[is_reference]
    # rows without a normalized energy stay, so that their models are left out by name
    normalized = pd.Series(energy_kwh, index=measured.index).reindex(rows.index)
    return rows.assign(**{NORMALIZED: normalized})
