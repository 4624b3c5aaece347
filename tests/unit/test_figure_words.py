"""All words that the figures draw, on three worlds: none is too small, outside of the figure or on another."""

import re
from itertools import combinations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.category import StrCategoryFormatter
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter
from simulated import write_results
from simulated_boards import certified, found

from isojoule.cli import check_gpu
from isojoule.figures import STYLE, captions
from isojoule.figures.shared import certificate, drawing, empty, naming
from isojoule.figures.shared.fitting import shortened
from isojoule.figures.shared.fronts import read
from isojoule.figures.shared.panels import Plain, blank
from isojoule.fronts import of_study
from isojoule.literature import training, waveflow
from isojoule.normalization import DEFAULT, METHODS, references
from isojoule.normalization.default_against_published import errors_by_references
from isojoule.normalization.experiment import experiment
from isojoule.normalization.experiment_plan import Plan
from isojoule.normalization.reference_tables import Description, ReferenceTable
from isojoule.normalization.splits import splits
from isojoule.records.measurement import Gpu
from isojoule.simulation import worlds
from isojoule.tables.aggregation import aggregate

# widths that figures are drawn for, and the smallest words there
COLUMN_MM, TEXT_MM, SMALLEST = 86, 178, 7
METHODS_DRAWN = (
    "single-low", "dual", "line", "line+flops", "line+params", "line+flops+params",
    "poly2", "svr", "svr-standardized", DEFAULT,
)  # fmt: skip
# all that a table of others needs
DESCRIPTION = {"source": "nobody", "licence": "MIT", "instrument": "none", "energy_kind": "simulated"}
TITLES = "Step of work", "Windows over steady work"
LONG_GPU = "NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition 96 GB MIG"
# a twentieth of a letter's height, which is the space that Matplotlib leaves around it
TOLERANCE_PX = 1.5


def demo_world(demo, folder):
    write_results(demo, folder)
    frame = aggregate(demo, folder)
    # F1 of 0 and 1 are among them
    ranks = frame["architecture"].map({name: place for place, name in enumerate(frame["architecture"].unique())})
    return frame.assign(macro_f1=(ranks / ranks.max()).where(frame["phase"] == "test"))


def simulated_world(gpus, every=1):
    frame = worlds.world(0, gpus, worlds.published_systems().iloc[::every], repeats=2)
    size = np.log10(frame["flops"].astype(float))
    share = (size - size.min()) / (size.max() - size.min())
    noise = np.random.default_rng(0).normal(0, 0.03, len(frame))
    return frame.assign(
        macro_f1=(0.3 + 0.4 * share + noise).where(frame["phase"] == "test"),
        gpu_utilization_percent=20 + 60 * share,
        gpu_memory_utilization_percent=10 + 40 * share,
        emissions_kg_co2e=0.056 * frame["energy_kwh"],
    )


def long_world():
    frame = simulated_world(3, every=4)
    gpus = {name: f"{LONG_GPU} {number}g" for number, name in enumerate(frame["gpu"].unique())}
    return frame.assign(
        gpu=frame["gpu"].map(gpus),
        architecture="a-network-with-a-name-that-goes-on-and-on-" + frame["architecture"].astype(str),
        family="a-family-called-" + frame["family"].astype(str) + "-and-so-on",
    )


def tables_of(frame, folder):
    """The tables of a study and of others, those of normalization of some architectures, which have as many pairs."""
    of_study.fronts(frame, draws=20).table.to_csv(folder / "fronts.csv", index=False)
    names = list(frame["architecture"].unique())[:: max(1, frame["architecture"].nunique() // 8)]
    some = frame[frame["architecture"].isin(names)]
    shares = {f"{percent} %": references.published_count(percent, 6) for percent in references.PUBLISHED_PERCENTS}
    plan = Plan({name: METHODS[name] for name in METHODS_DRAWN}, splits(names, 1), shares, (2, 4), draws=1)
    errors = [part for phase in ("train", "test") for part in experiment(some, phase, plan, 1)]
    # a row of panels that is full, and one that is not
    of_two = some[some["gpu"].isin(some["gpu"].unique()[:2])]
    of_others = ReferenceTable("nets", Description(title="networks", held_out=["architectures"], **DESCRIPTION), of_two)
    titles = ("image classifiers on edge boards (unverified)", "language models on GPUs")
    published = errors_by_references(of_others, 1, 0, draws=1, counts=(2, 4))
    return {
        captions.OTHERS["normalization-tables"].table: pd.concat(
            [published.assign(table=title, title=title) for title in titles], ignore_index=True
        ),
        captions.MEASUREMENTS: frame,
        captions.FRONTS: read(folder / "fronts.csv"),
        captions.ERRORS: pd.concat(errors, ignore_index=True),
        "literature/training.csv": training.published(),
        "literature/waveflow.csv": waveflow.published(),
    }


@pytest.fixture(params=["demo", "published", "long"])
def tables(request, demo, tmp_path):
    if request.param == "demo":
        return tables_of(demo_world(demo, tmp_path), tmp_path)
    return tables_of(simulated_world(4) if request.param == "published" else long_world(), tmp_path)


class Word:
    """A text as it was drawn."""

    def __init__(self, text):
        box = text.get_window_extent()
        middle = np.array([box.x0 + box.x1, box.y0 + box.y1]) / 2
        turned = text.get_rotation()
        text.set_rotation(0)
        half = np.array(text.get_window_extent().size) / 2 - TOLERANCE_PX
        text.set_rotation(turned)
        across = np.array([np.cos(np.radians(turned)), np.sin(np.radians(turned))])
        up = np.array([-across[1], across[0]])
        self.words, self.size = text.get_text(), text.get_fontsize()
        self.sides = across, up
        self.corners = np.array([middle + x * half[0] * across + y * half[1] * up for x in (-1, 1) for y in (-1, 1)])

    def overlaps(self, other):
        """Tell whether no straight line lies between both."""
        for side in (*self.sides, *other.sides):
            own, others = self.corners @ side, other.corners @ side
            if own.max() <= others.min() or others.max() <= own.min():
                return False
        return True


def words_of(figure, monkeypatch):
    recorded, original = [], Text.draw

    def draw(text, renderer, *arguments, **options):
        original(text, renderer, *arguments, **options)
        if text.get_visible() and text.get_text().strip():
            recorded.append(Word(text))

    with monkeypatch.context() as patched:
        patched.setattr(Text, "draw", draw)
        # ticks depend on the style's size of their labels
        with mpl.rc_context({"figure.constrained_layout.use": False}, fname=STYLE):
            figure.set_layout_engine(None)
            figure.draw_without_rendering()
    return recorded


def faults(figure, words):
    width, height = figure.bbox.size
    for word in words:
        if re.search(r"\de[+-]\d", word.words):
            yield f"not for people: {word.words!r}"
        if word.size < SMALLEST or "$" in word.words:
            yield f"too small: {word.words!r} of {word.size} pt"
        (left, bottom), (right, top) = word.corners.min(axis=0), word.corners.max(axis=0)
        if left < 0 or bottom < 0 or right > width or top > height:
            yield f"outside: {word.words!r} from {left:.0f}, {bottom:.0f} to {right:.0f}, {top:.0f} px"
    for first, second in combinations(words, 2):
        if first.overlaps(second):
            yield f"on each other: {first.words!r} and {second.words!r}"
    for axis in figure.axes:
        for name in axis._axis_names:
            side = getattr(axis, f"{name}axis")
            is_of_names = type(side.get_major_formatter()) in (FuncFormatter, StrCategoryFormatter)
            if side.get_scale() == "linear" and not is_of_names and side.get_view_interval()[0] < 0:
                yield f"below 0: {side.get_label_text()!r}"


def test_all_words_can_be_read(tables, monkeypatch):
    problems, drawn = [], 0
    for name, description in captions.FIGURES.items():
        if (table := tables.get(description.table)) is None:
            continue
        try:
            figure = drawing.drawn(captions.load(name).draw, table)
        except drawing.NothingError:
            assert name == "energy-utilization"
            continue
        words = words_of(figure, monkeypatch)
        assert len(words) > 10, name
        width_mm = 25.4 * figure.get_figwidth()
        assert any(width_mm == pytest.approx(wanted, abs=0.1) for wanted in (COLUMN_MM, TEXT_MM)), name
        problems += [f"{name}: {fault}" for fault in faults(figure, words)]
        drawn += 1
    assert drawn >= 20
    assert not problems, "\n".join(problems)


def certificate_of(form, gpu, **truth):
    """A certificate of a simulated board with the name of a GPU."""
    made = certified(found(form, **truth))
    board = Gpu(name=gpu, uuid="GPU-1", nvml_index=0, driver="580", power_limit_w=300, memory_bytes=1, mig=False,
                counter_period_s=0.1, power="instantaneous")  # fmt: skip
    return made.model_copy(update={"hardware": made.hardware.model_copy(update={"gpu": board})})


def words_and_faults(made, monkeypatch):
    figure = drawing.drawn(lambda _: certificate.draw(made), pd.DataFrame())
    words = words_of(figure, monkeypatch)
    # before the work begins the share of its step is 0, and the noise around that lies below
    return {word.words for word in words}, set(faults(figure, words)) - {"below 0: 'Share of the step in power'"}


@pytest.mark.parametrize(
    ("form", "gpu", "truth"),
    [
        ("full", LONG_GPU, {"period_s": 0.1, "counter_lag_s": 0.5, "power_lag_s": 1.0}),
        ("short", "Tesla T4", {"period_s": 0.02}),
    ],
)
def test_all_words_of_a_certificate_can_be_read(form, gpu, truth, monkeypatch):
    words, problems = words_and_faults(certificate_of(form, gpu, **truth), monkeypatch)
    assert {*TITLES, "Mean power (W)"} <= words
    assert not problems


def test_a_certificate_has_a_panel_of_what_was_seen_alone(monkeypatch, tmp_path):
    made = certificate_of("short", LONG_GPU)
    for update, title in ({"windows": None}, TITLES[0]), ({"step": []}, TITLES[1]):
        words, problems = words_and_faults(made.model_copy(update=update), monkeypatch)
        assert words & set(TITLES) == {title}
        assert not problems
    nothing = made.model_copy(update={"step": [], "windows": None})
    check_gpu.drawn(nothing, tmp_path / "figure.svg")
    assert empty.reason((tmp_path / "figure.svg").read_bytes()) == (
        "No figure: neither a step of work nor windows over steady work could be seen."
    )


def test_names_beside_points_lie_on_nothing_and_the_most_important_first():
    figure = blank(7, 3)
    axis = figure.subplots()
    generator = np.random.default_rng(0)
    points = pd.DataFrame(generator.random((60, 2)), columns=["x", "y"])
    axis.plot(points["x"], points["y"], "o", markersize=5)
    texts = naming.names(axis, points["x"], points["y"], pd.Series([f"model-{number}" for number in range(60)]))
    naming.place(axis, texts, points.to_numpy(), np.empty((0, 2, 2)))
    boxes = [text.get_window_extent() for text in texts if text.get_visible()]
    assert 30 < len(boxes) < 60
    assert sum(text.get_visible() for text in texts[:20]) > sum(text.get_visible() for text in texts[-20:])
    assert not any(first.overlaps(second) for first, second in combinations(boxes, 2))
    assert not any(box.contains(*place) for box in boxes for place in axis.transData.transform(points))
    places = axis.transData.transform(points)
    for number, text in enumerate(texts):
        if text.get_visible():
            (left, bottom), (right, top) = text.get_window_extent().get_points()
            gaps = np.hypot(*(np.maximum([left, bottom] - places, places - [right, top]).clip(0)).T)
            assert gaps[number] <= gaps.min() + TOLERANCE_PX, "a name is not nearer to another point"
    panel = axis.get_window_extent()
    assert all(panel.contains(*corner) for box in boxes for corner in box.corners())


def test_long_names_stay_different_when_they_are_shortened():
    gpus = [f"{LONG_GPU} {number}g" for number in range(3)]
    assert shortened([*gpus, "t4"], 22) == {gpus[number]: f"NVIDIA RTX…6 GB MIG {number}g" for number in range(3)}, (
        "short names stay"
    )
    families = [f"a-family-called-{name}-and-so-on" for name in ("mlp", "cnn")]
    assert list(shortened(families, 12).values()) == ["…mlp-and-so-", "…cnn-and-so-"]
    same = [f"a-{'b' * 30}-{letter}-{'c' * 30}-{number}-{'d' * 20}" for letter in "xy" for number in (1, 2)]
    assert list(shortened(same, 12).values()) == [f"a-bbbbb… {number}" for number in (1, 2, 3, 4)]
    assert shortened(gpus, 22, ["Blackwell"]) == {}, "the user's own words replace it"


def test_ticks_of_many_digits_are_powers_of_ten():
    values = {-1e6: "-10⁶", 2e6: "2·10⁶", 1e-6: "10⁻⁶", 100_000: "100,000", 0.5: "0.5", 0: "0"}
    assert {value: Plain()(value) for value in values} == values
