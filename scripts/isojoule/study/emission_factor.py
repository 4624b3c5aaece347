"""Emission factors: how much CO2e a kilowatt-hour of electricity causes, by country."""

import importlib.util
from pathlib import Path

from isojoule.errors import InputError
from isojoule.files import read_json

# CodeCarbon's table of energy mixes, read as a file: to import CodeCarbon takes a second
TABLE = Path("data", "private_infra", "global_energy_mix.json")


def kg_per_kwh(country_iso_code: str, option: str = "energy.country_iso_code") -> float:
    """Look up a country's emission factor in kg CO2e/kWh in CodeCarbon's table of energy mixes.

    Args:
        country_iso_code: ISO 3166 alpha-3 code of the country.
        option: the key or option that named the country, for the message.

    Raises:
        InputError: CodeCarbon does not know the country.
        ModuleNotFoundError: CodeCarbon is not installed.
    """
    package = importlib.util.find_spec("codecarbon")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("No module named 'codecarbon'", name="codecarbon")
    mix = read_json(Path(package.origin).parent / TABLE)
    if country_iso_code not in mix:
        raise InputError(f"{option}: found {country_iso_code}, expected a country that CodeCarbon knows, such as FRA")
    return float(mix[country_iso_code]["carbon_intensity"]) / 1000
