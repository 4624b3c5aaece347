"""Draw figures from a table.

    isojoule plot energy-quality results/demo/measurements.parquet \\
        --output quality.svg quality.png
    isojoule plot normalization-references \\
        results/demo/normalization/errors.parquet --output references.png

From a table of measurements: energy-platforms, energy-quality,
energy-computation-test, energy-computation-train, power-computation,
energy-utilization, energy-explained, normalization-points,
normalization-curves, normalization-plane.
From the errors that `isojoule evaluate-normalization` writes:
normalization-sampling, normalization-regression, normalization-features,
normalization-references.
From the fronts that `isojoule compare-fronts` writes: pareto-energy,
pareto-normalized, pareto-costs, pareto-stability.
From the tables that `isojoule literature` writes: published-training,
published-waveflow.
From the errors that `isojoule compare-normalization` writes:
normalization-tables.

Several figures of one table are drawn in the time of few, since one process
reads it: each is drawn to the files of --output that are called like it.

    isojoule plot energy-quality energy-platforms \\
        results/demo/measurements.parquet \\
        --output energy-quality.svg energy-platforms.svg

A figure that the table has nothing for is refused, and named; the others are
drawn all the same.

A figure is as wide as a column or the text of a paper, and its fonts are
embedded: PDF and SVG are ready for print.
"""

import argparse
import hashlib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from isojoule.cli import arguments
from isojoule.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from isojoule.configuration.every_study import Figures


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("figure", nargs="+", help="names of figures")
    arguments.table(parser, "table that the figures are drawn from, parquet or CSV")
    parser.add_argument("--output", type=Path, nargs="+", required=True, help="files to draw to, .svg, .png or .pdf")
    parser.add_argument(
        "--allow-empty", action="store_true", help="write why where the table has nothing for a figure, in its place"
    )
    parser.add_argument(
        "--keep-same",
        action="store_true",
        help="keep files that are already drawn of the same table, code and settings",
    )
    arguments.config(parser, required=False)


def run(options: argparse.Namespace) -> None:
    """Read and draw; a figure that cannot be drawn keeps none of the others from being drawn."""
    from isojoule.figures import captions
    from isojoule.figures.shared.empty import NothingError
    from isojoule.study import reading

    for figure in options.figure:
        if figure not in captions.FIGURES:
            raise InputError(f"figure: found {figure}, expected one of {', '.join(captions.FIGURES)}")
    outputs_of_figures = _outputs(options.figure, options.output)
    figures = reading.load(options.config).figures if options.config else None
    tables: dict[Callable[[Path], pd.DataFrame], pd.DataFrame] = {}
    problems, kept = [], []
    for figure, outputs in outputs_of_figures.items():
        mark = _mark(figure, options.table, figures) if options.keep_same else ""
        if mark and _keep(outputs, mark, figures):
            kept.append(figure)
            continue
        module = captions.load(figure)
        read = getattr(module, "READ", None) or _read_measurements
        try:
            if read not in tables:
                tables[read] = read(options.table)
            _draw(module, tables[read], outputs, figures, allow_empty=options.allow_empty, mark=mark)
        except NothingError as error:
            problems.append(f"{figure}: found nothing to draw in {options.table}: {error}")
        except InputError as error:
            problems.append(str(error))
        else:
            print(" ".join(map(str, outputs)), flush=True)
    if kept:
        print(f"kept as they are: {', '.join(kept)}")
    if problems:
        raise InputError("\n       ".join(dict.fromkeys(problems)))


def _read_measurements(path: Path) -> "pd.DataFrame":
    """Read a table of measurements, and print what a reader of the figures should know of it."""
    from isojoule.tables import measurements

    table, doubts = measurements.read_told(path)
    for doubt in doubts:
        print(f"warning: {doubt}")
    return table


def _outputs(figures: list[str], outputs: list[Path]) -> dict[str, list[Path]]:
    """Return the files of each figure: all if there is but one, else those that are called like it."""
    if len(figures) == 1:
        return {figures[0]: outputs}
    for output in outputs:
        if output.stem not in figures:
            raise InputError(f"--output: found {output}, expected files that are called like one of the figures")
    outputs_of_figures = {figure: [output for output in outputs if output.stem == figure] for figure in figures}
    for figure, own in outputs_of_figures.items():
        if not own:
            raise InputError(f"--output: found no file for {figure}, expected one such as {figure}.svg")
    return outputs_of_figures


def _mark(figure: str, table: Path, figures: "Figures | None") -> str:
    """Return a fingerprint of all that decides what a figure looks like, beside the user's texts."""
    from isojoule.figures import STYLE, captions
    from isojoule.study import code_fingerprint, reruns

    try:
        content = hashlib.sha256(table.read_bytes()).hexdigest()
    except OSError:
        # the reader of the table says what is wrong
        return ""
    code = code_fingerprint.fingerprint(*captions.code([figure]), every_module=True)
    text_mm = figures.text_mm if figures else None
    parts = [content, code, STYLE.read_text(encoding="utf-8"), text_mm, version("matplotlib")]
    return f"isojoule:{reruns.fingerprint(parts)}"


def _keep(outputs: list[Path], mark: str, figures: "Figures | None") -> bool:
    """Return whether all files would be drawn as they are; they are then as new as if they were drawn."""
    from isojoule.figures.shared import drawing

    texts = figures.texts if figures else None
    is_same = all(drawing.is_drawn(output, mark, texts) for output in outputs)
    for output in outputs if is_same else ():
        output.touch()
    return is_same


def _draw(
    module: ModuleType,
    table: "pd.DataFrame",
    outputs: list[Path],
    figures: "Figures | None",
    *,
    allow_empty: bool,
    mark: str,
) -> None:
    from isojoule import seals
    from isojoule.figures.shared import drawing

    texts, text_mm = (figures.texts, figures.text_mm) if figures else (None, None)
    drawing.save(module.draw, table, outputs, texts, text_mm, allow_empty=allow_empty, mark=mark)
    for output in outputs:
        if output.suffix == ".svg":
            # the report shows it
            seals.seal(output, "isojoule plot")
