"""The costs that a study compares its models by."""

from typing import NamedTuple

NORMALIZED = "normalized_energy_kwh"


class Cost(NamedTuple):
    """A column of costs.

    Attributes:
        label: name of the cost for readers.
        unit: unit of its values.
        has_phases: whether training and test each have a value; a cost without phases is counted, not measured.
        is_derived: whether it is computed from energies, so that it is at best an estimate.
    """

    label: str
    unit: str
    has_phases: bool
    is_derived: bool = False


COSTS = {
    "energy_kwh": Cost("Energy", "kWh", has_phases=True),
    NORMALIZED: Cost("Normalized energy", "kWh", has_phases=True, is_derived=True),
    "emissions_kg_co2e": Cost("CO2e", "kg CO2e", has_phases=True, is_derived=True),
    "flops": Cost("Forward FLOPs of one example", "FLOP", has_phases=False),
    "params": Cost("Parameters", "", has_phases=False),
}
