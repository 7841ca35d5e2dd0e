"""The pages to print as PDF, read by a program that was not written here."""

import io
import re
from dataclasses import replace

import cv2
import numpy as np
import pytest
from pypdf import PdfReader

from core.errors import ConfigError
from core.report.blocks import Figure, Figures, Section
from core.report.page import ReportPage
from core.report.pdf import render_pdf
from domains.crops.exports.layers import Positions
from domains.crops.exports.photo_report import PhotoReport, order_photos, photo_page
from domains.crops.exports.report import report_page
from domains.crops.locale import language
from domains.crops.photos.reasons import PhotoReason, sentence_of
from tests.domains.crops.exports.fields import a_survey
from tests.domains.crops.exports.test_photo_report import ACT as SICK
from tests.domains.crops.exports.test_photo_report import JUDGE, LOOK, OK, PHOTOS
from tests.domains.crops.exports.test_report import FIELD

DARK, LIGHT = (
    cv2.imencode(".jpg", np.full((224, 224, 3), level, np.uint8))[1].tobytes()
    for level in (60, 190)
)
CLIP = re.compile(rb"\bW\*? n\b")


def a_photo_pdf(code="en", positions=Positions.EXACT):
    pictures = {"case bad.jpg": DARK, "case mild.jpg": LIGHT}
    report = PhotoReport("Ñandú", order_photos(PHOTOS, {}), JUDGE, pictures)
    return render_pdf(photo_page(report, language(code), positions))


def a_survey_pdf(field=FIELD, code="en", positions=Positions.EXACT):
    return render_pdf(report_page(a_survey(field), language(code), positions))


def text_of(data):
    return " ".join(
        " ".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages).split()
    )


def test_photos_say_what_their_page_says_with_pictures():
    data = a_photo_pdf()
    text = text_of(data)
    for sentence in (
        "Photos of Ñandú",
        "2 photos call for action. Begin with photo 1.",
        "1. bad.jpg",
        "> 99 %",
        "48.100100, 11.500100",
        "WhatsApp removed the place.",
        "At most 5 % are missed.",
    ):
        assert sentence in text
    pages = PdfReader(io.BytesIO(data)).pages
    assert [one.image.size for page in pages for one in page.images] == [(224, 224)] * 2


def test_no_word_of_a_table_is_broken_that_fits():
    odd = replace(PHOTOS[4], file="n" * 200 + ".jpg", why=(sentence_of(PhotoReason.BLURRED),))
    report = PhotoReport("North", order_photos([odd, *PHOTOS[:4]], {}), JUDGE, {})
    words = text_of(render_pdf(photo_page(report, language("es"), Positions.EXACT))).split()
    assert {"LOOK", "ACT", "48.100100,", "Probablemente"} <= set(words)
    assert "LOO" not in words


@pytest.mark.parametrize("made", [a_photo_pdf, a_survey_pdf])
def test_a_pdf_is_in_spanish_letter_for_letter(made):
    text = text_of(made(code="es"))
    assert "¿" not in text
    assert ("Qué mirar primero" in text) or ("Adónde ir" in text)
    assert "Lo que no se pudo evaluar" in text
    assert "\\u" not in text


@pytest.mark.parametrize("made", [a_photo_pdf, a_survey_pdf])
def test_places_are_left_out_of_a_pdf_as_asked(made):
    assert re.search(r"4[78]\.\d{6}", text_of(made()))
    assert not re.search(r"4[78]\.\d", text_of(made(positions=Positions.NONE)))


def test_every_tile_is_drawn_and_what_is_open_has_no_colour():
    """Each fill of the map, counted in the page's own operators."""
    operators = b"\n".join(
        page.get_contents().get_data() for page in PdfReader(io.BytesIO(a_survey_pdf())).pages
    )
    sick, healthy = b".788235 .266667 .039216 rg", b".498039 .721569 .623529 rg"
    assert operators.count(sick) >= 3
    assert operators.count(healthy) >= 7
    assert len(CLIP.findall(operators)) == 2  # one clip a pattern: hatched and dotted
    without = render_pdf(
        report_page(a_survey([[OK, OK], [OK, OK]]), language("en"), Positions.EXACT)
    )
    content = PdfReader(io.BytesIO(without)).pages[0].get_contents().get_data()
    assert not CLIP.search(content)
    assert sick not in content


def test_the_same_report_is_the_same_bytes():
    assert a_survey_pdf() == a_survey_pdf()


def test_a_large_field_makes_a_pdf_of_a_few_pages_and_little_size():
    rng = np.random.default_rng(3)
    kinds = np.array([SICK, OK, LOOK, None], object)
    field = kinds[rng.integers(0, 4, (100, 100))].tolist()
    data = a_survey_pdf(field)
    assert len(PdfReader(io.BytesIO(data)).pages) < 8
    assert len(data) < 2_000_000


def test_arabic_is_refused_with_a_way_out():
    with pytest.raises(ConfigError, match="right to left") as caught:
        a_survey_pdf(code="ar")
    assert "browser" in caught.value.hint


def test_a_figure_without_a_drawing_is_an_error_not_a_gap():
    figure = Figures((Figure("<svg/>", "a chart"),))
    with pytest.raises(ValueError, match="a chart"):
        render_pdf(ReportPage("t", "k", "m", [Section("s", "S", (figure,))]))
