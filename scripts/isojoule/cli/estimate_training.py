"""Estimate what published trainings cost, from their hardware and hours.

    isojoule estimate-training reference/published/training.csv --output training.csv
    isojoule estimate-training mine.csv --kg-per-kwh 0.05 --countries FRA USA

Columns: model, gpu, gpus (number), hours; power_w (maximum, of one GPU) unless that of the GPU is known here;
utilization_percent for a second, scaled estimate. Energy = maximum power x GPUs x hours, the worst case, as in
Douwes, Esling and Briot, "Energy consumption of deep generative audio models", table 1. Nothing in it is measured.
"""

import argparse

from isojoule.cli import arguments
from isojoule.cli.arguments import above_zero


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.table(parser, "one row per training, CSV or parquet")
    parser.add_argument("--kg-per-kwh", type=above_zero, help="emission factor; by default 0.437, the world in 2018")
    parser.add_argument("--countries", nargs="+", default=[], help="further factors, by ISO 3166 alpha-3 code")
    arguments.output(parser, "write the estimates to this file, CSV or parquet", required=False)


def run(options: argparse.Namespace) -> None:
    """Read, estimate, print, write."""
    from isojoule.literature import training
    from isojoule.study.emission_factor import kg_per_kwh
    from isojoule.tables import measurements

    factor = options.kg_per_kwh or training.WORLD_KG_PER_KWH
    countries = {country: kg_per_kwh(country, "countries") for country in options.countries}
    table = training.estimate(training.read(options.table), factor, countries)
    print("\n".join(training.in_words(table, factor)))
    if options.output:
        measurements.write(table, options.output)
        print(options.output)
