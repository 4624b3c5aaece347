"""The address of a model, a platform or a front opens it; what stands in the page when scripts are off."""

import pandas as pd
from playwright.sync_api import expect


def test_an_address_opens_a_model_and_a_platform(opened, report, study):
    names, gpus = list(study["architecture"].unique()), list(study["gpu"].unique())
    with opened(report, permissions=["clipboard-read", "clipboard-write"]) as page:
        rows = page.locator("#energy-table tbody tr")
        for name in (names[-1], names[0]):
            page.evaluate("(asked) => { location.hash = new URLSearchParams(asked); }", {"model": name, "gpu": gpus[2]})
            expect(rows).to_have_count(2)
            assert set(rows.locator("td:first-child").all_inner_texts()) == {name}
            assert set(page.locator("#front-table tbody td:nth-child(4)").all_text_contents()) == {name}
            expect(page.locator("#front-platform")).to_have_value(gpus[2])
            # the chart of fronts rings the model, and says its name
            expect(page.locator("#front-chart .mark-text.role-mark text").get_by_text(name, exact=True)).to_be_visible()
        address = page.url
        page.select_option('[data-filters-of="energy-table"] [data-filter="Platform"]', gpus[0])
        page.click("button[data-link=rows]")
        expect(page.locator("button[data-link=rows] + span")).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == page.url != address
        page.goto("about:blank")
        page.goto(f"{page.evaluate('location.href') and report.as_uri()}#gpu={gpus[1]}")
        page.wait_for_selector("html[data-ready]", state="attached")
        expect(page.locator(".dt-info").last).to_contain_text("28 entries")
        page.evaluate("location.hash = 'model=nobody'")
        words = page.locator("#link-words")
        expect(words).to_have_text("This page does not have the model nobody, which the link asks for.")
        page.evaluate("location.hash = 'energy'")
        expect(words).to_be_hidden()


def test_an_address_opens_a_front(opened, report, study):
    gpu = study["gpu"].unique()[1]
    with opened(report) as page:
        page.select_option("#front-cost", "Energy of test")
        page.select_option("#front-platform", gpu)
        page.click("button[data-link=front]")
        expect(page.locator("button[data-link=front] + span")).not_to_be_empty()
        address = page.url
        page.goto("about:blank")
        page.goto(address)
        page.wait_for_selector("html[data-ready]", state="attached")
        expect(page.locator("#front-cost")).to_have_value("Energy of test")
        expect(page.locator("#front-platform")).to_have_value(gpu)
        expect(page.locator("#front-chart [aria-label*='Energy of test on']").first).to_be_attached()
        assert page.evaluate("document.querySelector('#fronts').getBoundingClientRect().top") < 200


def test_what_is_folded_opens_by_its_address_and_on_paper(opened, report):
    with opened(report) as page:
        folds, image = page.locator("details.fold"), page.locator("#figure-pareto-energy img")
        assert page.evaluate("document.documentElement.scrollHeight") < 15 * 900
        expect(image).to_be_hidden()
        page.evaluate("location.hash = 'figure-pareto-energy'")
        expect(image).to_be_in_viewport()
        open_before = page.locator("details.fold[open]").count()
        assert open_before < folds.count()
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.locator("details.fold[open]").count() == folds.count()
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.locator("details.fold[open]").count() == open_before


def test_without_scripts_the_essentials_are_there(browser, report, study):
    context = browser.new_context(java_script_enabled=False, offline=True, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.title() == "simulation: energy and quality of 14 models on 3 platforms (simulated)"
    assert "Simulated, not measured." in page.inner_text("#about")
    assert "6 of 6 cells (6 oom)" in page.inner_text("#without-energy")
    assert page.locator("#choices-table tbody tr").count() >= len(study["gpu"].unique())
    assert page.locator("#energy-table tbody tr").count() == 14 * 3 * 2
    fronts = pd.read_csv(report.parent / "pareto" / "fronts.csv")
    assert page.locator("#front-table tbody tr").count() == len(fronts)
    assert "opens without JavaScript" in page.inner_text("header")
    # nothing that would stay empty is shown
    for empty in ("#front-controls", "#front-chart", "#energy-chart", "#calculator", "#downloads", "#figures", "#rows"):
        assert not page.locator(empty).is_visible(), empty
    context.close()
