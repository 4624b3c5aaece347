"""Values of the table of measurements that no record holds as they are, each a function of values of records.

A value that a record lacks is None.
"""

from collections.abc import Iterable
from typing import TypeVar

from isojoule.flags.of_record import of_record, ordered
from isojoule.records import MeasurementRecord
from isojoule.records.measurement import Extrapolation
from isojoule.units import JOULES_PER_KWH

Value = TypeVar("Value")


def first_present(*values: Value | None) -> Value | None:
    """The first of the values that is not absent."""
    return next((value for value in values if value is not None), None)


def of_component(component: str | None, gpu: float | None, cpu: float | None) -> float | None:
    """The value of the component that computes."""
    return gpu if component == "gpu" else cpu


def power_w(energy_kwh: float | None, duration_s: float | None) -> float | None:
    """Mean power."""
    return None if energy_kwh is None or duration_s is None else energy_kwh * JOULES_PER_KWH / duration_s


def co2e_kg(energy_kwh: float | None, emissions_kg: float | None, of_energy_kwh: float | None) -> float | None:
    """CO2e of an energy, by the factor that made these emissions of another one; None where nobody stated a country."""
    if energy_kwh is None or emissions_kg is None or not of_energy_kwh:
        return None
    return energy_kwh * emissions_kg / of_energy_kwh


def real_time_factor(audio_s: float | None, duration_s: float | None) -> float | None:
    """How many seconds of audio were generated in one second; None where no audio was."""
    return audio_s / duration_s if audio_s and duration_s is not None else None


def kind_of_whole(kind: str | None, whole: Extrapolation | None) -> str | None:
    """The kind of a reading: no instrument measured a whole phase of which it saw only a part."""
    return "estimated" if kind == "measured" and whole is not None else kind


def joined(names: Iterable[str] | None) -> str | None:
    """Names with spaces between them; None where there are none."""
    return " ".join(names or ()) or None


def flags(record: MeasurementRecord, whole: Extrapolation | None) -> str | None:
    """The flags that the record alone tells, and what its seal and its part in a larger whole add to them."""
    unsealed = ["not-sealed"] if record.seal is None else []
    return joined(ordered([*of_record(record), *unsealed, *(["extrapolated"] if whole is not None else [])]))
