"""How much CO2e a kilowatt-hour of electricity stands for, by country."""

from typing import Any

from isojoule.errors import InputError


def kg_per_kwh(country_iso_code: str, option: str = "energy.country_iso_code") -> float:
    """The country's emission factor in kg CO2e/kWh, from CodeCarbon's table of energy mixes.

    Args:
        country_iso_code: ISO 3166 alpha-3.
        option: where the country was asked for, for the message.

    Raises:
        InputError: CodeCarbon does not know the country.
    """
    from codecarbon.input import DataSource

    mix: dict[str, Any] = DataSource().get_global_energy_mix_data()
    if country_iso_code not in mix:
        raise InputError(f"{option}: found {country_iso_code}, expected a country that CodeCarbon knows, such as FRA")
    return float(mix[country_iso_code]["carbon_intensity"]) / 1000
