"""A figure that a table has nothing for is left out, and is no empty one."""

import pytest
from commands import isojoule

from isojoule.errors import InputError
from isojoule.figures import captions
from isojoule.figures.shared import empty
from isojoule.figures.shared.empty import NothingError
from isojoule.report.embedded_figures import figures_by_category, left_out
from isojoule.simulation import worlds
from isojoule.tables.writing import write_table

MEASURED = [name for name, figure in captions.FIGURES.items() if figure.table == captions.MEASUREMENTS]
COUNTS = ["flops", "params", "forward_flops", "backward_flops", "training_flops_published", "training_flops_exact"]
SIZES = ["weights_bytes", "activations_bytes", "optimizer_state_bytes"]


@pytest.fixture(scope="module")
def world():
    """Two platforms and every 5th published architecture, with all that the figures of measurements are drawn from."""
    frame = worlds.world(0, 2, worlds.published_systems().iloc[::5], repeats=2)
    quality = frame["flops"].rank(pct=True).where(frame["phase"] == "test")
    return frame.assign(macro_f1=quality, gpu_utilization_percent=50.0, gpu_memory_utilization_percent=20.0)


@pytest.mark.parametrize(
    ("absent", "names"),
    [
        (("macro_f1",), ("energy-quality",)),
        (("gpu_utilization_percent", "gpu_memory_utilization_percent"), ("energy-utilization",)),
        (
            (*COUNTS, *SIZES),
            (
                "energy-computation-test", "energy-computation-train", "power-computation", "energy-explained",
                "normalization-plane",
            ),
        ),
        (("power_w",), ("power-computation",)),
    ],
)  # fmt: skip
def test_figures_of_a_table_that_lacks_a_column_are_left_out(world, absent, names):
    frame = world.assign(**dict.fromkeys(absent, world["energy_kwh"].astype("Float64") * float("nan")))
    assert not_drawn(frame) == set(names)


@pytest.mark.parametrize(
    ("kept", "names"),
    [
        (lambda frame: frame["phase"] == "train", {"energy-quality", "energy-computation-test"}),
        (lambda frame: frame["phase"] == "test", {"energy-computation-train", "energy-explained"}),
        (
            lambda frame: frame["gpu"] == frame["gpu"].iloc[0],
            {"normalization-points", "normalization-curves", "normalization-plane"},
        ),
        (lambda frame: frame["family"] == "rnn", {"normalization-curves", "normalization-plane"}),
    ],
    ids=["training", "test", "platform", "family"],
)
def test_figures_of_a_study_that_has_but_one_are_left_out(world, kept, names):
    assert not_drawn(world[kept(world)]) == names


def test_a_study_in_which_every_cell_failed_has_no_figure_of_measurements(world):
    assert not_drawn(world.assign(outcome="oom", energy_kwh=float("nan"))) == set(MEASURED)


def not_drawn(frame):
    reasons = {}
    for name in MEASURED:
        try:
            captions.load(name).draw(frame)
        except NothingError as error:
            reasons[name] = str(error)
    assert all(reason.endswith(".") for reason in reasons.values()), "they are sentences of the report"
    return set(reasons)


def test_a_file_that_must_be_there_says_why_and_the_page_knows_it(world, tmp_path):
    frame = world.assign(gpu_utilization_percent=float("nan"), gpu_memory_utilization_percent=float("nan"))
    write_table(frame, tmp_path / "t.parquet")
    names = ["energy-utilization", "energy-quality"]
    outputs = [f"{name}.{ending}" for name in names for ending in ("svg", "png")]
    words = ["plot", *names, "t.parquet", "--output", *outputs]
    refused = isojoule(*words, cwd=tmp_path)
    assert refused.returncode == 2
    assert "energy-utilization: found nothing to draw in t.parquet: This study has no utilisation of" in refused.stderr
    assert sorted(path.name for path in tmp_path.glob("*.*g")) == ["energy-quality.png", "energy-quality.svg"]
    assert isojoule(*words, "--allow-empty", cwd=tmp_path).returncode == 0
    figures = [tmp_path / f"{name}.svg" for name in names]
    assert [empty.reason(path.read_bytes()) for path in figures] == ["This study has no utilisation of a GPU.", None]
    (shown,) = figures_by_category(figures, {}).values()
    assert [figure["name"] for figure in shown] == ["energy-quality"]
    assert left_out(figures) == {"Energy against utilisation": "This study has no utilisation of a GPU."}


def test_a_study_has_the_figures_that_its_configuration_has_data_for():
    assert captions.ordered([], captions.FACTS) == [
        *captions.PARETO,
        *captions.ENERGY,
        *captions.NORMALIZATION,
        *captions.LITERATURE,
    ]
    of_training = captions.ordered(["energy-utilization", "energy-explained"], ["train"])
    assert of_training == [
        "energy-explained", "energy-platforms", "energy-computation-train", "power-computation", *captions.LITERATURE,
    ]  # fmt: skip
    assert all(set(figure.needs) <= set(captions.FACTS) for figure in captions.FIGURES.values())
    with pytest.raises(InputError, match=r"figures\.order: found energy, expected names of figures: pareto-energy, "):
        captions.ordered(["energy"], captions.FACTS)
