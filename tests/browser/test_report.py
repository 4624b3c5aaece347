import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import expect
from tests.browser.conftest import ARTEFACTS, EVIL, written

from isojoule import readable
from isojoule.normalization import System, normalize
from isojoule.report import calculator
from isojoule.report.page import MOST_PLAIN_ROWS
from isojoule.tables import measurements
from isojoule.tables.energy import energy_table

PARETO = ("pareto-energy", "pareto-stability")
NUMBERS = ("energy_kwh", "low_kwh", "high_kwh")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_every_screen(opened, report, scheme):
    with opened(report, color_scheme=scheme) as page:
        for width in (390, 820, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            page.reload()
            page.wait_for_selector("html[data-ready]", state="attached")
            page.screenshot(path=ARTEFACTS / f"report-{width}-{scheme}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            if width == 1280:
                too_wide = "(box) => box.querySelector('table').offsetWidth > box.clientWidth"
                tables = page.evaluate(
                    f"[...document.querySelectorAll('.wide')].filter({too_wide}).map((box) => box.innerText)"
                )
                assert tables == []
        assert page.evaluate("[...document.images].every((image) => image.naturalWidth > 0)")
        style = page.evaluate(
            "(({ backgroundColor, color }) => [backgroundColor, color])(getComputedStyle(document.body))"
        )
        ground, text = (sum(json.loads(f"[{colour[4:-1]}]")) for colour in style)
        assert (ground > text) == (scheme == "light")


def test_on_paper_all_rows_are_there(opened, report, study):
    with opened(report) as page:
        rows = page.locator("#energy-table tbody tr")
        assert rows.count() == 15
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert rows.count() == len(energy_table(measurements.read(report.parent / "measurements.parquet")))
        fronts = pd.read_csv(report.parent / "pareto" / "fronts.csv")
        assert page.locator("#front-table tbody tr").count() == (fronts["verdict"] != "dominated").sum()
        stability = page.locator("table.data", has=page.locator("text=Jaccard")).locator("tbody tr")
        assert stability.count() == len(pd.read_csv(report.parent / "pareto" / "stability.csv"))
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        page.pdf(path=ARTEFACTS / "report.pdf", format="A4")
        assert rows.count() == 15


def test_a_chart_answers_to_the_choice_of_cost_platform_and_quality(opened, report):
    table = pd.read_csv(report.parent / "pareto" / "fronts.csv")
    with opened(report) as page:
        points = page.locator("#front-chart .mark-symbol.role-mark path")
        platforms = page.locator("#front-platform option").all_inner_texts()
        assert platforms == list(table["gpu"].unique())
        for platform in platforms:
            page.select_option("#front-platform", platform)
            shown = table[(table["cost"] == "energy_kwh") & (table["phase"] == "train") & (table["gpu"] == platform)]
            page.wait_for_function(
                f"document.querySelector('#front-words').textContent.includes(' of {len(shown)} models')"
            )
            assert points.count() == len(shown)
            words = page.inner_text("#front-words")
            assert words.startswith(f"{shown['optimal'].sum()} of {len(shown)} models are optimal")
        page.select_option("#front-cost", "Normalized energy of test")
        page.wait_for_selector("text=/Normalized energy of test \\([mkM]?(J|Wh)\\), simulated/")
        assert "→" in page.locator("#front-platform option").first.inner_text()
        page.locator("#front-chart").screenshot(path=ARTEFACTS / "front.png")


def test_a_point_says_its_name(opened, report):
    table = pd.read_csv(report.parent / "pareto" / "fronts.csv")
    with opened(report) as page:
        page.locator("#front-chart .mark-symbol.role-mark path").first.hover(force=True)
        page.wait_for_selector("#vg-tooltip-element.visible")
        words = page.inner_text("#vg-tooltip-element")
        assert table["architecture"].iloc[0] in words
        assert "Energy of training" in words
        labels = page.locator("#front-chart .mark-symbol.role-mark path").evaluate_all(
            "points => points.map(point => point.ariaLabel)"
        )
        assert set(labels) == set(table["architecture"])


@pytest.mark.parametrize("width", [1280, 390])
def test_no_name_lies_on_another_or_on_a_point_and_no_axis_goes_beyond_what_can_be(opened, report, width):
    table = pd.read_csv(report.parent / "pareto" / "fronts.csv")
    with opened(report, width) as page:
        ticks = page.locator("#front-chart .role-axis-label text").all_text_contents()
        numbers = [float(tick.replace("\u2212", "-").replace(",", "")) for tick in ticks]
        assert numbers
        assert min(numbers) >= 0
        names, points = page.locator("#front-chart").evaluate(
            """chart => ['.mark-text.role-mark text', '.mark-symbol.role-mark path'].map((kind) =>
            [...chart.querySelectorAll(kind)].map((mark) => [mark, mark.getBoundingClientRect()])
            .map(([mark, b]) => [mark.textContent || mark.ariaLabel, b.left, b.right, b.top, b.bottom]))"""
        )
        panel = page.locator("#front-chart svg.marks").bounding_box()
    assert len(names) > 2
    for number, (_, left, right, top, bottom) in enumerate(names):
        assert panel["x"] <= left
        assert right <= panel["x"] + panel["width"]
        for _, other_left, other_right, other_top, other_bottom in names[:number]:
            # lines of text have space above and below
            is_beside = right <= other_left or other_right <= left
            assert is_beside or top + 3 >= other_bottom or other_top + 3 >= bottom
        for _, *point in points:
            across, down = (point[0] + point[1]) / 2, (point[2] + point[3]) / 2
            assert not (left < across < right and top < down < bottom)
    if width > 1000:
        verdicts = table.query("cost == 'energy_kwh' and phase == 'train'").groupby("verdict")["architecture"].agg(set)
        named = {name for name, *_ in names}
        assert named & verdicts["optimal"]
        assert named & verdicts["dominated"]


def test_energies_by_platform_answer_to_the_phase(opened, report):
    with opened(report) as page:
        points = page.locator("#energy-chart .mark-symbol.role-mark path")
        assert points.count() == 14 * 3 - 1
        page.select_option("#energy-phase", "Test")
        page.wait_for_selector(
            "#energy-chart svg[aria-label*='of test'], #energy-chart [aria-label*='of test']", state="attached"
        )
        page.select_option("#energy-quantity", "Power")
        page.wait_for_selector("#energy-chart >> text=Power (W)")
        assert "14 architectures, simulated" in page.inner_text("#energy-words")


def energies(page):
    cells = page.locator("#energy-table tbody tr td:nth-child(6)")
    return [float(value) for value in cells.evaluate_all("cells => cells.map(cell => cell.dataset.order)") if value]


@pytest.mark.parametrize("how", ["mouse", "keyboard"])
def test_a_table_is_sorted_by_its_numbers(opened, report, how):
    with opened(report) as page:
        header = page.locator("#energy-table thead th", has_text="Energy (").first

        def press():
            header.locator(".dt-column-order").focus() if how == "keyboard" else header.click()
            if how == "keyboard":
                page.keyboard.press("Enter")

        press()
        expect(header).to_have_attribute("aria-sort", "ascending")
        table = energy_table(measurements.read(report.parent / "measurements.parquet"))
        assert energies(page) == pytest.approx(sorted(table["energy_mean_kwh"].dropna())[:15])
        press()
        expect(header).to_have_attribute("aria-sort", "descending")
        assert energies(page) == pytest.approx(sorted(table["energy_mean_kwh"].dropna())[:-16:-1])


def test_a_table_is_filtered_by_words_and_by_choice(opened, report, study):
    with opened(report) as page:
        rows, info = page.locator("#energy-table tbody tr"), page.locator("#energy-table_info, .dt-info").last
        container = page.locator(".dt-container", has=page.locator("#energy-table"))
        name = study["architecture"].iloc[-1]
        container.locator("input[type=search]").fill(name)
        assert set(rows.locator("td:first-child").all_inner_texts()) == {name}
        assert rows.count() == 6
        controls = page.locator(".controls", has=page.locator("text=Kind")).last
        controls.locator("select[data-filter=Platform]").select_option(study["gpu"].iloc[0])
        assert rows.count() == 2
        controls.locator("select[data-filter=Phase]").select_option("train")
        assert rows.count() == 1
        assert info.count() == 1


def cases(frame, count):
    """Systems on one GPU, normalized to another by some of the others, as a reader might ask."""
    generator = np.random.default_rng(1)
    means = (
        frame[frame["outcome"] == "ok"]
        .groupby(["phase", "gpu", "architecture"])[["energy_kwh", "duration_s", "flops", "params"]]
        .mean()
    )
    gpus = list(frame["gpu"].unique())
    for number in range(count):
        phase = ("train", "test")[number % 2]
        own_gpu, target = generator.choice(gpus, 2, replace=False)
        names = sorted(set(means.loc[phase, own_gpu].index) & set(means.loc[phase, target].index))
        names = list(generator.permutation(names))
        on_own_gpu = means.loc[phase, own_gpu]
        references = names[1 : 1 + (2, 3, 4, 5, 8, 12)[number % 6]]
        timed = number % 3 != 0
        scale = 1000 if number % 7 == 0 else 1
        measured_as = references[::-1] if number % 5 == 0 else references
        given = {
            name: System(
                float(on_own_gpu.loc[other, "energy_kwh"]) * scale,
                float(on_own_gpu.loc[other, "duration_s"]) if timed else None,
            )
            for name, other in zip(references, measured_as, strict=True)
        }
        values = [float(value) for value in on_own_gpu.loc[names[0]]]
        system = System(values[0] * scale, *(value if generator.random() < 0.7 else None for value in values[1:]))
        yield own_gpu, target, phase, given, system


def test_the_calculator_answers_as_the_program_does(opened, report):
    """For the whole of the study, and for one without the reader's GPU, as an own GPU would be."""
    frame = measurements.read(report.parent / "measurements.parquet")
    calls, of_program = [], []
    for own_gpu, target, phase, given, system in cases(frame, 36):
        study = frame[frame["gpu"] != own_gpu] if len(calls) % 2 else frame
        of_program.append(normalize(study, target, phase, given, system).record())
        references = [
            {"name": name, "energy_kwh": reference.energy_kwh, "duration_s": reference.duration_s}
            for name, reference in given.items()
        ]
        calls.append([calculator.study(study), target, phase, references, vars(system)])
    with opened(report) as page:
        of_page = page.evaluate("(calls) => calls.map((call) => Normalization.normalize(...call))", calls)
    for answer, expected in zip(of_page, of_program, strict=True):
        for key in NUMBERS:
            assert answer[key] == (None if expected[key] is None else pytest.approx(expected[key], rel=1e-9)), key
        for key in ("method", "interval", "coverage", "target", "phase"):
            assert answer[key] == expected[key]
        assert answer["warnings"] == list(expected["warnings"])
    assert any("conformal" in answer["interval"] for answer in of_page)
    assert any("Student" in answer["interval"] for answer in of_page)
    assert any("agreement: " in " ".join(answer["warnings"]) for answer in of_page)


def test_the_form_asks_and_answers(opened, report, study, tmp_path):
    _, target, phase, given, system = next(case for case in cases(study, 12) if len(case[3]) == 8)
    table = pd.DataFrame([{"architecture": name, **vars(reference)} for name, reference in given.items()])
    table.to_csv(tmp_path / "mine.csv", index=False)
    frame = report.parent / "measurements.parquet"
    command = ["-m", "isojoule", "normalize", frame, "--target", target, "--phase", phase, "--json"]
    command += ["--references", tmp_path / "mine.csv", "--energy-kwh", system.energy_kwh]
    for option, value in (("--duration-s", system.duration_s), ("--flops", system.flops), ("--params", system.params)):
        command += [option, value] if value else []
    done = subprocess.run([sys.executable, *map(str, command)], text=True, capture_output=True, check=True)
    expected = json.loads(done.stdout)
    with opened(report) as page:
        page.select_option("#calculator-phase", phase)
        page.select_option("#calculator-target", target)
        page.select_option("#calculator-unit", "Wh")
        rows = page.locator(".reference")
        assert rows.count() == 4
        for _ in range(4):
            page.click("#calculator-add")
        for row, (name, reference) in zip(rows.all(), given.items(), strict=True):
            row.locator("select").select_option(name)
            row.get_by_label("Energy (Wh)").fill(repr(1000 * reference.energy_kwh))
            row.locator("[data-field=duration]").fill(repr(reference.duration_s) if reference.duration_s else "")
        page.fill("#calculator-energy", repr(1000 * system.energy_kwh))
        for field, value in zip(("duration", "flops", "params"), list(vars(system).values())[1:], strict=True):
            page.fill(f"#calculator-{field}", repr(value) if value else "")
        page.keyboard.press("Enter")
        answer = json.loads(page.get_attribute("#calculator-answer", "data-normalized"))
        for key in NUMBERS:
            assert answer[key] == pytest.approx(expected[key], rel=1e-9)
        words = page.inner_text("#calculator-answer")
        unit = readable.unit("kWh", [expected["energy_kwh"]])
        assert f"{unit.shown(expected['energy_kwh'])} on {target} ({expected['energy_kind']})" in words
        assert f"90 % interval {unit.between(expected['low_kwh'], expected['high_kwh'])}" in words
        assert f"Interval: {expected['interval']}." in words
        page.locator("#calculator").screenshot(path=ARTEFACTS / "calculator.png")


WRONG = [
    (["1e-4"], "1e-4", "references: found 1, expected at least 2"),
    (["1e-4", "1e-3"], "", "energy of your system: found nothing, expected a number above 0"),
    (["1e-4", "-1"], "1e-4", "found -1, expected a number above 0"),
    (["1e-4", "many"], "1e-4", "found many, expected a number above 0"),
    (["1e-4", "0x10"], "1e-4", "found 0x10, expected a number above 0"),
    (["1e-4", "1e-4"], "1e-4", "found energies that are all 0.0001 kWh"),
]


def test_a_wrong_question_is_answered_by_a_sentence(opened, report):
    with opened(report) as page:
        page.select_option("#calculator-unit", "kWh")
        for energies, own_energy, sentence in WRONG:
            for number, energy in enumerate([*energies, ""][:2]):
                page.locator(".reference [data-field=energy]").nth(number).fill(energy)
            page.fill("#calculator-energy", own_energy)
            page.click("#calculator button.main")
            assert sentence in page.inner_text("#calculator-answer")
            assert page.locator("#calculator-answer .wrong").count() == 1


def test_a_reference_twice_is_refused(opened, report):
    with opened(report) as page:
        page.click("#calculator-add")
        rows = page.locator(".reference")
        rows.last.locator("select").select_option(rows.first.locator("select").input_value())
        for row in (rows.first, rows.last):
            row.locator("[data-field=energy]").fill("1e-4")
        page.fill("#calculator-energy", "1e-4")
        page.click("#calculator button.main")
        assert "twice, expected once" in page.inner_text("#calculator-answer")


def test_names_are_words_and_never_markup(opened, report):
    with opened(report) as page:
        assert "evil" not in page.title()
        cells = page.locator("#energy-table tbody td:first-child").all_inner_texts()
        assert set(EVIL) <= set(cells)
        assert page.locator("main b").count() == 0
        options = page.locator(".reference select").first.locator("option").all_inner_texts()
        assert set(EVIL) <= set(options)
        page.hover("#front-chart")
    assert EVIL[0] not in report.read_text()


def test_every_table_can_be_saved(opened, report):
    with opened(report) as page:
        for link in page.locator("#downloads a").all():
            with page.expect_download() as saved:
                link.click()
            name = link.inner_text()
            saved_table = pd.read_csv(saved.value.path())
            if name == "measurements.csv":
                assert len(saved_table) == len(pd.read_parquet(report.parent / "measurements.parquet"))
            elif (report.parent / name).exists():
                assert (report.parent / name).read_bytes() == saved.value.path().read_bytes()
        assert page.locator("#downloads a").count() == 5
        page.click("#figure-energy-platforms summary")
        with page.expect_download() as saved:
            page.click("#figure-energy-platforms a[data-save]")
        assert saved.value.path().read_bytes() == (report.parent / "figures" / "energy-platforms.svg").read_bytes()


def test_all_of_it_works_by_keyboard(opened, report):
    with opened(report) as page:
        reached = set()
        for _ in range(60):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
            if "front-quality" in reached:
                break
        assert {"front-cost", "front-platform", "front-quality"} <= reached
        page.focus("#front-cost")
        page.keyboard.press("ArrowDown")
        page.wait_for_selector("text=/Energy of test \\([mkM]?(J|Wh)\\), simulated/")


def test_a_study_in_which_a_platform_has_nothing(opened, study, tmp_path):
    gpus = list(study["gpu"].unique())
    failed = study.assign(
        outcome=study["outcome"].mask(study["gpu"] == gpus[0], "oom"),
        energy_kwh=study["energy_kwh"].mask(study["gpu"] == gpus[0]),
    )
    page_path = written(
        tmp_path / "one", failed, ("energy-platforms", "energy-quality", "pareto-energy", "pareto-stability")
    )
    with opened(page_path) as page:
        assert page.locator("#calculator-target option").all_inner_texts() == gpus[1:]
        assert "0 of 84" in page.inner_text("#how ~ .wide")
    nothing = study.assign(outcome="oom", energy_kwh=None)
    page_path = written(tmp_path / "none", nothing, ("pareto-energy",))
    with opened(page_path) as page:
        assert "No cell has an energy." in page.inner_text("header")
        assert page.locator("#calculator").count() == 0


def test_a_table_of_others_with_one_model(opened, tmp_path):
    row = {"gpu": "t4", "architecture": "only", "phase": "test", "energy_kwh": 1.0, "macro_f1": 0.5}
    table = pd.DataFrame([row])
    with opened(written(tmp_path / "one", table, ("energy-platforms", "pareto-energy", "pareto-costs"))) as page:
        assert "1 of 1 model is optimal: only." in page.inner_text("#front-words")


def test_two_thousand_models(opened, browser, tmp_path):
    generator = np.random.default_rng(0)
    names = [f"model-{number}" for number in range(2000)]
    many = pd.DataFrame({"gpu": "t4", "architecture": names, "phase": "test", "params": range(1, 2001)})
    many = many.assign(energy_kwh=generator.lognormal(size=2000), macro_f1=generator.uniform(size=2000))
    path = written(tmp_path / "many", many, ("energy-platforms", "energy-quality", *PARETO))
    assert path.stat().st_size < 10e6
    with opened(path) as page:
        assert page.locator("#front-chart .mark-symbol.role-mark path").count() == 2000
        page.screenshot(path=ARTEFACTS / "two-thousand.png")
        assert "120 architectures that take most of 2000" in page.inner_text("#energy-words")
        assert page.locator(".dt-info").last.inner_text() == "Showing 1 to 15 of 2,000 entries"
    # without scripts a long table is cut and says so; the models of the fronts come first
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(path.as_uri())
    assert page.locator("#energy-table tbody tr").count() == MOST_PLAIN_ROWS
    assert "These are the first 1,000 of 2,000 rows." in " ".join(page.locator("noscript").all_inner_texts())
    front = pd.read_csv(path.parent / "pareto" / "fronts.csv").query("verdict != 'dominated'")
    shown = page.locator("#front-table tbody tr td:nth-child(4)").all_text_contents()
    assert set(front["architecture"]) <= set(shown[: len(front)])
    context.close()
