"""The report as a browser shows it: everything there, nothing asked of anybody."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from core.service.evaluation.evaluate import evaluate
from core.service.evaluation.report import write_report

SECTIONS = [
    "Summary", "Certificate", "Observed rates against the certified limits",
    "Slices: where the rates hold",
    "Calibration: reliability of the probabilities", "Operating points: risk, automation, ROC",
    "Confusion, and the pictures to look at first", "Out-of-distribution pictures",
    "What more data would improve", "Data check", "Provenance",
]  # fmt: skip
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
PAPER = "() => getComputedStyle(document.body).backgroundColor"
LOADED = "images => images.length && images.every(one => one.complete && one.naturalWidth > 0)"
# Words of a drawing that stick out of it, on any side.
CLIPPED = """() => [...document.querySelectorAll('svg text')].filter(one => {
    const word = one.getBoundingClientRect(), all = one.ownerSVGElement.getBoundingClientRect()
    return word.left < all.left - 1 || word.right > all.right + 1
        || word.top < all.top - 1 || word.bottom > all.bottom + 1
}).map(one => one.textContent)"""


@pytest.fixture(scope="module")
def report(tiny_product, tmp_path_factory):
    bundle, policy = tiny_product.opened()
    settings = tiny_product.settings
    path = tmp_path_factory.mktemp("report") / "report.html"
    found = evaluate(
        bundle,
        tiny_product.data,
        policy=policy,
        settings=settings,
        ood={"plates": tiny_product.data / "images"},
    )
    write_report(found, path, bundle=bundle, policy=policy, settings=settings)
    return path


def test_the_report_is_whole_and_asks_nobody_for_anything(page, report, tmp_path):
    messages, asked = [], []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    expect(page.locator("h2")).to_have_text(SECTIONS)
    assert page.locator("img").evaluate_all(LOADED)
    assert page.locator("svg").count() >= 6
    page.locator("nav a").last.click()
    expect(page.locator("#provenance")).to_be_in_viewport()
    page.screenshot(path=tmp_path / "report.png", full_page=True)
    assert (tmp_path / "report.png").stat().st_size > 50_000
    assert messages == []
    assert {urlsplit(url).scheme for url in asked} <= {"file", "data"}
    files = {url.partition("#")[0] for url in asked if url.startswith("file:")}
    assert files == {report.as_uri()}


def test_it_reads_in_dark_and_on_a_narrow_screen_and_no_word_is_cut(page, report):
    page.goto(report.as_uri())
    light = page.evaluate(PAPER)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(PAPER)
    bright = [sum(map(int, re.findall(r"\d+", colour))) for colour in (light, dark)]
    assert bright[0] > 700 > 150 > bright[1]
    for width in (1440, 800, 400):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(OVERFLOW) == 0
        assert page.evaluate(CLIPPED) == []


def test_it_prints_on_paper_in_light_colours(page, report):
    page.goto(report.as_uri())
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(PAPER) == "rgb(255, 255, 255)"
    expect(page.locator("nav")).to_be_hidden()
    assert page.pdf(format="A4").startswith(b"%PDF")
