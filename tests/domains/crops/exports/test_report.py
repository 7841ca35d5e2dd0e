"""The page that a farmer prints."""

import re
from dataclasses import replace

import pytest
from playwright.sync_api import sync_playwright

from core.report.page import render_page
from core.types import Disposition
from domains.crops.exports.areas import describe_area
from domains.crops.exports.layers import Positions
from domains.crops.exports.report import report_page
from domains.crops.locale import LANGUAGES, language
from tests.domains.crops.exports.fields import a_survey

ACT, OK, LOOK = Disposition.POSITIVE, Disposition.NEGATIVE, Disposition.DEFER
FIELD = [[ACT, ACT, OK, OK], [ACT, LOOK, OK, OK], [OK, None, OK, OK]]


def a_page(field, code="en", positions=Positions.EXACT):
    return render_page(report_page(field, language(code), positions))


def test_every_tile_is_drawn_as_what_it_is():
    page = a_page(a_survey(FIELD))
    drawn = {
        name: page.count(f'class="field-{name}"')
        for name in ("positive", "negative", "uncertain", "unjudged")
    }
    assert drawn == {"positive": 3, "negative": 7, "uncertain": 1, "unjudged": 1}


def test_nothing_uncertain_has_the_colour_of_a_verdict():
    page = a_page(a_survey(FIELD))
    fills = dict(re.findall(r'class="field-(\w+)" points="[^"]+" fill="([^"]+)"', page))
    assert fills["uncertain"].startswith("url(")
    assert fills["unjudged"].startswith("url(")
    assert len(set(fills.values())) == 4


def test_north_is_up_and_east_is_right():
    page = a_page(a_survey([[ACT, OK], [OK, OK]]))
    [points] = re.findall(r'class="field-positive" points="([^"]+)"', page)
    others = re.findall(r'class="field-negative" points="([^"]+)"', page)

    def middle(text):
        pairs = [tuple(map(float, pair.split(","))) for pair in text.split()]
        return [sum(axis) / len(pairs) for axis in zip(*pairs, strict=True)]

    x, y = middle(points)
    assert min(middle(one)[0] for one in others) == pytest.approx(x, abs=0.1)
    assert min(middle(one)[1] for one in others) == pytest.approx(y, abs=0.1)


def test_the_page_says_what_is_certified_or_that_nothing_is():
    assert "At most 5 % are missed." in a_page(a_survey(FIELD))
    page = a_page(a_survey(FIELD, is_certified=False))
    assert "Nothing is certified about these verdicts." in page
    assert "At most 5 %" not in page


def test_places_are_told_where_asked_for_alone():
    assert "47.99" in a_page(a_survey(FIELD))
    for positions in (Positions.COARSE, Positions.NONE):
        page = a_page(a_survey(FIELD), positions=positions)
        assert "47.99" not in page
        assert "Places are left out" in page


def test_text_from_outside_stays_text():
    field = replace(a_survey(FIELD), name="<script>alert(1)</script>")
    page = a_page(field)
    assert "<script" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_page_is_in_its_language_and_direction(code):
    page = a_page(a_survey(FIELD), code)
    assert f'<html lang="{code}" dir="{"rtl" if code == "ar" else "ltr"}">' in page
    words = {"en": "Where to walk", "es": "Adónde ir", "ar": "إلى أين تذهب"}
    assert [one for one, word in words.items() if word in page] == [code]


@pytest.mark.browser
def test_a_page_prints_on_paper_and_asks_for_nothing(tmp_path):
    path = tmp_path / "report.html"
    path.write_text(a_page(a_survey(FIELD), "ar"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        printed = page.pdf(format="A4")
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        browser.close()
    assert printed.startswith(b"%PDF")
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert wide <= 0


@pytest.mark.parametrize(
    ("area_m2", "text"), [(4.1, "4.1 m²"), (99.0, "99 m²"), (780.0, "0.078 ha"), (0.0, "0 ha")]
)
def test_a_small_area_is_not_rounded_away(area_m2, text):
    assert describe_area(area_m2, language("en")) == text
