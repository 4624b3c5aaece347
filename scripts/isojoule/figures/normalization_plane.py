"""The regression plane over energy and FLOPs (the paper's further dimension, section 3.3)."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from isojoule.figures.shared.comparing import METHODS, first_pairs, half_widths, in_unit, kinds_of
from isojoule.figures.shared.drawing import PHASES, blank, family_label, family_styles, in_few_families, legend, nothing
from isojoule.normalization.base import ENERGY, complete
from isojoule.normalization.published import PUBLISHED

COLUMNS = (ENERGY, "flops")


def draw(frame: pd.DataFrame) -> Figure:
    """Draw the figure from a table of measurements."""
    frame = in_few_families(frame)
    shown = [pair for pair in first_pairs(frame, most=1) if complete(pair.systems, COLUMNS) and len(pair.systems) > 2]
    if not shown:
        return nothing("No plane: no phase has energies on two platforms and the FLOPs of three architectures.")
    figure = blank(4.2 * len(shown) + 0.8, 4.2)
    styles = family_styles(frame)
    for number, pair in enumerate(shown):
        axis = figure.add_subplot(1, len(shown), number + 1, projection="3d")
        fitted = PUBLISHED["line+flops"]().fit(pair.systems, pair.target_kwh)
        factor, unit = in_unit(pair)
        x, y, z = pair.systems[ENERGY].to_numpy(), pair.systems["flops"].to_numpy(), factor * pair.target_kwh
        many, flops_unit = (1e9, "GFLOPs") if y.max() >= 1e9 else (1e6, "MFLOPs")
        across, along = np.meshgrid(*(np.linspace(values.min(), values.max(), 8) for values in (x, y)))
        plane = fitted.predict(pd.DataFrame({ENERGY: across.ravel(), "flops": along.ravel()})).reshape(across.shape)
        axis.plot_surface(
            factor * across, along / many, factor * plane, color=METHODS["line+flops"][0], alpha=0.35, linewidth=0
        )
        on_plane = factor * fitted.predict(pair.systems)
        for family, (colour, marker) in styles.items():
            part = (pair.systems["family"] == family).to_numpy()
            axis.plot(
                factor * x[part], y[part] / many, z[part], marker, color=colour, label=family_label(family),
                markersize=4.5, markeredgecolor="white", markeredgewidth=0.3,
            )  # fmt: skip
        half = factor * half_widths(frame, pair)[1]
        for one, family in enumerate(pair.systems["family"]):
            ends = [z[one] - half[one], z[one] + half[one]]
            axis.plot([factor * x[one]] * 2, [y[one] / many] * 2, ends, color=styles[family][0], linewidth=1.2)
            axis.plot(
                [factor * x[one]] * 2, [y[one] / many] * 2, [on_plane[one], z[one]], color="#555555", linewidth=0.6
            )
        axis.set_title(f"{PHASES[pair.phase]} ({kinds_of(pair)})")
        axis.set_xlabel(f"On {pair.source} ({unit})", fontsize=8, labelpad=8)
        axis.set_ylabel(f"{flops_unit}, forward", fontsize=8, labelpad=4)
        axis.set_zlabel(f"On {pair.target} ({unit})", fontsize=8, labelpad=6)
        axis.tick_params(labelsize=7)
        axis.locator_params(nbins=5)
        # a constrained layout does not see the labels of three dimensions
        axis.set_box_aspect(None, zoom=0.82)
    legend(figure, figure.axes[0], len(styles))
    return figure
