"""Link compute to energy: affine fits, what explains how much, power of training over test, and the paper's claims.

    python scripts/link_compute_energy.py results/demo/measurements.parquet --output results/demo/compute-energy

Writes fits.csv, explained.csv, power-ratios.csv and claims.csv into the folder. Takes any table of measurements,
parquet or CSV; energies of several kinds are not mixed unless --kinds asks for it.
"""

import argparse
from pathlib import Path

from isojoule.programs import command_line, run


def main(options: argparse.Namespace) -> None:
    """Read, fit, write."""
    from isojoule import measurements
    from isojoule.compute_energy.claims import claims
    from isojoule.compute_energy.fits import explained, fits, power_ratios
    from isojoule.compute_energy.quantities import quantities

    frame, notes = measurements.read_unmixed(options.measurements, options.kinds)
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
        measurements.write(made, path)
        print(f"{path}: {len(made)} rows")


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("measurements", type=Path, help="table of measurements, parquet or CSV")
    parser.add_argument("--kinds", nargs="+", help="kinds of energy to use: measured, estimated, simulated")
    parser.add_argument("--output", type=Path, required=True, help="folder of the tables")
    run(main, parser)
