"""Show how much of the energy FLOPs, bytes and parameters explain.

    isojoule link-compute-energy results/demo/measurements.parquet \\
        --output results/demo/compute-energy

The command writes four tables into the folder: fits.csv has affine fits of
energy against compute, explained.csv how much each count explains,
power-ratios.csv the power of training over that of test, and claims.csv
whether the claims of Douwes and Serizel (DCASE 2024) hold here.
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
    from isojoule.readable import counted
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
        write_table(made, path, "isojoule link-compute-energy")
        print(f"{path}: {counted(len(made), 'row')}")
