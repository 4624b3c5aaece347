"""Energies that look as if they were not in kWh: nothing is changed or left out, the user is asked."""

import pandas as pd

from isojoule.units import JOULES_PER_KWH

# watts of one platform beyond which a unit was likely mixed up
PLAUSIBLE_POWER_W = (0.05, 20_000.0)
# energy of one platform over that of another for the same system, beyond which a unit was likely mixed up
PLAUSIBLE_FACTOR = 100.0
# a stated power is that of energy and duration, but for what else its instrument saw
AGREEING_FACTOR = 2.0
SHOWN = 3


def doubts(frame: pd.DataFrame, name: str = "architecture") -> list[str]:
    """Sentences on energies that are likely in another unit.

    Args:
        frame: any table; without `energy_kwh` there is nothing to doubt.
        name: column with the names of the systems.
    """
    if "energy_kwh" not in frame:
        return []
    ok = frame[(frame["outcome"] == "ok").fillna(value=False)] if "outcome" in frame else frame
    of_power = _of_power(ok, name) if "duration_s" in ok else []
    return [*of_power, *(_between_platforms(ok, name) if "gpu" in ok else [])]


def _of_power(ok: pd.DataFrame, name: str) -> list[str]:
    """Doubt rows whose energy over their duration no device draws, or is not their power."""
    sentences = []
    low_w, high_w = PLAUSIBLE_POWER_W
    power_w = (ok["energy_kwh"].astype("float64") / ok["duration_s"].astype("float64")) * JOULES_PER_KWH
    is_odd = (power_w < low_w) | (power_w > high_w)
    for label, cells in _parts(ok):
        odd_w, median_w = power_w[cells.index][is_odd[cells.index]], power_w[cells.index].median()
        if not pd.isna(median_w) and not low_w <= median_w <= high_w:
            at = f"{label}: " if label else ""
            sentences.append(f"{at}the median power would be {median_w:.3g} W; are its energies in kWh?")
            continue
        sentences += [
            f"{_of(label, cells.loc[row, name])}: the power would be {value:.3g} W; is its energy in kWh?"
            for row, value in odd_w.head(SHOWN).items()
        ]
        if len(odd_w) > SHOWN:
            sentences.append(f"and {len(odd_w) - SHOWN} more rows like these{f' of {label}' if label else ''}")
    if "power_w" not in ok:
        return sentences
    factor = power_w / ok["power_w"].astype("float64")
    is_other = ((factor > AGREEING_FACTOR) | (factor < 1 / AGREEING_FACTOR)) & (ok["power_w"] > 0)
    for label, cells in _parts(ok[is_other.fillna(value=False)]):
        row = cells.index[0]
        rows = f"{len(cells)} row{'s' * (len(cells) > 1)}, the first of {_of(label, cells.loc[row, name])}"
        sentences.append(
            f"{rows}: power_w is {cells.loc[row, 'power_w']:.3g} W, and energy_kwh over duration_s {power_w[row]:.3g} "
            "W; are they in kWh and s?"
        )
    return sentences


def _between_platforms(ok: pd.DataFrame, name: str) -> list[str]:
    """Doubt energies that are far from what the other platforms and systems suggest."""
    sentences = []
    for phase, cells in ok.groupby("phase", sort=False) if "phase" in ok else [("", ok)]:
        energies_kwh = cells.assign(energy_kwh=cells["energy_kwh"].astype("float64")).pivot_table(
            index=name, columns="gpu", values="energy_kwh", sort=False
        )
        of_phase = f"{phase} " if phase else ""
        # relative to each system's middle over the platforms, then to the platform's middle over the systems
        of_system = energies_kwh.div(energies_kwh.median(axis=1), axis=0)
        of_platform = of_system.median()
        for gpu, factor in of_platform.items():
            if not 1 / PLAUSIBLE_FACTOR <= factor <= PLAUSIBLE_FACTOR:
                sentences.append(
                    f"{of_phase}on {gpu}: {factor:.3g} times the energy of the middle platform; is it in kWh?"
                )
        factors = of_system.div(of_platform, axis=1).stack()
        is_odd = (factors > PLAUSIBLE_FACTOR) | (factors < 1 / PLAUSIBLE_FACTOR)
        for (system, gpu), factor in factors[is_odd].items():
            of_system_on_gpu = f"{of_phase}of {system} on {gpu}" if phase else f"{system} on {gpu}"
            sentences.append(f"{of_system_on_gpu}: {factor:.3g} times what the other systems suggest; is it in kWh?")
    return sentences


def _parts(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Take the rows apart by platform and phase, as far as they say them, each part with what it is called."""
    columns = [column for column in ("phase", "gpu") if column in rows]
    if not columns:
        return [("", rows)] if len(rows) else []
    groups = rows.groupby(columns, sort=False)
    return [(" on ".join(map(str, values)) if len(columns) > 1 else str(values[0]), cells) for values, cells in groups]


def _of(label: str, system: object) -> str:
    """A system in a part: `train of mlp on t4`, for the part `train on t4`."""
    first, on, gpu = label.partition(" on ")
    if on:
        return f"{first} of {system} on {gpu}"
    return f"{system}, {label}" if label else str(system)
