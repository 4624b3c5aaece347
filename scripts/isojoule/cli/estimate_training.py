"""Estimate what published trainings cost from their hardware and hours.

    printf 'model,gpu,gpus,hours\\nours,V100,4,24\\n' > trainings.csv
    isojoule estimate-training trainings.csv --countries FRA USA \\
        --output estimates.csv

The columns are model, gpu, gpus (their number) and hours; power_w, the maximum
power of one GPU, unless its name is known here; and utilization_percent for a
second, scaled estimate. Energy = maximum power x GPUs x hours is the worst
case (Douwes, Esling and Briot, "Energy consumption of deep generative audio
models", table 1). Nothing in it is measured.
"""

import argparse

from isojoule.cli import arguments
from isojoule.cli.arguments import above_zero


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.table(parser, "one row per training, CSV or parquet")
    parser.add_argument(
        "--kg-per-kwh", type=above_zero, help="emission factor in kg CO2e per kWh (default: 0.437, the world in 2018)"
    )
    parser.add_argument(
        "--countries",
        nargs="+",
        default=[],
        help="countries to estimate emissions for as well, by ISO 3166 alpha-3 code",
    )
    arguments.output(parser, "write the estimates to this file, CSV or parquet", required=False)


def run(options: argparse.Namespace) -> None:
    """Read, estimate, print, write."""
    from isojoule.literature import training
    from isojoule.study.emission_factor import kg_per_kwh
    from isojoule.tables.writing import write_table

    factor = options.kg_per_kwh or training.WORLD_KG_PER_KWH
    countries = {country: kg_per_kwh(country, "countries") for country in options.countries}
    table = training.estimate(training.read(options.table), factor, countries)
    print("\n".join(training.in_words(table, factor)))
    if options.output:
        write_table(table, options.output)
        print(options.output)
