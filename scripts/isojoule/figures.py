"""First figures of a study: energy against compute, by platform, and against quality."""

from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from isojoule.errors import InputError
from isojoule.files import written_whole
from isojoule.tables import energy_table

# Okabe and Ito's colours, told apart by colour-blind readers; families and platforms share none
FAMILIES = {"mlp": ("#0072B2", "o"), "rnn": ("#009E73", "s"), "cnn": ("#D55E00", "^"), "crnn": ("#CC79A7", "D")}
OTHER_FAMILIES = [("#E69F00", "P"), ("#56B4E9", "X"), ("#999999", "v")]
PLATFORMS = [("#000000", "o"), ("#E69F00", "D"), ("#56B4E9", "s"), ("#999999", "^"), ("#B2A300", "v")]
PHASES = {"train": "Training", "test": "Test"}

STYLE = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.5,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "figure.dpi": 150,
    "figure.constrained_layout.use": True,
    "svg.hashsalt": "isojoule",
}


def energy_flops(frame: pd.DataFrame) -> Figure:
    """Energy against forward FLOPs (Douwes and Serizel, DCASE 2024, figures 1 and 2, top row)."""
    return _against(frame, "flops", "Forward FLOPs of one example")


def energy_parameters(frame: pd.DataFrame) -> Figure:
    """Energy against the number of parameters (Douwes and Serizel, DCASE 2024, figures 1 and 2, bottom row)."""
    return _against(frame, "params", "Parameters")


def energy_platforms(frame: pd.DataFrame) -> Figure:
    """Energy of every architecture on every platform, architectures in the order of their energy on the first."""
    table = _table(frame)
    phases, gpus = _known(table, "phase"), list(table["gpu"].unique())
    first = table[(table["gpu"] == gpus[0]) & (table["phase"] == phases[0])].set_index("architecture")[
        "energy_mean_kwh"
    ]
    names = sorted(table["architecture"].unique(), key=lambda name: (first.get(name, float("nan")), name))
    figure = _figure(3.6 * len(phases) + 1.2, 0.17 * len(names) + 1.3)
    axes = figure.subplots(1, len(phases), sharey=True, squeeze=False)[0]
    for axis, phase in zip(axes, phases, strict=True):
        for gpu, (colour, marker) in zip(gpus, _cycled(PLATFORMS, len(gpus)), strict=True):
            part = table[(table["gpu"] == gpu) & (table["phase"] == phase)]
            rows = [names.index(name) for name in part["architecture"]]
            _points(
                axis, part["energy_mean_kwh"], rows, colour, marker, _platform(part, gpu), xerr=part["energy_std_kwh"]
            )
        axis.set(title=PHASES[phase], xscale="log", xlabel=_energy(table[table["phase"] == phase]))
        _label_decades(axis.xaxis)
    axes[0].set_yticks(range(len(names)), names)
    axes[0].set_ylim(-0.7, len(names) - 0.3)
    _legend(figure, axes[0], min(len(gpus), 4))
    return figure


def energy_quality(frame: pd.DataFrame) -> Figure:
    """Macro F1 on the test data against the energy of training and of test."""
    table = _table(frame)
    quality = table.dropna(subset=["macro_f1_mean"]).set_index(["architecture", "gpu"])["macro_f1_mean"]
    table["quality"] = [quality.get(key) for key in zip(table["architecture"], table["gpu"], strict=True)]
    if table["quality"].isna().all():
        figure = _figure(5, 1)
        figure.text(0.5, 0.5, "No quality was measured in this study.", ha="center")
        return figure
    return _panels(table, "energy_mean_kwh", "quality", "Macro F1 on the test data", horizontal_energy=True)


FIGURES: dict[str, Callable[[pd.DataFrame], Figure]] = {
    "energy-flops": energy_flops,
    "energy-parameters": energy_parameters,
    "energy-platforms": energy_platforms,
    "energy-quality": energy_quality,
}


def draw(name: str, frame: pd.DataFrame, outputs: list[Path]) -> None:
    """Draw the figure `name` from a table of measurements into files; the endings (.svg, .png, .pdf) decide the format.

    Raises:
        InputError: no row of the table has what the figure shows.
    """
    with mpl.rc_context(STYLE):  # type: ignore[arg-type]
        figure = FIGURES[name](frame)
        for output in outputs:
            with written_whole(output) as temporary:
                metadata = {"Date": None} if output.suffix == ".svg" else None
                figure.savefig(temporary, format=output.suffix.lstrip("."), metadata=metadata)


def _table(frame: pd.DataFrame) -> pd.DataFrame:
    table = energy_table(frame)
    table = table[table["repeats"] > 0]
    if table.empty:
        raise InputError("the table of measurements has no row with outcome ok, there is nothing to draw")
    return table


def _against(frame: pd.DataFrame, column: str, label: str) -> Figure:
    table = _table(frame).dropna(subset=[column])
    if table.empty:
        raise InputError(f"the table of measurements has no value in column {column}, there is nothing to draw")
    return _panels(table, column, "energy_mean_kwh", label, horizontal_energy=False)


def _panels(table: pd.DataFrame, x: str, y: str, label: str, *, horizontal_energy: bool) -> Figure:
    """One panel per phase (row) and platform (column), one colour and marker per family."""
    phases, gpus = _known(table, "phase"), list(table["gpu"].unique())
    figure = _figure(2.9 * len(gpus) + 0.9, 2.4 * len(phases) + 0.7)
    grid = figure.subplots(len(phases), len(gpus), sharex=not horizontal_energy, sharey="row", squeeze=False)
    styles = _families(table)
    for row, phase in zip(grid, phases, strict=True):
        for axis, gpu in zip(row, gpus, strict=True):
            panel = table[(table["gpu"] == gpu) & (table["phase"] == phase)]
            for family, (colour, marker) in styles.items():
                part = panel[panel["family"] == family]
                bars = {"xerr" if horizontal_energy else "yerr": part["energy_std_kwh"]}
                _points(
                    axis, part[x], part[y], colour, marker, family.upper() if family in FAMILIES else family, **bars
                )
            axis.set_title(f"{PHASES[phase]} on {_platform(panel, gpu)}")
            axis.set_xscale("log")
            _label_decades(axis.xaxis)
            if not horizontal_energy:
                axis.set_yscale("log")
                _label_decades(axis.yaxis)
        row[0].set_ylabel(label if horizontal_energy else _energy(table[table["phase"] == phase]))
    for column, _ in enumerate(gpus):
        for axis in grid[:, column] if horizontal_energy else [grid[-1, column]]:
            axis.set_xlabel(_energy(table) if horizontal_energy else label)
    _legend(figure, grid[0][0], len(styles))
    return figure


def _figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height))


def _points(axis: Axes, x: pd.Series, y: object, colour: str, marker: str, label: str, **bars: pd.Series) -> None:
    errors = {name: values.astype(float).fillna(0).to_numpy() for name, values in bars.items()}
    axis.errorbar(
        pd.Series(x).astype(float).to_numpy(),
        pd.Series(y).astype(float).to_numpy(),
        fmt=marker,
        color=colour,
        label=label,
        markersize=5,
        markeredgecolor="white",
        markeredgewidth=0.4,
        elinewidth=0.9,
        capsize=2,
        **errors,
    )


def _label_decades(axis: Axis) -> None:
    """Label powers of ten, and in between only where there are too few of them to read a value."""
    low, high = axis.get_data_interval()
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 30 * low else (1,)))
    axis.set_minor_formatter(NullFormatter())


def _legend(figure: Figure, axis: Axes, columns: int) -> None:
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=columns)


def _known(table: pd.DataFrame, column: str) -> list[str]:
    return [phase for phase in PHASES if phase in set(table[column])]


def _platform(part: pd.DataFrame, gpu: str) -> str:
    kinds = sorted({kind for kinds in part["energy_kind"].dropna() for kind in kinds.split(", ")} - {"measured"})
    return f"{gpu} ({', '.join(kinds)})" if kinds else gpu


def _energy(table: pd.DataFrame) -> str:
    kinds = sorted({kind for kinds in table["energy_kind"].dropna() for kind in kinds.split(", ")})
    return f"Energy (kWh), {' and '.join(kinds)}"


def _families(table: pd.DataFrame) -> dict[str, tuple[str, str]]:
    present = list(table["family"].unique())
    others = [family for family in present if family not in FAMILIES]
    known = {family: style for family, style in FAMILIES.items() if family in present}
    return {**known, **dict(zip(others, _cycled(OTHER_FAMILIES, len(others)), strict=True))}


def _cycled(styles: list[tuple[str, str]], count: int) -> list[tuple[str, str]]:
    return [styles[index % len(styles)] for index in range(count)]
