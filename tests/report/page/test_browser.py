"""The results page in a browser: opened from disk, without a network, by pointer, keyboard and touch."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_results import fake_tsne, full_measurements, with_files, write_digest, write_full

from report.build import write_page
from report.statistics import paired_interval, t_interval
from report.store import read_suite

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (test extra)")

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = next((found for name in NAMES if (found := shutil.which(name))), None)
FLAGS = ["no-sandbox", "disable-gpu", "disable-background-networking", "no-first-run", "disable-component-update"]
HARMFUL = "<script>alert(1)</script>_&%$"

pytestmark = pytest.mark.skipif(BROWSER is None, reason=f"no system Chromium ({', '.join(NAMES)}) is installed")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two suites of two data sets with three seeds, a model with a harmful name among them, and their page."""
    folder = tmp_path_factory.mktemp("results")
    write_full(folder / "digits", ["VAE", "IWAE", HARMFUL])
    for path in (folder / "digits").glob("digests/*/digest.json"):
        facts = json.loads(path.read_text())
        facts["run"]["training"] = {"epochs": 3, "batch_size": 64}
        path.write_text(json.dumps(facts))
    write_full(folder / "mnist", ["VAE"], dataset="mnist", published={"paper": "BVAE", "table": "I"})
    curves = {"epoch": [1, 2, 3], "validation_loss": [120.0, 110.0, 105.0], "seconds": [70.0, 71.0, 72.0]}
    for seed in range(3):
        measured = full_measurements("VAE", "corrected", seed)
        write_digest(folder / "digits", "VAE", "corrected", seed, measured, True, curves=curves, tsne=fake_tsne(seed))
    for name in ("digits", "mnist"):
        with_files(folder / name)
    write_page(folder)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A system Chromium without a window."""
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=BROWSER, headless=True, args=[*(f"--{flag}" for flag in FLAGS), "--disable-sync"]
        )
        yield started
        started.close()


@pytest.fixture
def page(browser: Any, results: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The page, opened offline; fails on a console error, an uncaught one, and any request to a network.

    A test's parameter, if it has one, is the width of the window in pixels.
    """
    width = getattr(request, "param", 1400)
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme="light", has_touch=width < 500)
    context.set_offline(True)
    opened = context.new_page()
    opened.set_default_timeout(10_000)
    wrong: list[str] = []
    opened.on("console", lambda m: wrong.append(m.text) if m.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("dialog", lambda dialog: wrong.append(f"dialog: {dialog.message}"))
    opened.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else wrong.append(r.url))
    opened.goto((results / "index.html").as_uri())
    yield opened
    context.close()
    assert wrong == []


def labels(page: Any, suite: int = 0) -> list[str]:
    """Return the models of a suite's table that are shown, from top to bottom."""
    return page.eval_on_selector_all(
        f"#suite-{suite} table.results tbody", "all => all.filter(b => b.checkVisibility()).map(b => b.dataset.label)"
    )


def values(page: Any, column: int) -> list[float]:
    """Return a column of the first suite's table from top to bottom."""
    cells = page.eval_on_selector_all(f"#suite-0 td[data-c='{column}']", "all => all.map(c => c.dataset.v)")
    return [float(text) for text in cells]


def test_headings_sort_by_pointer_and_keyboard_and_return(page: Any) -> None:
    before, first = values(page, 1), labels(page)
    heading = page.locator("#suite-0 button.sort[data-c='1']")
    heading.click()
    assert values(page, 1) == sorted(before) != before
    heading.press("Enter")
    assert values(page, 1) == sorted(before, reverse=True)
    assert heading.locator("xpath=..").get_attribute("aria-sort") == "descending"
    heading.press("Enter")
    assert values(page, 1) == before
    page.locator("#suite-0 button.sort[data-c='-1']").click()
    assert sorted(labels(page)) == sorted(first) and labels(page) != first


def test_filters_by_model_and_data_set(page: Any) -> None:
    page.fill("#filter-model", "iwae BIDIR")
    assert labels(page, 0) == ["Bidirectional IWAE"]
    assert labels(page, 1) == ["Bidirectional IWAE, as printed"]
    assert page.inner_text("#filter-count") == "2 of 31 rows"
    page.fill("#filter-model", "")
    page.select_option("#filter-dataset", "MNIST")
    assert not page.is_visible("#suite-0") and len(labels(page, 1)) == 4 + 14  # as printed alone


def test_one_suite_is_shown_at_a_time_and_links_lead_to_it(page: Any) -> None:
    assert page.is_visible("#suite-0") and not page.is_visible("#suite-1")
    page.select_option("#filter-suite", label="mnist")
    assert page.is_visible("#suite-1") and not page.is_visible("#suite-0")
    page.click("details.suites summary")
    page.click("details.suites a >> nth=0")
    page.wait_for_function("document.getElementById('suite-0').checkVisibility()")
    assert page.input_value("#filter-suite") == "0" and not page.is_visible("#suite-1")


@pytest.mark.parametrize("page", [390, 800, 1400], indirect=True)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_stand_in_whole_pixels_at_every_width(page: Any, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    images = page.locator("#suite-0 .tilegrid[data-name='samples'] img")
    sync_api.expect(images.last).to_be_visible()
    assert images.count() == 7 and page.locator("#suite-0 .tilegrid figcaption").first.inner_text() == "VAE"
    images.last.scroll_into_view_if_needed()
    sizes = images.evaluate_all("all => all.map(i => [i.getBoundingClientRect().width, i.naturalWidth])")
    assert all(natural == 71 and shown % natural == 0 and shown >= 4 * natural for shown, natural in sizes)
    assert page.evaluate("document.documentElement.scrollWidth") == page.viewport_size["width"]
    inverted = page.locator("figure.drawn img").first.evaluate("e => getComputedStyle(e).filter")
    assert (inverted != "none") == (scheme == "dark")


@pytest.mark.parametrize("page", [390, 800, 1400], indirect=True)
def test_the_first_screen_says_what_was_found_and_which_model(page: Any) -> None:
    said = page.inner_text("#overview")
    assert "What was found" in said and "BVAE" in said and "Which model should I use?" in said
    rows = page.locator("table.strip tbody tr")
    squares = rows.first.locator(".dots .dot").count()
    assert squares == sum(map(int, re.findall(r"\d+", rows.first.locator(".said").inner_text()))) > 0
    assert rows.first.locator("th").all_inner_texts() == ["BVAE", "MNIST"]  # no line mixes data sets
    assert re.search(r"(ahead of|not decided between)", page.locator("table.advice td").first.inner_text())


def test_tooltip_opens_by_keyboard_pointer_and_escape_closes_it(page: Any) -> None:
    page.focus("#suite-0 td[tabindex='0']")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    said = page.inner_text("#tip")
    assert said.startswith("Bidirectional VAE: NLL")
    assert len(re.findall(r"Seed \d: \d+\.\d\d", said)) == 3
    assert "95% t-interval over 3 seeds" in said and "digits/digests/VAE-bidirectional-2-3" in said
    assert "Settings: training: epochs = 3, batch_size = 64" in said
    assert page.evaluate("document.activeElement.getAttribute('aria-describedby')") == "tip"
    page.keyboard.press("Escape")
    assert not page.is_visible("#tip")
    page.select_option("#filter-suite", label="mnist")
    page.hover("#suite-1 td[data-c='2'] >> nth=0")
    assert "Published: 86.72" in page.inner_text("#tip")


@pytest.mark.parametrize("page", [390], indirect=True)
def test_on_a_phone_nothing_overflows_and_a_tap_opens_the_tooltip(page: Any) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.tap("#suite-0 td[data-c='0'] >> nth=0")
    box = page.locator("#tip").bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= 390
    scroll = page.locator("#suite-0 .scroll")
    heading = page.locator("#suite-0 tbody th[scope='row'] >> nth=0")
    left = heading.bounding_box()["x"]
    scroll.evaluate("e => e.scrollLeft = 300")
    assert heading.bounding_box()["x"] == pytest.approx(left, abs=1)


def test_interval_is_that_of_the_report(page: Any, results: Path) -> None:
    runs = read_suite(results / "digits").runs("VAE", "unidirectional")
    mean, half = t_interval([d.values()["nll", ""]["value"] for d in runs])
    page.focus("#suite-0 td[data-c='1'] >> nth=0")
    assert half is not None and f"seeds: {mean - half:.2f} to {mean + half:.2f}" in page.inner_text("#tip")


def test_comparison_shows_paired_differences_and_pictures_side_by_side(page: Any, results: Path) -> None:
    page.select_option("#compare-a", label="VAE")
    page.select_option("#compare-b", label="VAE, corrected")
    suite = read_suite(results / "digits")
    first, second = (
        {d.seed: d.values()["nll", ""]["value"] for d in suite.runs("VAE", v)} for v in ("unidirectional", "corrected")
    )
    expected = paired_interval(first, second)
    assert expected and expected.half_width
    row = page.locator("#differences tr", has_text="NLL").inner_text().split("\t")
    assert row[3] == f"{expected.mean:.3f} ± {expected.half_width:.3f}".replace("-", "−") and row[4] == "3"
    said = "not resolved" if not expected.resolved else "second is better" if expected.mean < 0 else "second is worse"
    assert row[5] == said
    assert page.locator(".sides img").count() == 4 and page.locator(".sides canvas").count() == 2
    assert page.evaluate("Array.from(document.images).every(i => i.naturalWidth > 0 && i.alt)")
    boxes = [box.bounding_box() for box in page.locator(".sides canvas").all()]
    assert boxes[0]["y"] == boxes[1]["y"] and boxes[0]["x"] < boxes[1]["x"]


def test_one_seed_has_no_interval_and_equal_rows_no_difference(page: Any) -> None:
    page.select_option("#compare-b", label="VAE")
    assert set(page.locator("#differences td:last-child").all_inner_texts()) == {"not resolved"}


def test_theme_follows_the_system_and_switches(page: Any) -> None:
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    page.click("#theme")
    dark = page.evaluate(colour)
    assert dark != light
    page.reload()
    assert page.evaluate(colour) == dark
    page.evaluate("localStorage.clear()")
    page.reload()
    assert page.evaluate(colour) == light
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(colour) == dark


def test_command_of_a_row_is_copied(page: Any) -> None:
    page.evaluate("navigator.clipboard.writeText = async text => { window.copied = text; }")
    opener = page.locator("#suite-0 button.open", has_text="Bidirectional IWAE")
    opener.press("Enter")
    assert opener.get_attribute("aria-expanded") == "true"
    detail = page.locator("#suite-0 tr.detail:visible")
    detail.locator("button.copy").click()
    expected = "vae-bench run digits --preset small --models IWAE/bidirectional --seeds 0,1,2"
    assert page.evaluate("window.copied") == expected == detail.locator("code").inner_text()
    assert "nll_samples = 100" in detail.inner_text() and detail.locator("img").count() == 2


def test_curves_are_drawn_for_the_models_chosen(page: Any) -> None:
    lines, boxes = page.locator("#suite-0 .plot polyline"), page.locator("#suite-0 fieldset input")
    page.click("#suite-0 details.curves summary")
    sync_api.expect(boxes).to_have_count(13)
    boxes.nth(4).check()  # of the five, the one that stored its seconds
    sync_api.expect(lines).to_have_count(1)
    page.select_option("#suite-0 select.axis", "epoch")
    sync_api.expect(lines).to_have_count(5)
    boxes.nth(0).uncheck()
    sync_api.expect(lines).to_have_count(4)


def test_harmful_name_is_text_everywhere(page: Any) -> None:
    assert HARMFUL in labels(page)
    page.select_option("#compare-a", label=HARMFUL)
    page.locator("#suite-0 button.open", has_text=HARMFUL).first.click()
    page.focus("#suite-0 td[data-c='1'] >> nth=10")
    page.click("#suite-0 details.curves summary")
    assert page.locator("script").count() == 2
    assert page.locator("#compare-result h4").first.inner_text() == HARMFUL
