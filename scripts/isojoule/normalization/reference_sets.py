"""Which references to publish: the fewest architectures that normalize a GPU that the study does not have."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from isojoule.errors import InputError
from isojoule.normalization import references
from isojoule.normalization.corrected import Corrected
from isojoule.normalization.experiment import SEPARATOR
from isojoule.normalization.pairs import Pair, on_all, pairs, typical

RESAMPLES = 1000


def reference_sets(frame: pd.DataFrame, phase: str, error_percent: float, seed: int = 0) -> pd.DataFrame:
    """The error that each number of references leaves on a new GPU, and the references to measure.

    Every GPU is left out in turn: the references are chosen without it, it is normalized to each of the others by those
    alone, and the errors are taken on all other systems.

    Args:
        frame: a table of measurements; what was not measured on all GPUs is left out.
        phase: `train` or `test`.
        error_percent: the MdAPE to stay within.
        seed: of the resampling.

    Returns:
        one row per number of references: `mdape_percent` with its 90 % interval (`mdape_low_percent`,
        `mdape_high_percent`: systems resampled), `ape90_percent`, `reference_names` (chosen on all GPUs), `to_publish`
        for the fewest whose MdAPE is within `error_percent`, if any is.

    Raises:
        InputError: fewer than two GPUs, fewer than five systems on all of them, or all of the same energy.
    """
    directed = pairs(frame, phase)
    gpus = list(dict.fromkeys(pair.source for pair in directed))
    names = on_all(directed)
    if len(names) < 5:
        raise InputError(
            f"references of {phase}: found {len(names)} systems measured on all of {', '.join(gpus)}, expected at "
            "least 5"
        )
    by_gpus = {(pair.source, pair.target): pair for pair in directed}
    on = {gpu: next(pair for pair in directed if pair.source == gpu).systems.loc[names] for gpu in gpus}
    generator = np.random.default_rng(seed)
    resampled = generator.integers(0, len(names), (RESAMPLES, len(names)))
    rows = []
    for count in range(2, max(3, len(names) // 2) + 1):
        sampling = references.recommended(count)
        off = []
        for new in gpus:
            chosen = references.chosen(sampling, typical([on[gpu] for gpu in gpus if gpu != new]), count)
            off += [_off_percent(by_gpus[new, target], names, chosen) for target in gpus if target != new]
        errors = np.array(off)
        if np.isnan(errors).all():
            raise InputError(
                f"references of {phase}: found systems of one and the same energy, expected different ones"
            )
        medians = np.nanmedian(errors[:, resampled].transpose(1, 0, 2).reshape(RESAMPLES, -1), axis=1)
        chosen = references.chosen(sampling, typical(list(on.values())), count)
        rows.append(
            {
                "phase": phase,
                "kinds": SEPARATOR.join(sorted({kind for pair in directed for kind in pair.kinds})),
                "references": count,
                "sampling": sampling,
                "mdape_percent": float(np.nanmedian(errors)),
                "mdape_low_percent": float(np.percentile(medians, 5)),
                "mdape_high_percent": float(np.percentile(medians, 95)),
                "ape90_percent": float(np.nanpercentile(errors, 90)),
                "new_gpus": len(gpus),
                "systems": len(names),
                "seed": seed,
                "reference_names": SEPARATOR.join(np.array(names, dtype=object)[chosen]),
            }
        )
    table = pd.DataFrame(rows)
    within = table["mdape_percent"] <= error_percent
    table.insert(3, "to_publish", within & ~within.shift(fill_value=False).cummax())
    return table


def in_words(table: pd.DataFrame, error_percent: float) -> str:
    """The answer for one phase as a sentence."""
    chosen = table[table["to_publish"]]
    phase = table["phase"].iloc[0]
    if chosen.empty:
        best = table.loc[table["mdape_percent"].idxmin()]
        return (
            f"{phase}: no number of references reaches {error_percent:g} %; the best, {best.references}, leave "
            f"{best.mdape_percent:.1f} %"
        )
    row = chosen.iloc[0]
    return (
        f"{phase}: {row.references} references leave a median error of {row.mdape_percent:.1f} % on a new GPU (90 % "
        f"interval {row.mdape_low_percent:.1f} to {row.mdape_high_percent:.1f} %): {row.reference_names}"
    )


def _off_percent(pair: Pair, names: list[str], chosen: references.Numbers) -> NDArray[np.float64]:
    """Absolute percentage error of every system, (n,); nan for the references, and where they determine nothing."""
    systems = pair.systems.loc[names]
    truth = pd.Series(pair.target_kwh, index=pair.systems.index).loc[names].to_numpy()
    method = Corrected().suited(systems)
    values = method.matrix(systems)
    if not method.determined(values[None, chosen])[0]:
        return np.full(len(names), np.nan)
    predicted = method.predictions(values[None, chosen], truth[None, chosen], values)[0]
    off = 100 * np.abs(predicted / truth - 1)
    off[chosen] = np.nan
    return np.asarray(off)
