"""Emission factors: how much CO2e a kilowatt-hour of electricity causes, by country."""

from typing import Any

from isojoule.errors import InputError


def kg_per_kwh(country_iso_code: str, option: str = "energy.country_iso_code") -> float:
    """Look up a country's emission factor in kg CO2e/kWh in CodeCarbon's table of energy mixes.

    Args:
        country_iso_code: ISO 3166 alpha-3 code of the country.
        option: the key or option that named the country, for the message.

    Raises:
        InputError: CodeCarbon does not know the country.
    """
    from codecarbon.input import DataSource

    mix: dict[str, Any] = DataSource().get_global_energy_mix_data()
    if country_iso_code not in mix:
        raise InputError(f"{option}: found {country_iso_code}, expected a country that CodeCarbon knows, such as FRA")
    return float(mix[country_iso_code]["carbon_intensity"]) / 1000
