"""Tables with all qualities, long names and large numbers stay on the page."""

import numpy as np
import pytest
from tests.browser.conftest import ARTEFACTS, written

from isojoule.tables.qualities import QUALITIES


@pytest.fixture(scope="module")
def crowded(study, tmp_path_factory):
    """A study with every quality, three times the length of names, every flag and a million times the energy."""
    generator = np.random.default_rng(0)
    of_test = study["phase"] == "test"
    shares = [name for name in QUALITIES if name != "mean_opinion_score"]
    qualities = {name: np.where(of_test, generator.uniform(0.1, 0.9, len(study)), np.nan) for name in shares}
    qualities["mean_opinion_score"] = qualities[shares[0]] + 1
    frame = study.assign(
        **qualities,
        gpu=study["gpu"].map(lambda name: f"{name}-of-the-second-rack"),
        architecture=study["architecture"].map(lambda name: f"{name}-with-a-long-name_of_its_own"),
        energy_kwh=study["energy_kwh"] * np.where(of_test, 1, 1e6),
        energy_kind="estimated",
        flags="estimated spread unsteady busy-host short-window",
    )
    return written(tmp_path_factory.mktemp("crowded"), frame, ())


def test_no_table_is_wider_than_the_page(opened, crowded):
    with opened(crowded) as page:
        boxes = page.locator(".wide").evaluate_all(
            "boxes => boxes.map((box) => [box.scrollWidth - box.clientWidth, box.innerText])"
        )
        too_wide = [text for beyond_px, text in boxes if beyond_px > 0]
        page.screenshot(path=ARTEFACTS / "crowded.png", full_page=True)
        assert too_wide == []
        page.set_viewport_size({"width": 390, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
