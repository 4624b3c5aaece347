"""Values that look as if they were in another unit: nothing is changed or left out, the user is asked."""

from collections.abc import Sequence

import pandas as pd

from isojoule.readable import counted
from isojoule.units import JOULES_PER_KWH

# watts of one platform beyond which a unit was likely mixed up
PLAUSIBLE_POWER_W = (0.05, 20_000.0)
# energy of one platform over that of another for the same system, beyond which a unit was likely mixed up
PLAUSIBLE_FACTOR = 100.0
# energy of one repeat over another of the same cell
REPEATS_FACTOR = 10.0
# a stated power is that of energy and duration, but for what else its instrument saw
AGREEING_FACTOR = 2.0
# CO2e of a kWh of electricity: beyond, emissions are in grams or tonnes
PLAUSIBLE_KG_PER_KWH = (0.001, 3.0)
SHOWN = 3


def doubts(frame: pd.DataFrame, name: str = "architecture", by: Sequence[str] = ()) -> list[str]:
    """Sentences on energies, and on what belongs to them, that are likely in another unit.

    Args:
        frame: any table; without `energy_kwh` there is nothing to doubt.
        name: column with the names of the systems.
        by: further columns that tell rows apart which are no repeats of each other.
    """
    ok = frame[(frame["outcome"] == "ok").fillna(value=False)] if "outcome" in frame else frame
    sentences = _of_accuracy(ok["accuracy"].dropna()) if "accuracy" in ok else []
    if "energy_kwh" not in frame:
        return sentences
    sentences += _of_power(ok, name) if "duration_s" in ok else []
    sentences += _of_repeats(ok, (name, "phase", "gpu", *by))
    sentences += _between_platforms(ok, name) if "gpu" in ok else []
    return sentences + (_of_emissions(ok) if "emissions_kg_co2e" in ok else [])


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
            sentences.append(
                f"and {counted(len(odd_w) - SHOWN, 'more row')} like these{f' of {label}' if label else ''}"
            )
    if "power_w" not in ok:
        return sentences
    factor = power_w / ok["power_w"].astype("float64")
    is_other = ((factor > AGREEING_FACTOR) | (factor < 1 / AGREEING_FACTOR)) & (ok["power_w"] > 0)
    for label, cells in _parts(ok[is_other.fillna(value=False)]):
        row = cells.index[0]
        rows = f"{counted(len(cells), 'row')}, the first of {_of(label, cells.loc[row, name])}"
        sentences.append(
            f"{rows}: power_w is {cells.loc[row, 'power_w']:.3g} W, and energy_kwh over duration_s {power_w[row]:.3g} "
            "W; are they in kWh and s?"
        )
    return sentences


def _of_repeats(ok: pd.DataFrame, keys: Sequence[str]) -> list[str]:
    """Doubt repeats of one cell that differ as much as no noise makes them."""
    cell = [column for column in dict.fromkeys(keys) if column in ok]
    energies = ok["energy_kwh"].astype("float64").groupby([ok[column] for column in cell], sort=False)
    factors = energies.max() / energies.min()
    odd = factors[factors > REPEATS_FACTOR]
    names = [", ".join(map(str, values if len(cell) > 1 else [values])) for values in odd.index[:SHOWN]]
    sentences = [
        f"repeats of {of} differ by a factor of {factor:.3g}; are they in one unit, and of one system?"
        for of, factor in zip(names, odd, strict=False)
    ]
    return sentences + ([f"and {counted(len(odd) - SHOWN, 'more cell')} like these"] if len(odd) > SHOWN else [])


def _of_accuracy(values: "pd.Series[float]") -> list[str]:
    """Doubt accuracies of which some are at most 1 and others above."""
    if values.empty or not values.min() <= 1 < values.max():
        return []
    return [f"accuracy is {values.min():g} to {values.max():g}; is some of it a share, and some in per cent?"]


def _of_emissions(ok: pd.DataFrame) -> list[str]:
    """Doubt emissions that no electricity has."""
    low, high = PLAUSIBLE_KG_PER_KWH
    kg_per_kwh = (ok["emissions_kg_co2e"] / ok["energy_kwh"]).astype("float64")
    odd = kg_per_kwh[(kg_per_kwh < low) | (kg_per_kwh > high)]
    if odd.empty:
        return []
    rows = counted(len(odd), "row")
    return [f"{rows} would have {odd.iloc[0]:.3g} kg CO2e per kWh, the first; is emissions_kg_co2e in kg?"]


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
