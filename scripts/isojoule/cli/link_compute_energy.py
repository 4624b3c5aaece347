"""Link compute to energy: affine fits, what explains how much, power of training over test, and the paper's claims.

    isojoule link-compute-energy results/demo/measurements.parquet --output results/demo/compute-energy

Writes fits.csv, explained.csv, power-ratios.csv and claims.csv into the folder. Takes any table of measurements,
parquet or CSV; energies of several kinds are not mixed unless --kinds asks for it.
"""

import argparse

from isojoule.cli import arguments


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    arguments.table(parser)
    arguments.kinds(parser)
    arguments.output(parser, "folder of the tables")


def run(options: argparse.Namespace) -> None:
    """Read, fit, write."""
    from isojoule.compute_energy.claims import claims
    from isojoule.compute_energy.fits import explained, fits, power_ratios
    from isojoule.compute_energy.quantities import quantities
    from isojoule.tables import measurements
    from isojoule.tables.writing import write_table

    frame, notes = measurements.read_unmixed(options.table, options.kinds)
    table, assumed = quantities(frame)
    for note in [*notes, *assumed]:
        print(note)
    for name, made in (
        ("fits", fits(table)),
        ("explained", explained(table)),
        ("power-ratios", power_ratios(table)),
        ("claims", claims(table)),
    ):
        path = options.output / f"{name}.csv"
        write_table(made, path)
        print(f"{path}: {len(made)} rows")
