"""Systems that were measured on different GPUs: does normalization restore their ranking and their front?

One increasing map of energy alone changes no ranking. Where each system was measured on a GPU of its own, normalization
decides.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from isojoule.errors import InputError
from isojoule.normalization import references
from isojoule.normalization.accuracy import errors
from isojoule.normalization.experiment import SEPARATOR, Methods
from isojoule.normalization.methods import DEFAULT
from isojoule.normalization.pairs import Pair, on_all, pairs


def mixed(
    frame: pd.DataFrame, phase: str, methods: Methods, counts: Sequence[int], draws: int = 20, seed: int = 0
) -> pd.DataFrame:
    """Shuffle which GPU each system was measured on, normalize to each GPU in turn, compare with the truth.

    Args:
        frame: a table of measurements; what was not measured on all GPUs is left out.
        phase: `train` or `test`.
        methods: by name; `none`, energies as they are, is added.
        counts: numbers of references, which are measured on every GPU.
        draws: shuffles.
        seed: of the shuffles.

    Returns:
        one row per target, number and choice of references, method and draw: errors over all systems but the
        references.

    Raises:
        InputError: fewer than two GPUs, or none or one system on all of them.
    """
    directed = pairs(frame, phase)
    names = set(on_all(directed))
    gpus = list(dict.fromkeys(pair.source for pair in directed))
    if len(names) < max(5, min(counts) + 2):
        raise InputError(
            f"normalization of {phase}: found {len(names)} systems measured on all of {', '.join(gpus)}, expected at "
            f"least {max(5, min(counts) + 2)}"
        )
    by_gpus = {(pair.source, pair.target): _restricted(pair, names) for pair in directed}
    parts = []
    for target in gpus:
        others = [by_gpus[source, target] for source in gpus if source != target]
        # the target's own energies choose the references: the same ones for every source
        known = by_gpus[target, others[0].source].systems
        for count in (number for number in counts if number <= len(names) - 2):
            for sampling in references.DETERMINISTIC:
                chosen = references.chosen(sampling, known, count)
                parts.append(_normalized(others, known, chosen, methods, draws, seed, sampling))
    return pd.concat(parts, ignore_index=True)


def in_words(table: pd.DataFrame) -> str:
    """What normalization restores of the ranking, for one phase, as lines."""
    lines = []
    for count, rows in table.groupby("references"):
        chosen = rows[rows["sampling"] == references.recommended(count)]
        tau = chosen.groupby("method")["kendall_tau"].mean()
        lines.append(
            f"{rows['phase'].iloc[0]}, {count} references: Kendall tau {tau['none']:.2f} as measured, "
            f"{tau.get(DEFAULT, float('nan')):.2f} normalized by our default"
        )
    return "\n".join(lines)


def _restricted(pair: Pair, names: set[str]) -> Pair:
    kept = pair.systems.index.isin(names)
    return Pair(
        pair.phase, pair.source, pair.target, pair.systems[kept], pair.target_kwh[kept], pair.kinds, pair.left_out
    )


def _normalized(
    others: list[Pair],
    known: pd.DataFrame,
    chosen: references.Numbers,
    methods: Methods,
    draws: int,
    seed: int,
    sampling: str,
) -> pd.DataFrame:
    truth = known["energy_kwh"].to_numpy()
    names = known.index
    generator = np.random.default_rng((seed, len(chosen)))
    # 0 is the target itself
    measured_on = generator.integers(0, len(others) + 1, (draws, len(names)))
    tested = ~names.isin(names[chosen])
    quality = known["quality"].to_numpy()[tested]
    parts = []
    for name in ("none", *methods):
        by_gpu = [truth]
        for pair in others:
            systems = pair.systems.loc[names]
            if name == "none":
                by_gpu.append(systems["energy_kwh"].to_numpy())
                continue
            suited = methods[name]().suited(systems)
            values = None if suited is None else suited.matrix(systems)
            if suited is None or values is None or not suited.determined(values[None, chosen])[0]:
                break
            by_gpu.append(suited.predictions(values[None, chosen], truth[None, chosen], values)[0])
        if len(by_gpu) <= len(others):
            continue
        normalized = np.take_along_axis(np.array(by_gpu), measured_on, axis=0)[:, tested]
        parts.append(
            pd.DataFrame(
                {
                    "phase": others[0].phase,
                    "target": others[0].target,
                    "kinds": SEPARATOR.join(sorted({kind for pair in others for kind in pair.kinds})),
                    "seed": seed,
                    "draw": range(draws),
                    "sampling": sampling,
                    "references": len(chosen),
                    "method": name,
                    **errors(truth[tested], normalized, quality if np.isfinite(quality).all() else None),
                    "reference_names": SEPARATOR.join(names[chosen]),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
