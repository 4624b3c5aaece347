"""The axes and panels of figures: none is pressed together by one long bar, none is empty, none is drawn twice."""

import numpy as np
import pandas as pd
import pytest

from isojoule.figures import captions
from isojoule.figures.shared import drawing
from isojoule.figures.shared.panels import Bars, blank, points
from isojoule.figures.shared.reading import MOST_FAMILIES
from isojoule.figures.shared.styles import PLATFORMS, cycled, family_styles
from isojoule.fronts import of_study
from isojoule.normalization import METHODS
from isojoule.normalization.experiment import experiment
from isojoule.normalization.experiment_plan import Plan
from isojoule.normalization.splits import splits
from isojoule.simulation import worlds
from isojoule.tables.aggregation import aggregate

# two runs of one cell, whose interval goes from nearly nothing to many times its energy
UNLIKE = (0.2, 2)
LINEAR = ("energy-computation-train", "power-computation", "normalization-curves")
SHARES = {"20 %": 2, "40 %": 2, "60 %": 3, "80 %": 3, "100 %": 4}


@pytest.fixture
def unlike(folder, demo):
    """Return a study in which the cell of the highest energy has two runs of different energies."""
    frame = aggregate(demo, folder)
    highest = frame.loc[frame[(frame["phase"] == "train") & (frame["gpu"] == "cpu-2threads")]["energy_kwh"].idxmax()]
    cell = (frame[["gpu", "architecture", "phase"]] == highest[["gpu", "architecture", "phase"]]).all(axis=1)
    factors = np.ones(len(frame))
    factors[cell] = UNLIKE
    return frame.assign(energy_kwh=frame["energy_kwh"] * factors, power_w=frame["power_w"] * factors)


@pytest.mark.parametrize("name", LINEAR)
def test_a_linear_axis_ends_at_twice_its_highest_point_however_long_a_bar_is(unlike, name):
    figure = drawing.drawn(captions.load(name).draw, unlike)
    is_long = []
    for axis in figure.axes:
        if bars := [line for line in axis.lines if isinstance(line, Bars) and line.side == "y"]:
            highest = max(np.nanmax(line.values) for line in bars)
            is_long.append(max(np.nanmax(line.get_ydata()) for line in bars) > 4 * highest)
            # room above the points, and for the words of fits there
            assert axis.get_ylim()[1] <= 1.6 * 2 * highest
    assert any(is_long)


def axis_with_bars(scale, values, lengths):
    axis = blank(4, 3).subplots()
    axis.set_yscale(scale)
    points(axis, pd.Series(range(len(values))), values, "black", "o", "", yerr=np.array(lengths))
    return axis


def test_a_bar_within_the_axis_keeps_its_ends():
    low, high = axis_with_bars("linear", [1.0, 2.0], [[0.5, 0.5], [0.5, 1.5]]).get_ylim()
    assert low <= 0.5
    assert 3.5 <= high < 4


def test_a_logarithmic_axis_goes_on_for_a_decade_beyond_its_points():
    low, high = axis_with_bars("log", [1.0, 10.0], [[0.999999, 1.0], [1.0, 1e9]]).get_ylim()
    # with the margins of an axis of three decades
    assert 0.05 < low <= 0.1
    assert 100 <= high < 200


def test_what_is_no_bar_widens_an_axis():
    axis = axis_with_bars("linear", [1.0], [[0.1], [0.1]])
    axis.plot([0, 1], [5, 6])
    assert axis.get_ylim()[1] > 6


def experiment_of(architectures, shares):
    frame = worlds.world(0, 2, worlds.published_systems().iloc[:: 43 // architectures][:architectures])
    methods = {name: METHODS[name] for name in ("line", "line+flops", "poly2", "svr-standardized")}
    names = list(frame["architecture"].unique())
    return pd.concat(
        experiment(frame, "train", Plan(methods, splits(names, 3), shares, draws=2, samplings=("min-max",)))
    )


@pytest.mark.parametrize("name", ["normalization-features", "normalization-regression", "normalization-sampling"])
@pytest.mark.parametrize(("architectures", "held_out"), [(5, 1), (10, 2)])
def test_r2_has_no_panels_where_one_system_is_held_out(name, architectures, held_out):
    errors = experiment_of(architectures, SHARES)
    assert errors.loc[errors["scheme"] == "shuffle", "r2"].notna().any() == (held_out > 1)
    figure = drawing.drawn(captions.load(name).draw, errors)
    drawn = [axis for axis in figure.axes if axis.axison]
    assert drawn
    assert all(axis.containers for axis in drawn)
    assert any(axis.get_xlabel().startswith("R²") for axis in drawn) == (held_out > 1)
    assert any(axis.get_xlabel().startswith("MSE") for axis in drawn)


def test_a_number_of_references_that_several_shares_name_has_one_bar():
    figure = drawing.drawn(captions.load("normalization-sampling").draw, experiment_of(5, SHARES))
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["20 to 40 % (2)", "60 to 80 % (3)", "100 % (4)"]


@pytest.fixture
def partial_study():
    """Return the tables of a study whose first GPU trained nothing, lacks the CNN, and has no utilisation of memory."""
    frame = worlds.world(0, 3, worlds.published_systems().iloc[::5], repeats=2)
    first = frame["gpu"] == frame["gpu"].iloc[0]
    is_missing = first & ((frame["phase"] == "train") | (frame["family"] == "cnn"))
    number = np.arange(len(frame))
    frame = frame.assign(
        macro_f1=np.where(frame["phase"] == "test", 0.2 + 0.5 * number / len(frame), np.nan),
        gpu_utilization_percent=20.0 + number % 50,
        gpu_memory_utilization_percent=(10.0 + number % 50) * np.where(first, np.nan, 1),
        outcome=frame["outcome"].mask(is_missing, "missing"),
    )
    fronts = of_study.fronts(frame, draws=10).table.fillna({"normalized_to": "", "phase": "", "energy_kind": ""})
    return {captions.MEASUREMENTS: frame, captions.FRONTS: fronts}


@pytest.mark.parametrize("name", [*captions.ENERGY, *captions.PARETO, "normalization-points", "normalization-curves"])
def test_a_panel_without_data_is_left_out_and_its_row_keeps_its_label(partial_study, name):
    figure = drawing.drawn(captions.load(name).draw, partial_study[captions.FIGURES[name].table])
    assert figure.axes
    rows = {}
    for axis in figure.axes:
        assert np.isfinite(axis.dataLim.get_points()).all(), axis.get_title()
        assert "nan" not in axis.get_title()
        rows.setdefault(axis.get_subplotspec().rowspan.start, []).append(axis)
    for row in rows.values():
        labelled = row[0].get_ylabel() or [text.get_text() for text in row[0].get_yticklabels()]
        assert labelled
        assert row[0].yaxis.get_tick_params()["labelleft"]


def test_the_legend_has_what_the_first_panel_lacks(partial_study):
    for name in ("energy-computation-test", "energy-explained", "energy-quality"):
        figure = drawing.drawn(captions.load(name).draw, partial_study[captions.MEASUREMENTS])
        (legend,) = figure.legends
        assert {text.get_text() for text in legend.get_texts()} == {"MLP", "RNN", "CNN", "CRNN"}, name
    figure = drawing.drawn(captions.load("energy-platforms").draw, partial_study[captions.MEASUREMENTS])
    assert all("(simulated)" in text.get_text() for text in figure.legends[0].get_texts())


def test_families_and_platforms_are_told_apart():
    names = [f"family-{number}" for number in range(MOST_FAMILIES - 4)]
    styles = family_styles(pd.DataFrame({"family": ["mlp", "rnn", "cnn", "crnn", *names]}))
    assert len(set(styles.values())) == MOST_FAMILIES
    assert len(set(cycled(PLATFORMS, 20))) == 20


def test_the_captions_say_what_a_bar_without_a_stroke_means():
    captions_of_bars = [figure.caption for figure in captions.ENERGY.values() if captions.BARS in figure.caption]
    assert len(captions_of_bars) >= 4
    assert "goes on beyond the axis" in captions.BARS
