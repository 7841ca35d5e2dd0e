"""After people have answered, everything that is made of a survey follows, and verdicts stay."""

import re
from dataclasses import replace

import numpy as np
import pyogrio
import pytest

from core.report.page import render_page
from core.types import Disposition
from domains.crops.exports.layers import (
    Positions,
    tile_layer,
    write_geopackage,
    write_shapefiles,
    zone_layer,
)
from domains.crops.exports.report import report_page
from domains.crops.exports.stored import read_survey
from domains.crops.locale import language
from domains.crops.survey import geojson
from domains.crops.survey.answered import with_answers
from domains.crops.survey.values import PersonAnswer
from tests.domains.crops.exports.fields import a_survey, answered

ACT, OK, LOOK = Disposition.POSITIVE, Disposition.NEGATIVE, Disposition.DEFER
FIELD = [[ACT, ACT, OK, LOOK], [ACT, LOOK, OK, LOOK], [OK, None, OK, OK]]
ANSWERS = [[None, OK, None, ACT], [None, LOOK, None, OK], [None, None, None, None]]


def outlined(survey):
    return {
        (zone.disposition, zone.tiles, zone.positive, zone.uncertain, round(zone.area_m2, 3))
        for zone in survey.zones
    }


@pytest.mark.parametrize("seed", range(20))
def test_zones_are_those_of_a_field_with_these_verdicts(seed):
    rng = np.random.default_rng(seed)
    verdicts = [[[ACT, OK, LOOK, None][n] for n in row] for row in rng.integers(0, 4, (5, 6))]
    given = [[[ACT, OK, LOOK, None][n] for n in row] for row in rng.integers(0, 4, (5, 6))]
    given = [
        [one if verdict else None for one, verdict in zip(*rows, strict=True)]
        for rows in zip(given, verdicts, strict=True)
    ]
    called = [
        [one or verdict for one, verdict in zip(*rows, strict=True)]
        for rows in zip(given, verdicts, strict=True)
    ]
    assert outlined(answered(a_survey(verdicts), given)) == outlined(a_survey(called))


@pytest.mark.parametrize("west", [11.0, 179.99925])
def test_zones_follow_in_a_survey_out_of_its_files(tmp_path, west):
    field = a_survey([[ACT, LOOK, OK], [LOOK, LOOK, OK]], west=west)
    cased = [replace(tile, case=f"case {place}") for place, tile in enumerate(field.tiles)]
    geojson.write(replace(field, tiles=tuple(cased)), tmp_path / "survey")
    given = dict.fromkeys(("case 1", "case 3", "case 4"), PersonAnswer(ACT, "ACT", "Ada"))
    found = with_answers(read_survey(tmp_path / "survey"), given)
    expected = a_survey([[ACT, ACT, OK], [ACT, ACT, OK]], west=west)
    assert outlined(found) == outlined(expected)
    for one, other in zip(found.zones, expected.zones, strict=True):
        assert one.outline.symmetric_difference(other.outline).area < 1e-6 * other.outline.area


def test_a_survey_that_nobody_answered_on_stays_as_it_is():
    field = a_survey(FIELD)
    assert with_answers(field, {"another": PersonAnswer(ACT, "ACT", "Ada")}) is field


def test_what_a_person_decided_alone_is_not_called_certified():
    field = answered(a_survey([[LOOK, LOOK, OK]]), [[ACT, None, None]])
    certified = {zone.disposition: zone.certificate for zone in field.zones}
    assert certified[ACT] == "A person decided here; what people answer is not certified."
    assert certified[OK] == "At most 5 % are missed."
    assert [zone.answered for zone in field.zones] == [1, 0, 0]


def test_maps_of_others_show_the_answer_beside_the_verdict(tmp_path):
    field = answered(a_survey(FIELD), ANSWERS)
    layers = [one(field, Positions.EXACT) for one in (tile_layer, zone_layer)]
    path = tmp_path / "survey.gpkg"
    path.write_bytes(write_geopackage(layers))
    for name, content in write_shapefiles(layers).items():
        (tmp_path / name).write_bytes(content)

    for source, layer, names in (
        (path, "tiles", ("verdict", "answer", "answered_by")),
        (tmp_path / "tiles.shp", None, ("VERDICT", "ANSWER", "ANSWER_BY")),
    ):
        meta, _, _, columns = pyogrio.raw.read(source, layer=layer)
        read = dict(zip(meta["fields"], columns, strict=True))
        rows = list(zip(*(read[name].tolist() for name in names), strict=True))
        assert rows[1] == ("ACT", "HEALTHY", "Ada")
        assert rows[3] == ("LOOK", "ACT", "Ada")
        assert rows[5] == ("LOOK", "LOOK", "Ada")
        assert rows[0][0] == "ACT"
        assert not rows[0][1]
        assert not rows[0][2]
    meta, _, _, columns = pyogrio.raw.read(path, layer="zones")
    zones = dict(zip(meta["fields"], columns, strict=True))
    assert sum(zones["answered"]) == 4
    assert sorted(zones["tiles"]) == sorted(len(zone.tiles) for zone in field.zones)


@pytest.mark.parametrize("code", ["en", "ar"])
def test_the_page_to_print_says_what_people_answered_and_draws_it(code):
    field = replace(a_survey(FIELD), pictures={(0, 1): b"jpeg"})
    before = render_page(report_page(field, language(code), Positions.EXACT))
    after = render_page(report_page(answered(field, ANSWERS), language(code), Positions.EXACT))

    def drawn(page, name):
        return page.count(f'class="field-{name}"')

    names = ("positive", "negative", "uncertain", "unjudged")
    assert [drawn(before, name) for name in names] == [3, 5, 3, 1]
    assert [drawn(after, name) for name in names] == [3, 7, 1, 1]
    assert after.count('stroke="#1a2230" stroke-width="1.4"') == 4
    title = language(code).text("What people answered")
    assert title not in before
    section = after[after.index(f"<caption>{title}") :]
    rows = re.findall(r"<tr>(.*?)</tr>", section[: section.index("</table>")], re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>([^<]*)<", row) for row in rows]
    assert ["ACT", "HEALTHY", "Ada", "1"] in cells
    assert ["LOOK", "LOOK", "Ada", "1"] in cells
    assert len(cells) == 5
    assert language(code).text("A person could not tell.") in after
    if code == "en":
        assert "ACT, rust. Ada called it HEALTHY." in after
