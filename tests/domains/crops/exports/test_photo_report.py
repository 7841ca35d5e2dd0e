"""The page of photos that a farmer prints."""

import io
import re
from contextlib import closing
from dataclasses import replace

import pytest
from PIL import Image

from core.report.page import render_page
from core.service.review.review import open_review_session
from core.types import Disposition
from domains.crops.exports.layers import Positions
from domains.crops.exports.photo_layer import ExportedPhoto
from domains.crops.exports.photo_report import PhotoReport, order_photos, photo_page
from domains.crops.exports.write import USUAL_FORMATS, SurveyExport, export_survey
from domains.crops.locale import LANGUAGES, language
from domains.crops.photos.reasons import PhotoReason, sentence_of
from domains.crops.survey.judged_by import JudgedBy
from domains.crops.survey.spec import SurveySpec
from domains.crops.survey.survey import run_survey
from domains.crops.survey.values import PersonAnswer

ACT, OK, LOOK = Disposition.POSITIVE, Disposition.NEGATIVE, Disposition.DEFER
WORDS = {ACT: "ACT", OK: "HEALTHY", LOOK: "LOOK", None: ""}
JUDGE = JudgedBy("leaves@abc", "p1", ("At most 5 % are missed.",), is_certified=True)
ADA = PersonAnswer(OK, "HEALTHY", "Ada")


def a_photo(file, called, probability=None, place=None, **changed):
    photo = ExportedPhoto(
        file, f"case {file}", place, "exif" if place else "", 5.0, called, WORDS[called],
        ("tomato_rust", "tomato_blight"), (), "", probability,
        () if called else (sentence_of(PhotoReason.BLURRED),),
        None if place else sentence_of(PhotoReason.WHATSAPP),
    )  # fmt: skip
    return replace(photo, **changed)


PHOTOS = (
    a_photo("ok.jpg", OK, 0.02, (11.5002, 48.1)),
    a_photo("dark.jpg", None, None, (11.5, 48.1)),
    a_photo("mild.jpg", ACT, 0.8, (11.5, 48.1003)),
    a_photo("bad.jpg", ACT, 0.998, (11.5001, 48.1001)),
    a_photo("odd.jpg", LOOK, 0.4, reasons=("NOVEL",)),
)


def a_page(photos=PHOTOS, code="en", positions=Positions.EXACT, answers=None, judge=JUDGE):
    ordered = order_photos(photos, answers or {})
    report = PhotoReport("North", ordered, judge, {"case bad.jpg": b"\xff\xd8"})
    return render_page(photo_page(report, language(code), positions))


def rows(page, key):
    """Cells of the table of a section, without markup."""
    [section] = re.findall(rf'<section id="{key}">(.*?)</section>', page, re.S)
    body = section.split("<tbody>")[1]
    found = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in body.split("<tr>")[1:]]
    return [[cell.replace("&gt;", ">") for cell in row] for row in found]


def test_what_is_most_probably_sick_comes_first_with_how_sure_and_where():
    first, second, third = rows(a_page(), "walk")
    assert first[:4] == ["1. bad.jpg", "ACT", "> 99 %", "tomato rust / tomato blight"]
    assert first[5] == "48.100100, 11.500100"
    assert second[:3] == ["2. mild.jpg", "ACT", "80 %"]
    assert third[:4] == ["3. odd.jpg", "LOOK", "40 %", ""]  # of what it does not know, no label
    assert "2 photos call for action. Begin with photo 1." in a_page()


def test_what_could_not_be_judged_and_what_has_no_place_say_why():
    page = a_page()
    blurred = "The photo is blurred. Hold still, tap on the leaf to focus, and take it again."
    assert [blurred, "1"] in rows(page, "unknown")
    [[why, count]] = rows(page, "without")
    assert (why[:28], count) == ("WhatsApp removed the place. ", "1")


def test_the_map_has_north_up_and_the_colours_of_what_is_called():
    page = a_page(answers={"case mild.jpg": ADA})
    found = re.findall(r'class="field-(\w+)" cx="([\d.]+)" cy="([\d.]+)" r="6"', page)
    drawn = {}
    for name, x, y in found:
        drawn.setdefault(name, []).append((float(x), float(y)))
    assert {name: len(one) for name, one in drawn.items()} == {
        "negative": 2, "unjudged": 1, "positive": 1,
    }  # fmt: skip
    [(acting_x, acting_y)], [(dark_x, dark_y)] = drawn["positive"], drawn["unjudged"]
    assert acting_x > dark_x
    assert acting_y < dark_y


def test_an_answer_counts_in_place_of_the_verdict():
    page = a_page(answers={"case bad.jpg": ADA})
    assert [row[0] for row in rows(page, "walk")] == ["1. mild.jpg", "2. odd.jpg"]
    assert rows(page, "answers") == [["ACT", "HEALTHY", "Ada", "1"]]
    assert "One photo calls for action." in page


def test_places_are_rounded_or_left_out_as_asked():
    coarse, none = a_page(positions=Positions.COARSE), a_page(positions=Positions.NONE)
    assert rows(coarse, "walk")[0][-1] == "48.10, 11.50"
    for page in (coarse, none):
        assert "<svg" not in page
        assert "48.1001" not in page
    assert "48.1" not in none
    assert "Places are left out of this page." in none


def test_the_page_says_what_is_certified_or_that_nothing_is():
    assert "At most 5 % are missed." in a_page()
    assert "Nothing is certified about these verdicts." in a_page(judge=JudgedBy())
    assert "no model looked at it" in a_page(judge=JudgedBy())


def test_text_from_outside_stays_text_and_nothing_is_fetched():
    page = a_page([replace(PHOTOS[3], file="<script>alert(1)</script>")])
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)
    turned = a_page([replace(PHOTOS[3], file="\u202egpj.exe.jpg")])
    assert "\u202e" not in turned
    assert "gpj.exe.jpg" in turned


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_page_is_in_its_language_and_direction(code):
    page = a_page(code=code)
    assert f'<html lang="{code}" dir="{"rtl" if code == "ar" else "ltr"}">' in page
    words = {"en": "What to look at first", "es": "Qué mirar primero", "ar": "ما يُنظر إليه أولاً"}
    assert [one for one, word in words.items() if word in page] == [code]
    blurred = {"en": "The photo is blurred.", "es": "La foto está", "ar": "الصورة"}
    assert blurred[code] in page


def test_numbers_keep_their_direction_in_a_line_from_right_to_left():
    """Without isolates "> 99 %" is read as "less than"."""
    first = rows(a_page(code="ar"), "walk")[0]
    for cell, text in ((0, "1. bad.jpg"), (2, "> 99 %"), (5, "48.100100, 11.500100")):
        assert first[cell] == f"\u2068{text}\u2069"
    assert "\u2068" not in a_page(code="es")


def test_photos_at_one_place_and_across_the_antimeridian_are_drawn_on_the_paper():
    for places in ([(179.9999, 1.0), (-179.9999, 1.0001)], [(5.0, 5.0), (5.0, 5.0)]):
        page = a_page([a_photo(f"{n}.jpg", ACT, 0.9, place) for n, place in enumerate(places)])
        found = re.findall(r'cx="([\d.]+)" cy="([\d.]+)" r="6"', page)
        assert len(found) == 2
        assert all(0 < float(x) < 720 and 0 < float(y) < 980 for x, y in found)


@pytest.mark.slow
@pytest.mark.trained
def test_a_folder_that_was_surveyed_becomes_a_page_with_pictures(field, tmp_path):
    source = tmp_path / "flight"
    source.mkdir()
    plots = sorted((field.bundle.parent / "plots").glob("*.png"))
    for number, plot in enumerate(plots[::40]):
        exif = Image.Exif()
        exif.get_ifd(0x8825).update(
            {1: "N", 2: (48.0, 6.0, 0.36 * number), 3: "E", 4: (11.0, 30.0, 0.0)}
        )
        Image.open(plot).convert("RGB").save(source / f"{number}.jpg", exif=exif, quality=95)
    (source / "night.png").write_bytes(dark(plots[0]))
    settings = field.settings_at(tmp_path / "home")
    with closing(open_review_session(settings)) as session:
        spec = SurveySpec(source, tmp_path / "out", bundle=field.bundle)
        summary = run_survey(spec, settings, store=session.store)
        export = SurveyExport(spec.out, tmp_path / "files", USUAL_FORMATS, Positions.EXACT)
        written = export_survey(export, session.store, session.explainer)
    page = next(one for one in written if one.name == "report.html").read_text()
    count = summary["photos_judged"]
    assert page.count("data:image/jpeg") == count > 0
    assert page.count('r="6"') == count
    assert summary["bundle"] in page
    assert "too dark" in page


def dark(plot):
    out = io.BytesIO()
    Image.open(plot).convert("RGB").point(lambda one: one // 12).save(out, "PNG")
    return out.getvalue()
