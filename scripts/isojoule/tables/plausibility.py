"""Energies that look as if they were not in kWh: nothing is changed or left out, the user is asked."""

import pandas as pd

# watts of one platform beyond which a unit was likely mixed up
PLAUSIBLE_POWER_W = (0.05, 20_000.0)
# energy of one platform over that of another for the same system, beyond which a unit was likely mixed up
PLAUSIBLE_FACTOR = 100.0


def doubts(frame: pd.DataFrame) -> list[str]:
    """Sentences on energies that are likely in another unit.

    Args:
        frame: a table of measurements.
    """
    sentences = []
    ok = frame[frame["outcome"] == "ok"]
    low_w, high_w = PLAUSIBLE_POWER_W
    for (gpu, phase), cells in ok.groupby(["gpu", "phase"], sort=False):
        power_w = cells["power_w"].astype("float64").median()
        if not pd.isna(power_w) and not low_w <= power_w <= high_w:
            sentences.append(f"{phase} on {gpu}: the median power would be {power_w:.3g} W; are its energies in kWh?")
    for phase, cells in ok.groupby("phase", sort=False):
        energies_kwh = cells.pivot_table(index="architecture", columns="gpu", values="energy_kwh", sort=False)
        energies_kwh = energies_kwh.astype("float64")
        # relative to each system's middle over the platforms, then to the platform's middle over the systems
        of_system = energies_kwh.div(energies_kwh.median(axis=1), axis=0)
        of_platform = of_system.median()
        for gpu, factor in of_platform.items():
            if not 1 / PLAUSIBLE_FACTOR <= factor <= PLAUSIBLE_FACTOR:
                sentences.append(
                    f"{phase} on {gpu}: {factor:.3g} times the energy of the middle platform; is it in kWh?"
                )
        factors = of_system.div(of_platform, axis=1).stack()
        is_odd = (factors > PLAUSIBLE_FACTOR) | (factors < 1 / PLAUSIBLE_FACTOR)
        for (architecture, gpu), factor in factors[is_odd].items():
            sentences.append(
                f"{phase} of {architecture} on {gpu}: {factor:.3g} times what the other systems suggest; is it in kWh?"
            )
    return sentences
