"""Systems that were measured on different GPUs: does normalization restore their ranking and their front?

A single increasing function of energy changes no ranking. Where each system was measured on a GPU of its own,
normalization decides the ranking.

Axes of the arrays: g GPUs, the target being the first; d draws; m systems.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from isojoule.errors import InputError
from isojoule.normalization import references
from isojoule.normalization.accuracy import errors
from isojoule.normalization.base import Normalization, Values
from isojoule.normalization.experiment_plan import Methods
from isojoule.normalization.methods import DEFAULT
from isojoule.normalization.pairs import SEPARATOR, Pair, pairs, restricted, systems_on_all_gpus
from isojoule.normalization.references import RowNumbers
from isojoule.readable import counted

# name of the method that leaves energies as they are
NONE = "none"


def mixed_errors(
    frame: pd.DataFrame, phase: str, methods: Methods, counts: Sequence[int], draws: int = 20, seed: int = 0
) -> pd.DataFrame:
    """Shuffle which GPU each system was measured on, normalize to each GPU in turn, and compare with the truth.

    Args:
        frame: a table of measurements; systems that were not measured on all GPUs are left out.
        phase: `train` or `test`.
        methods: methods by name; `none`, which leaves energies as they are, is added.
        counts: numbers of references, which are measured on every GPU.
        draws: number of shuffles.
        seed: seed of the shuffles.

    Returns:
        one row per target, number and choice of references, method and draw, with the errors over all systems but the
        references.

    Raises:
        InputError: there are fewer than two GPUs, or too few systems were measured on all of them.
    """
    all_pairs = pairs(frame, phase)
    names = set(systems_on_all_gpus(all_pairs))
    gpus = list(dict.fromkeys(pair.source for pair in all_pairs))
    needed = max(5, min(counts) + 2)
    if len(names) < needed:
        raise InputError(
            f"normalization of {phase}: found {counted(len(names), 'system')} measured on all of {', '.join(gpus)}, "
            f"expected at least {needed}"
        )
    pair_by_gpus = {(pair.source, pair.target): restricted(pair, names) for pair in all_pairs}
    tables = []
    for target in gpus:
        to_target = [pair_by_gpus[source, target] for source in gpus if source != target]
        # the target's own energies choose the references, so that they are the same for every source
        on_target = pair_by_gpus[target, to_target[0].source].systems
        for count in (number for number in counts if number <= len(names) - 2):
            for sampling in references.DETERMINISTIC:
                tables.append(_errors_of_choice(to_target, on_target, methods, sampling, count, draws, seed))
    return pd.concat(tables, ignore_index=True)


def in_words(table: pd.DataFrame) -> str:
    """Say what normalization restores of the ranking in one phase, in one line per number of references."""
    lines = []
    for count, rows in table.groupby("references"):
        chosen = rows[rows["sampling"] == references.recommended(count)]
        tau = chosen.groupby("method")["kendall_tau"].mean()
        lines.append(
            f"{rows['phase'].iloc[0]}, {count} references: Kendall tau {tau[NONE]:.2f} as measured, "
            f"{tau.get(DEFAULT, float('nan')):.2f} normalized by our default"
        )
    return "\n".join(lines)


def _errors_of_choice(
    to_target: list[Pair],
    on_target: pd.DataFrame,
    methods: Methods,
    sampling: str,
    count: int,
    draws: int,
    seed: int,
) -> pd.DataFrame:
    """Compute the errors of all methods on shuffled GPUs, with one choice of references.

    Args:
        to_target: the pairs of every other GPU with the target.
        on_target: the systems on the target, (m,).
        methods: methods by name.
        sampling: name of the choice of references.
        count: number of references.
        draws: number of shuffles.
        seed: seed of the shuffles.

    Returns:
        one row per method and draw; a method that the references do not determine has none.
    """
    rows = references.choose(sampling, on_target, count)
    names, truth_kwh = on_target.index, on_target["energy_kwh"].to_numpy()
    # GPU that each system was measured on, (d, m); 0 is the target itself
    measured_on = np.random.default_rng((seed, count)).integers(0, len(to_target) + 1, (draws, len(names)))
    is_tested = ~names.isin(names[rows])
    quality = on_target["quality"].to_numpy()[is_tested]
    tested_quality = quality if np.isfinite(quality).all() else None
    tables = []
    for name in (NONE, *methods):
        energy_by_gpu_kwh = _energy_by_gpu(to_target, names, truth_kwh, rows, methods.get(name))
        if energy_by_gpu_kwh is None:
            continue
        mixed_kwh = np.take_along_axis(energy_by_gpu_kwh, measured_on, axis=0)[:, is_tested]
        tables.append(
            pd.DataFrame(
                {
                    "phase": to_target[0].phase,
                    "target": to_target[0].target,
                    "kinds": SEPARATOR.join(sorted({kind for pair in to_target for kind in pair.kinds})),
                    "seed": seed,
                    "draw": range(draws),
                    "sampling": sampling,
                    "references": count,
                    "method": name,
                    **errors(truth_kwh[is_tested], mixed_kwh, tested_quality),
                    "reference_names": SEPARATOR.join(names[rows]),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def _energy_by_gpu(
    to_target: list[Pair],
    names: pd.Index,
    truth_kwh: Values,
    rows: RowNumbers,
    method: Callable[[], Normalization] | None,
) -> Values | None:
    """Normalize the energies on every GPU to the target.

    Args:
        to_target: the pairs of every other GPU with the target.
        names: names of the systems, (m,).
        truth_kwh: energies on the target in kWh, (m,).
        rows: row numbers of the references.
        method: the method, or None to leave energies as they are.

    Returns:
        energies in kWh, (g, m), or None where the method lacks a column or the references do not determine it.
    """
    energy_by_gpu_kwh = [truth_kwh]
    for pair in to_target:
        systems = pair.systems.loc[names]
        if method is None:
            energy_by_gpu_kwh.append(systems["energy_kwh"].to_numpy())
            continue
        suited = method().suited(systems)
        if suited is None:
            return None
        values = suited.matrix(systems)
        if not suited.determined(values[None, rows])[0]:
            return None
        energy_by_gpu_kwh.append(suited.predictions(values[None, rows], truth_kwh[None, rows], values)[0])
    return np.array(energy_by_gpu_kwh)
