"""The figures of a study: name, category, title, table and caption of each.

A figure is a module of this room with a function `draw(table)`. The table is the table of measurements, or what the
module's `READ` reads. A new figure is a new module, described here.
"""

import importlib
from collections.abc import Collection, Sequence
from types import ModuleType
from typing import NamedTuple

from isojoule.errors import InputError

# what captions say of the bars that `panels.points` draws
BARS = "Bars: 95 % interval of the mean over repeats; one without a stroke at its end goes on beyond the axis."


class Description(NamedTuple):
    """What the report says of a figure.

    Attributes:
        category: heading that the figure stands under.
        title: title of the figure.
        table: table that it is drawn from, by its path below the study's results.
        caption: caption in sentences.
        needs: what a study must have for it, some of `FACTS`; whether it was measured in the end, its table says.
    """

    category: str
    title: str
    table: str
    caption: str
    needs: tuple[str, ...] = ()


# what a configuration tells: the phases, a GPU beside CPUs, and enough platforms and architectures to normalize
FACTS = ("train", "test", "gpu", "normalizable")
MEASUREMENTS, ERRORS = "measurements.parquet", "normalization/errors.parquet"
FRONTS = "pareto/fronts.csv"

ENERGY = {
    "energy-platforms": Description(
        "Energy",
        "Energy by platform",
        MEASUREMENTS,
        "Energy of every architecture on every platform, architectures in the order of their energy on the "
        f"first. {BARS}",
    ),
    "energy-quality": Description(
        "Energy",
        "Quality against energy",
        MEASUREMENTS,
        f"Quality on the test data against the energy of training and of test. {BARS}",
        needs=("test",),
    ),
    "energy-computation-test": Description(
        "Compute and energy",
        "Energy of test against computation",
        MEASUREMENTS,
        "Energy of test against FLOPs and against the number of parameters: of all architectures, of MLP and RNN, and "
        "of CNN and CRNN, as far as the study has them (Douwes and Serizel, DCASE 2024, figure 1). Lines: affine fits "
        f"with R² and slope. {BARS}",
        needs=("test",),
    ),
    "energy-computation-train": Description(
        "Compute and energy",
        "Energy of training against computation",
        MEASUREMENTS,
        "Energy of training against FLOPs and against the number of parameters: of all architectures, of MLP and RNN, "
        "and of CNN and CRNN, as far as the study has them (Douwes and Serizel, DCASE 2024, figure 2). FLOPs of "
        "training are three times those of the forward pass, as published. Lines: affine fits with R² and slope. "
        f"{BARS}",
        needs=("train",),
    ),
    "power-computation": Description(
        "Compute and energy",
        "Power against computation",
        MEASUREMENTS,
        "Mean power of training (circles) and test (triangles) against FLOPs per second; FLOPs of training are three "
        "times those of the forward pass, as published (Douwes and Serizel, DCASE 2024, figure 3). "
        f"{BARS}",
    ),
    "energy-utilization": Description(
        "Compute and energy",
        "Energy against utilisation",
        MEASUREMENTS,
        "Energy of training (circles) and test (triangles) against the utilisation of the GPU and of its "
        "memory, as NVML reports them (Douwes and Serizel, DCASE 2024, figure 4), with Spearman's rank "
        f"correlation. {BARS}",
        needs=("gpu",),
    ),
    "energy-explained": Description(
        "Compute and energy",
        "What explains the energy of training",
        MEASUREMENTS,
        "Energy of training against the published count of FLOPs (three times the forward pass), the exact "
        "count of forward and backward pass, and the bytes moved to and from memory, an estimate from the "
        f"counts. Lines: affine fits with R² and slope. {BARS}",
        needs=("train",),
    ),
}
PARETO = {
    "pareto-energy": Description(
        "Quality and energy",
        "Fronts of energy",
        FRONTS,
        "Quality against the energy of training and of test on every platform: models that no other one beats "
        "(blue circles, joined by the front), models within noise of the front (yellow diamonds), dominated "
        "ones (red crosses); after Douwes, Esling and Briot, figure 2. Where there are more than 16 models, "
        f"only those that are not dominated are named; a name that has no room is left out. {BARS}",
        needs=("test",),
    ),
    "pareto-normalized": Description(
        "Quality and energy",
        "Fronts of normalized energy",
        FRONTS,
        "The same fronts for energies normalized from each platform to one of them by our default method and "
        f"up to eight references: an estimate. {BARS}",
        needs=("test", "normalizable"),
    ),
    "pareto-costs": Description(
        "Quality and energy",
        "Fronts of other costs",
        FRONTS,
        "Quality against forward FLOPs, parameters, and CO2e of training and of test (of the same energy, "
        f"for the configured country); quality and emissions are those of the first platform. {BARS}",
        needs=("test",),
    ),
    "pareto-stability": Description(
        "Quality and energy",
        "Does the front change with the platform?",
        FRONTS,
        "Models that are optimal or within noise of the front on some platform, and what they are on the "
        "others; an arrow leads to the platform that energies are normalized to.",
        needs=("test",),
    ),
}
NORMALIZATION = {
    "normalization-points": Description(
        "Normalization",
        "Normalized by one or two references",
        MEASUREMENTS,
        "Energy of every architecture normalized to another platform by a single reference of low or high "
        "energy and by both, against its own energy there; on the diagonal the normalization is perfect. Open "
        f"triangles: energies that come out below the axis (after Douwes and Serizel, figures 1 and 2). {BARS}",
        needs=("normalizable",),
    ),
    "normalization-sampling": Description(
        "Normalization",
        "Error by number of references",
        ERRORS,
        "Error of the regression line by the share of architectures that serve as references, drawn at random "
        "or those of lowest and highest energy; bars: standard deviation over splits (after Douwes and "
        "Serizel, figure 3). Below -1 the axis of R² is logarithmic.",
        needs=("normalizable",),
    ),
    "normalization-curves": Description(
        "Normalization",
        "Regressions through the references",
        MEASUREMENTS,
        "Regressions from the energy on one platform to that on another, fitted on the references (filled) of "
        f"the first split; open: held-out architectures (after Douwes and Serizel, figure 4). {BARS}",
        needs=("normalizable",),
    ),
    "normalization-regression": Description(
        "Normalization",
        "Error by type of regression",
        ERRORS,
        "Error of regressions in kWh by their type, fitted on all references; bars: standard deviation over "
        "splits (after Douwes and Serizel, figure 5). Below -1 the axis of R² is logarithmic.",
        needs=("normalizable",),
    ),
    "normalization-plane": Description(
        "Normalization",
        "Energy and FLOPs together",
        MEASUREMENTS,
        "Energy on another platform against energy on the first and the forward FLOPs of one example, and the "
        "plane of least squares through all architectures; grey: distances from the plane (after Douwes and "
        f"Serizel, section 3.3). {BARS}",
        needs=("normalizable",),
    ),
    "normalization-features": Description(
        "Normalization",
        "Error with FLOPs and parameters",
        ERRORS,
        "Error of the regression line with FLOPs, parameters and both as further dimensions, fitted on all "
        "references; bars: standard deviation over splits (after Douwes and Serizel, figure 6). Below -1 the "
        "axis of R² is logarithmic.",
        needs=("normalizable",),
    ),
    "normalization-references": Description(
        "Normalization",
        "Ours against the published methods",
        ERRORS,
        "Median absolute percentage error on held-out architectures against the number of references: median "
        "over pairs and splits. Published methods with the references of lowest and highest energy (after "
        "Douwes and Serizel), ours with those that it recommends. Errors above 1200 % are not shown.",
        needs=("normalizable",),
    ),
}
LITERATURE = {
    "published-training": Description(
        "Published numbers",
        "Published trainings",
        "literature/training.csv",
        "Training costs of five published generative audio models (Douwes, Esling and Briot, table 1): "
        "maximum power of the GPU x GPUs x hours, an estimate of the worst case.",
    ),
    "published-waveflow": Description(
        "Published numbers",
        "Published fronts",
        "literature/waveflow.csv",
        "Mean opinion score against the energy of training (Carbontracker's prediction) and of generating 100 "
        "s of audio (measured), for five configurations of WaveFlow (Douwes, Esling and Briot, table 2 and "
        "figure 2). Published numbers, not of this study.",
    ),
}
# figures of tables of others, which no study draws
OTHERS = {
    "normalization-tables": Description(
        "Normalization",
        "Ours against the published methods, on tables of others",
        "energies/errors.csv",
        "Median absolute percentage error on systems that were held out, against the number of references: median over "
        "pairs of platforms and splits. Thin: the methods of the papers, each with the best of its published choices "
        "of references; thick: ours, with the references that it recommends. Errors above 200 % are not shown.",
    ),
}
STUDY = {**ENERGY, **PARETO, **NORMALIZATION, **LITERATURE}
FIGURES = {**STUDY, **OTHERS}


def ordered(first: Sequence[str], facts: Collection[str]) -> list[str]:
    """Return the names of a study's figures in the order in which the report shows them.

    Args:
        first: names of the figures to begin with; those that the study cannot have are left out.
        facts: what the study has, some of `FACTS`.

    Raises:
        InputError: a name is no figure's.
    """
    names = [*PARETO, *ENERGY, *NORMALIZATION, *LITERATURE]
    for name in first:
        if name not in names:
            raise InputError(f"figures.order: found {name}, expected names of figures: {', '.join(names)}")
    in_order = [*first, *(name for name in names if name not in first)]
    return [name for name in in_order if set(STUDY[name].needs) <= set(facts)]


def by_table(figures: Sequence[str]) -> dict[str, list[str]]:
    """Return the names of figures by the table that they are drawn from, each in the given order."""
    names: dict[str, list[str]] = {}
    for figure in figures:
        names.setdefault(FIGURES[figure].table, []).append(figure)
    return names


def module_name(figure: str) -> str:
    """Return the name of the module that draws a figure."""
    return f"isojoule.figures.{figure.replace('-', '_')}"


def code(figures: Sequence[str]) -> list[str]:
    """Return the modules that decide what some figures look like; captions are no part of a figure."""
    return ["isojoule.figures.shared.drawing", "isojoule.tables.measurements", *map(module_name, figures)]


def load(figure: str) -> ModuleType:
    """Import the module that draws a figure."""
    return importlib.import_module(module_name(figure))
