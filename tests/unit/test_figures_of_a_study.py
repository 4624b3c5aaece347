"""The figures and the page of a study's results: what they name, how they are drawn, and which tables they refuse."""

from itertools import pairwise

import matplotlib as mpl
import pandas as pd
import pytest
from commands import isojoule
from simulated import record

from isojoule.errors import InputError
from isojoule.figures import STYLE, captions
from isojoule.figures.shared import drawing
from isojoule.figures.shared.panels import blank
from isojoule.flags.of_record import MEANINGS
from isojoule.report.page import render
from isojoule.study.cells import cells
from isojoule.tables import measurements
from isojoule.tables.aggregation import aggregate
from isojoule.tables.energy import energy_table
from isojoule.tables.writing import write_table

# the figures of measurements of a study without a GPU
ON_CPUS = [name for name, figure in captions.ENERGY.items() if "gpu" not in figure.needs]


def aggregated(folder, demo):
    return aggregate(demo, folder)


def test_a_study_without_two_thirds_of_its_cells_has_its_table_figures_and_report(folder, demo, tmp_path):
    """A board is missing, and an architecture fails everywhere."""
    for file in (folder / "records").rglob("*.json"):
        if "cpu-2threads" in file.parts or "cnn-2x2" in file.parts:
            file.unlink()
    (folder / "compute" / "cnn-2x2.json").unlink()
    frame = aggregated(folder, demo)
    assert set(frame.loc[frame["gpu"] == "cpu-2threads", "outcome"]) == {"missing"}
    write_table(frame, tmp_path / "measurements.parquet")
    read = measurements.read(tmp_path / "measurements.parquet")
    for name in ON_CPUS:
        drawing.save(captions.load(name).draw, read, [tmp_path / f"{name}.png"])
    page = render((tmp_path / "measurements.parquet", read), {}, [])
    number = len(frame[frame["gpu"] == "cpu-2threads"])
    assert f"<li>cpu-2threads: all of {number} cells ({number} missing)</li>" in page
    assert "<li>cnn-2x2: all of 4 cells (4 missing)</li>" in page


def test_a_figure_names_the_cells_that_have_no_energy(folder, demo, path, tmp_path):
    path.unlink()
    with mpl.rc_context({"svg.fonttype": "none"}):
        drawing.save(captions.load("energy-quality").draw, aggregated(folder, demo), [tmp_path / "figure.svg"])
    assert (
        "Without an energy: mlp-1x16 on cpu-1thread: 1 of 4 cells (1 missing)" in (tmp_path / "figure.svg").read_text()
    )


def test_a_study_of_a_single_cell_is_drawn_around_it(folder, demo, recwarn):
    frame = aggregated(folder, demo)
    frame.loc[1:, "outcome"] = "missing"
    with mpl.rc_context(fname=STYLE):
        figure = captions.load("energy-platforms").draw(frame)
        figure.canvas.draw()
    low, high = figure.axes[0].get_xlim()
    # the axis has the unit that suits the energy
    assert frame.loc[frame["outcome"] == "ok", "energy_kwh"].tolist() == [1e-3]
    assert figure.axes[0].get_xlabel() == "Energy (Wh), simulated"
    assert low < 1 / 2
    assert high > 2
    assert not recwarn.list


@pytest.mark.parametrize("name", ON_CPUS)
def test_a_figure_says_what_kind_of_energy_it_shows(folder, demo, tmp_path, name):
    output = tmp_path / f"{name}.svg"
    with mpl.rc_context({"svg.fonttype": "none"}):
        drawing.save(captions.load(name).draw, aggregated(folder, demo), [output])
    text = output.read_text()
    assert "simulated" in text
    assert "measured" not in text


@pytest.mark.parametrize("name", [*ON_CPUS, "normalization-points", "normalization-curves", "normalization-plane"])
def test_intervals_wider_than_the_mean_can_be_drawn(folder, demo, tmp_path, name):
    frame = aggregated(folder, demo)
    table = energy_table(frame)
    assert (table["energy_ci95_high_kwh"] > 3 * table["energy_mean_kwh"]).any()
    assert (table["energy_ci95_low_kwh"].dropna() > 0).all()
    drawing.save(captions.load(name).draw, frame, [tmp_path / f"{name}.png"])
    assert (tmp_path / f"{name}.png").stat().st_size > 3000


def test_the_report_names_the_kind_and_lets_no_name_be_markup(folder, demo, tmp_path):
    extraction = type("Extraction", (), {"clips": 3, "clips_per_s": 5.0, "energy": record(demo, cells(demo)[0]).energy})
    claims = pd.DataFrame([dict.fromkeys(("gpu", "section", "claim", "criterion", "found", "holds"), "<q>")])
    claims.assign(energy_kind="simulated").to_csv(tmp_path / "claims.csv", index=False)
    frame = aggregated(folder, demo)
    page = render((tmp_path / "t.csv", frame), {"compute-energy/claims.csv": tmp_path / "claims.csv"}, [], extraction)
    assert 'kWh</strong> <span class="kind">simulated</span>' in page
    assert "&lt;q&gt; (simulated)" in page
    assert "<q>" not in page
    assert "<strong>spread</strong> on " in page
    assert MEANINGS["spread"] in page
    # the browser is told to ask nobody for anything
    assert "default-src 'none'" in page


def test_the_report_says_that_a_gpus_energy_is_its_boards_where_it_was_measured(folder, demo, tmp_path):
    frame = aggregated(folder, demo)
    words = "is that of its board, as the board's own sensors tell it, and not that of the wall socket"
    assert words not in render((tmp_path / "t.csv", frame), {}, [])
    measured = frame.assign(energy_kind="measured", gpu_energy_kwh=frame["energy_kwh"])
    assert words in render((tmp_path / "t.csv", measured), {}, [])


def test_words_of_a_figure_can_be_replaced(folder, demo, tmp_path):
    texts = {"cpu-1thread": "one thread", "mlp-1x16": "tiny", "Training": "Fit"}
    output = tmp_path / "figure.svg"
    with mpl.rc_context({"svg.fonttype": "none"}):
        figure = captions.load("energy-platforms")
        drawing.save(figure.draw, aggregated(folder, demo), [output], texts, text_mm=120)
    text = output.read_text()
    assert all(new in text and old not in text for old, new in texts.items())
    assert "mlp-1x32" in text
    assert 'width="340.1' in text


def test_no_name_is_taken_for_a_formula(folder, demo, tmp_path):
    frame = aggregated(folder, demo)
    names = frame["architecture"].replace({"mlp-1x16": "$x_{$", "mlp-1x32": "a$b_c$d"})
    for name in ("energy-platforms", "energy-quality"):
        drawing.save(
            captions.load(name).draw, frame.assign(architecture=names, family=names), [tmp_path / f"{name}.svg"]
        )


@pytest.mark.parametrize("name", captions.FIGURES)
def test_a_figure_of_another_table_is_one_sentence(tmp_path, name):
    (tmp_path / "other.csv").write_text("one,two\n1,2\n")
    with pytest.raises(InputError, match=r"other\.csv"):
        getattr(captions.load(name), "READ", measurements.read)(tmp_path / "other.csv")


def test_a_figure_of_another_ending_is_refused(folder, demo, tmp_path):
    with pytest.raises(InputError, match=r"found the ending .gif, expected .svg, .png or .pdf"):
        drawing.save(captions.load("energy-quality").draw, aggregated(folder, demo), [tmp_path / "figure.gif"])


@pytest.mark.parametrize("name", ["pareto/fronts.csv", "normalization/ranking.csv", "literature/training.csv"])
def test_a_report_of_another_table_is_one_sentence(folder, demo, tmp_path, name):
    (tmp_path / "other.csv").write_text("one,two\n1,2\n")
    with pytest.raises(InputError, match=r"other\.csv: found no column"):
        render((tmp_path / "t.csv", aggregated(folder, demo)), {name: tmp_path / "other.csv"}, [])


def test_fonts_are_inside_a_pdf(folder, demo, tmp_path):
    drawing.save(captions.load("energy-platforms").draw, aggregated(folder, demo), [tmp_path / "figure.pdf"])
    content = (tmp_path / "figure.pdf").read_bytes()
    assert b"/FontFile2" in content
    assert b"/Type3" not in content


@pytest.mark.parametrize("name", ["energy-quality", "energy-platforms"])
@pytest.mark.parametrize("spread", [1.001, 1.8, 5, 20, 1000])
def test_ticks_of_energies_are_some_and_do_not_overlap(folder, demo, name, spread):
    frame = aggregated(folder, demo)
    names = {architecture: n for n, architecture in enumerate(frame["architecture"].unique())}
    frame["energy_kwh"] = 4.7e-6 * spread ** (frame["architecture"].map(names).astype(float) / (len(names) - 1))
    figure = captions.load(name).draw(frame)
    figure.draw_without_rendering()
    for axis in figure.axes:
        ends = axis.get_window_extent()
        boxes = [t.label1.get_window_extent() for t in axis.xaxis.get_major_ticks() if t.label1.get_text()]
        shown = sorted((b.x0, b.x1) for b in boxes if ends.x0 <= (b.x0 + b.x1) / 2 <= ends.x1)
        assert len(shown) > 1
        assert all(right < left for (_, right), (left, _) in pairwise(shown))


def test_a_panel_without_points_leaves_the_ticks_of_its_row(folder, demo):
    frame = aggregated(folder, demo)
    names = {architecture: n for n, architecture in enumerate(frame["architecture"].unique())}
    frame["energy_kwh"] = 1e-6 * 1e4 ** (frame["architecture"].map(names).astype(float) / (len(names) - 1))
    frame["gpu_utilization_percent"] = pd.Series([50.0] * len(frame), dtype="Float64")
    figure = captions.load("energy-utilization").draw(frame)
    figure.draw_without_rendering()
    for axis in figure.axes:
        low, high = axis.get_ylim()
        shown = [tick for tick in axis.get_yticks() if low <= tick <= high]
        assert max(shown) / min(shown) >= 1e3


def test_a_figure_is_the_same_whichever_files_are_drawn_with_it(tmp_path):
    """Its parts find their place once, and not in every file from where the last one left them."""

    def drawn(frame):
        figure = blank(5, 5)
        for axis in figure.subplots(2, 2).flat:
            axis.set_yscale("log")
            axis.plot([1, 2], [1e-17, 1e-12])
            axis.set_xticks([1, 2], ["cpu-1thread to cpu-2threads", "back"], rotation=45, ha="right")
        return figure

    alone, together = tmp_path / "alone.png", tmp_path / "together.png"
    drawing.save(drawn, pd.DataFrame(), [alone])
    drawing.save(drawn, pd.DataFrame(), [together.with_suffix(".svg"), together.with_suffix(".pdf"), together])
    assert alone.read_bytes() == together.read_bytes()


def test_one_command_draws_several_figures_of_a_table_and_names_what_it_cannot_draw(folder, demo, tmp_path):
    write_table(aggregated(folder, demo), tmp_path / "t.parquet")
    names = ("power-computation", "energy-platforms")
    ended = isojoule("plot", *names, "t.parquet", "--output", *(f"{name}.svg" for name in names), cwd=tmp_path)
    assert (ended.returncode, ended.stdout.split()) == (0, [f"{name}.svg" for name in names])
    isojoule("plot", names[1], "t.parquet", "--output", "alone.svg", cwd=tmp_path)
    assert (tmp_path / "alone.svg").read_bytes() == (tmp_path / f"{names[1]}.svg").read_bytes()
    for outputs, sentence in (
        (["x.svg"], "found x.svg, expected files"),
        ([f"{names[0]}.svg"], f"file for {names[1]}"),
    ):
        ended = isojoule("plot", *names, "t.parquet", "--output", *outputs, cwd=tmp_path)
        assert ended.returncode == 2
        assert sentence in ended.stderr
    ended = isojoule("plot", "pareto-energy", names[1], "t.parquet", "--output", "pareto-energy.svg", f"{names[1]}.png",
                     cwd=tmp_path)  # fmt: skip
    assert (ended.returncode, ended.stdout) == (2, f"{names[1]}.png\n"), "another figure is drawn all the same"
