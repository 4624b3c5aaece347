"""Rank methods of normalization by their held-out error: per pair of GPUs and over all pairs.

python scripts/rank_normalization.py results/demo/normalization/errors.parquet --output ranking.csv
"""

import argparse
from pathlib import Path

from isojoule.programs import command_line, run


def main(options: argparse.Namespace) -> None:
    """Read, rank, write."""
    from isojoule import measurements
    from isojoule.normalization import ranking

    results = ranking.read(options.errors)
    table = ranking.ranking(results)
    measurements.write(table, options.output)
    print(f"{options.output}: {len(table)} rows")
    print(ranking.summary(table))


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("errors", type=Path, help="rows of evaluate_normalization.py, a parquet file")
    parser.add_argument("--output", type=Path, required=True, help="the ranking, a CSV or parquet file")
    run(main, parser)
