"""The study of a page beside an earlier state of itself, whose differences are known."""

import pandas as pd
import pytest
from tests.browser.conftest import ARTEFACTS, program

from isojoule.comparison.cells import compared_cells
from isojoule.tables import measurements


@pytest.fixture(scope="module")
def two_states(study, tmp_path_factory):
    """A page of the study after an update of torch, by which the first GPU takes 1.5 times the energy in training."""
    folder = tmp_path_factory.mktemp("two")
    after = study.assign(torch="2.13.0", energy_kind="measured")
    is_changed = (after["gpu"] == after["gpu"].iloc[0]) & (after["phase"] == "train")
    before = after.assign(
        study="last spring", torch="2.12.0", energy_kwh=after["energy_kwh"].mask(is_changed, after["energy_kwh"] / 1.5)
    )
    paths = []
    for name, frame in (("before", before), ("after", after)):
        paths.append(folder / f"{name}.parquet")
        frame.drop(columns="true_energy_kwh").to_parquet(paths[-1], index=False)
    page = folder / "report.html"
    program("report", paths[1], "--compared-with", paths[0], "--output", page)
    return page, *map(measurements.read, paths)


def test_a_page_says_which_cells_differ_by_how_much_and_what_else_does(opened, two_states):
    path, before, after = two_states
    expected = compared_cells(before, after)
    with opened(path) as page:
        assert "A is last spring (before.parquet), and B is the study of this page." in page.inner_text(
            "#before-and-after + p"
        )
        words = page.inner_text("#compared-words")
        assert f"14 of {14 * 3 * 2 - 2} cells have another energy in B than in A" in words
        assert f"{after['gpu'].iloc[0]}, train: 14 use more in B, 50 % by the median" in words
        assert "torch is 2.12.0 in A, 2.13.0 in B" in words
        rows = page.locator("#compared-table tbody tr")
        assert rows.first.locator("td:nth-child(5)").inner_text() == "1.5"
        page.select_option('[data-filters-of="compared-table"] [data-filter="Finding"]', "differs")
        assert rows.count() == 14
        assert page.locator("#circumstances-table tbody tr td:nth-child(3)").all_inner_texts() == ["torch"] * 3
        page.locator("section", has=page.locator("#before-and-after")).screenshot(
            path=ARTEFACTS / "before-and-after.png"
        )
        with page.expect_download() as saved:
            page.click("text=compared/cells.csv")
        table = pd.read_csv(saved.value.path()).sort_values(["gpu", "phase", "architecture"], ignore_index=True)
        pd.testing.assert_frame_equal(
            table, expected.sort_values(["gpu", "phase", "architecture"], ignore_index=True), check_dtype=False
        )
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        # all sections are named in the navigation, and none of the names is cut
        assert page.evaluate(
            "(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)(document.querySelector('nav ul'))"
        )
