"""Error against the number of references: ours, and the published methods that it is to beat."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from isojoule.figures.shared.comparing import METHODS, NOTHING, of_random_splits
from isojoule.figures.shared.empty import NothingError
from isojoule.figures.shared.panels import Plain, Sheet, blank, legend_of
from isojoule.figures.shared.styles import PHASES, phases_of
from isojoule.normalization import ranking, references
from isojoule.normalization.methods import DEFAULT

READ = ranking.read
MARKERS = {"single-low": "v", "dual": "D", "line": "o", "line+flops+params": "^", "poly2": "s", "svr": "P"}
HIGHEST_PERCENT = 1200


def draw(errors: pd.DataFrame) -> Sheet:
    """Draw the figure from the rows of the experiment, with one panel per phase."""
    rows = of_random_splits(errors)
    if rows.empty:
        raise NothingError(NOTHING)
    phases = phases_of(rows)
    figure = blank(4.0 * max(len(phases), 1.4) + 0.4, 4.3)
    axes = figure.subplots(1, len(phases), squeeze=False, sharey=True)[0]
    for axis, phase in zip(axes, phases, strict=True):
        _draw_panel(axis, rows[rows["phase"] == phase], phase)
    low, high = axes[0].get_ylim()
    axes[0].set_yticks([tick for tick in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if low <= tick <= high])
    axes[0].set_ylim(low, min(high, HIGHEST_PERCENT))
    axes[0].set_ylabel("MdAPE on held-out architectures (%)")
    handles, labels = axes[0].get_legend_handles_labels()
    legend_of(figure, handles[::-1], labels[::-1], 4)
    return figure


def _draw_panel(axis: Axes, rows: pd.DataFrame, phase: str) -> None:
    is_published_choice = rows["sampling"].isin(["min-max", "all"])
    for method, marker in MARKERS.items():
        _draw_line(axis, rows[(rows["method"] == method) & is_published_choice], method, f"{marker}--", 0.9)
    recommended = rows["references"].map(references.recommended)
    is_recommended = (rows["sampling"].astype(str) == recommended) | (rows["sampling"] == "all")
    _draw_line(axis, rows[(rows["method"] == DEFAULT) & is_recommended], DEFAULT, "o-", 2.2)
    axis.set(xscale="log", yscale="log", title=f"{PHASES[phase]} ({' and '.join(rows['kinds'].unique())})")
    axis.set_xlabel("References")
    counts = sorted(rows["references"].unique())
    axis.set_xticks([*(count for count in counts if 1.2 * count <= counts[-1]), counts[-1]])
    axis.xaxis.set_major_formatter(Plain())
    axis.xaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_formatter(Plain())
    axis.yaxis.set_minor_locator(NullLocator())


def _draw_line(axis: Axes, rows: pd.DataFrame, method: str, style: str, width: float) -> None:
    colour, label = METHODS[method]
    medians = rows.groupby("references")["mdape_percent"].median()
    axis.plot(medians.index, medians, style, color=colour, label=label, linewidth=width, markersize=5)
