"""The regression plane over energy and FLOPs (section 3.3 of the paper on normalization)."""

import numpy as np
import pandas as pd
from mpl_toolkits.mplot3d import Axes3D  # type: ignore[import-untyped]

from isojoule import readable
from isojoule.figures.shared.comparing import METHODS, bars_of_pair, first_pairs, kinds_of, unit_of_pair
from isojoule.figures.shared.empty import NothingError
from isojoule.figures.shared.panels import Sheet, blank, legend
from isojoule.figures.shared.reading import in_few_families
from isojoule.figures.shared.styles import PHASES, family_label, family_styles
from isojoule.normalization.base import ENERGY, Values, complete
from isojoule.normalization.pairs import Pair
from isojoule.normalization.published import PUBLISHED
from isojoule.tables.energy import energy_table

COLUMNS = (ENERGY, "flops")
GREY = "#555555"


def draw(frame: pd.DataFrame) -> Sheet:
    """Draw the figure from a table of measurements, with one panel per phase."""
    frame = in_few_families(frame)
    shown = [pair for pair in first_pairs(frame, most=1) if complete(pair.systems, COLUMNS) and len(pair.systems) > 2]
    if not shown:
        raise NothingError("No plane: no phase has energies on two platforms and the FLOPs of three architectures.")
    energies = energy_table(frame)
    figure = blank(4.2 * len(shown) + 0.8, 4.2)
    styles = family_styles(frame)
    for number, pair in enumerate(shown):
        axis = figure.add_subplot(1, len(shown), number + 1, projection="3d")
        _, target_bars_kwh = bars_of_pair(energies, pair)
        _draw_panel(axis, pair, styles, target_bars_kwh)
    legend(figure, len(styles))
    return figure


def _draw_panel(axis: Axes3D, pair: Pair, styles: dict[str, tuple[str, str]], target_bars_kwh: Values) -> None:
    fitted = PUBLISHED["line+flops"]().fit(pair.systems, pair.target_kwh)
    unit = unit_of_pair(pair, readable.unit_of_linear_axis)
    source_kwh, flops = pair.systems[ENERGY].to_numpy(), pair.systems["flops"].to_numpy()
    flops_unit = readable.unit_of_linear_axis("FLOP", flops)
    x, y, z = unit.of(source_kwh), flops_unit.of(flops), unit.of(pair.target_kwh)
    grid_kwh, grid_flops = np.meshgrid(*(np.linspace(values.min(), values.max(), 24) for values in (source_kwh, flops)))
    grid = pd.DataFrame({ENERGY: grid_kwh.ravel(), "flops": grid_flops.ravel()})
    plane = unit.of(fitted.predict(grid).reshape(grid_kwh.shape))
    # there is no energy below 0, whatever the plane says
    plane[plane < 0] = np.nan
    colour = METHODS["line+flops"][0]
    axis.plot_surface(unit.of(grid_kwh), flops_unit.of(grid_flops), plane, color=colour, alpha=0.35, linewidth=0)
    for family, (colour, marker) in styles.items():
        part = (pair.systems["family"] == family).to_numpy()
        axis.plot(
            x[part], y[part], z[part], marker, color=colour, label=family_label(family),
            markersize=4.5, markeredgecolor="white", markeredgewidth=0.3,
        )  # fmt: skip
    on_plane, (below, above) = unit.of(fitted.predict(pair.systems)), unit.of(target_bars_kwh)
    for system, family in enumerate(pair.systems["family"]):
        place = [x[system]] * 2, [y[system]] * 2
        interval = [z[system] - below[system], z[system] + above[system]]
        axis.plot(*place, interval, color=styles[family][0], linewidth=1.2)
        axis.plot(*place, [on_plane[system], z[system]], color=GREY, linewidth=0.6)
    axis.set_title(f"{PHASES[pair.phase]} ({kinds_of(pair)})")
    axis.set_xlabel(f"On {pair.source}\n({unit.symbol})", fontsize=8, labelpad=10)
    axis.set_ylabel(f"Forward FLOPs\n({flops_unit.symbol})", fontsize=8, labelpad=8)
    axis.set_zlabel(f"On {pair.target} ({unit.symbol})", fontsize=8, labelpad=5)
    axis.tick_params(labelsize=7)
    axis.set_xlim(left=0)
    axis.set_ylim(bottom=0)
    axis.set_zlim(bottom=0)
    axis.locator_params(nbins=5)
    # a constrained layout does not see the labels of three dimensions
    axis.set_box_aspect(None, zoom=0.75)
