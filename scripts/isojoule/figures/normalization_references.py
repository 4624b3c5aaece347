"""Error against the number of references: ours, and the published methods as lines to beat."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator, ScalarFormatter

from isojoule.figures.shared.comparing import METHODS, of_random_splits
from isojoule.figures.shared.drawing import PHASES, blank, nothing
from isojoule.normalization import ranking, references
from isojoule.normalization.methods import DEFAULT

READ = ranking.read
PUBLISHED = {"single-low": "v", "dual": "D", "line": "o", "line+flops+params": "^", "poly2": "s", "svr": "P"}


def draw(errors: pd.DataFrame) -> Figure:
    """Draw the figure from the rows of the experiment."""
    rows = of_random_splits(errors)
    if rows.empty:
        return nothing("Nothing to normalize: no phase has energies on two platforms.")
    phases = [phase for phase in PHASES if (rows["phase"] == phase).any()]
    figure = blank(4.0 * max(len(phases), 1.4) + 0.4, 4.3)
    axes = figure.subplots(1, len(phases), squeeze=False, sharey=True)[0]
    for axis, phase in zip(axes, phases, strict=True):
        of_phase = rows[rows["phase"] == phase]
        for name, marker in PUBLISHED.items():
            part = of_phase[(of_phase["method"] == name) & of_phase["sampling"].isin(["min-max", "all"])]
            _line(axis, part, name, f"{marker}--", 0.9)
        chosen = of_phase["references"].map(references.recommended)
        ours = (of_phase["sampling"].astype(str) == chosen) | (of_phase["sampling"] == "all")
        _line(axis, of_phase[(of_phase["method"] == DEFAULT) & ours], DEFAULT, "o-", 2.2)
        axis.set(xscale="log", yscale="log", title=f"{PHASES[phase]} ({' and '.join(of_phase['kinds'].unique())})")
        axis.set_xlabel("References")
        counts = sorted(of_phase["references"].unique())
        axis.set_xticks([*(count for count in counts if 1.2 * count <= counts[-1]), counts[-1]])
        axis.xaxis.set_major_formatter(ScalarFormatter())
        axis.xaxis.set_minor_locator(NullLocator())
        axis.yaxis.set_major_formatter(ScalarFormatter())
        axis.yaxis.set_minor_formatter(NullFormatter())
    low, high = axes[0].get_ylim()
    axes[0].set_yticks([tick for tick in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if low <= tick <= high])
    axes[0].set_ylim(low, min(high, 1200))
    axes[0].set_ylabel("MdAPE on held-out architectures (%)")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside upper center", ncols=2)
    return figure


def _line(axis: object, part: pd.DataFrame, name: str, style: str, width: float) -> None:
    colour, label = METHODS[name]
    medians = part.groupby("references")["mdape_percent"].median()
    axis.plot(medians.index, medians, style, color=colour, label=label, linewidth=width, markersize=5)  # type: ignore[attr-defined]
