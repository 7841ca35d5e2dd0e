"""Where things lie on the map, in metres, against an independent geodesic."""

import re

import numpy as np
import pytest

from core.types import Disposition
from domains.crops.pages.field_map import Plane, map_of_survey
from tests.domains.crops.exports.fields import GEOD, a_survey, answered

ACT, OK, LOOK = Disposition.POSITIVE, Disposition.NEGATIVE, Disposition.DEFER


def corners(path):
    return np.array(
        [[float(one) for one in pair] for pair in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path)]
    )


@pytest.mark.parametrize("latitude", [-60.0, 0.0, 48.0, 70.0])
def test_metres_on_the_map_are_metres_on_the_ground(latitude):
    plane = Plane(11.0, latitude)
    east, south = plane.place(np.array([(11.01, latitude), (11.0, latitude - 0.01)]))
    assert east[0] == pytest.approx(GEOD.inv(11.0, latitude, 11.01, latitude)[2], rel=7e-3)
    assert south[1] == pytest.approx(GEOD.inv(11.0, latitude, 11.0, latitude - 0.01)[2], rel=7e-3)
    assert (east[1], south[0]) == (0, 0)


def test_every_tile_is_an_area_of_its_kind_with_north_up():
    drawn = map_of_survey(a_survey([[ACT, OK], [LOOK, None]]), "v", 9)
    assert [area.kind for area in drawn.areas] == ["positive", "negative", "defer", "unjudged"]
    middles = [corners(area.path).mean(0) for area in drawn.areas]
    assert middles[0][1] < middles[2][1]
    assert middles[0][0] < middles[1][0]
    left, top, width, height = drawn.box
    assert all(left <= x <= left + width and top <= y <= top + height for x, y in middles)


def test_a_field_across_the_antimeridian_lies_in_one_piece():
    drawn = map_of_survey(a_survey([[ACT, OK, OK]], west=179.99925), "v", 9)
    assert drawn.box[2] == pytest.approx(GEOD.inv(11.0, 48.0, 11.0015, 48.0)[2], rel=1e-2)


def test_a_tile_that_a_person_answered_is_what_they_called_it():
    survey = a_survey([[ACT, OK], [LOOK, LOOK]])
    drawn = map_of_survey(answered(survey, [[OK, None], [ACT, None]]), "v", 9)
    assert [area.kind for area in drawn.areas] == [
        "negative answered", "negative", "positive answered", "defer",
    ]  # fmt: skip
    assert [area.text for area in drawn.areas][::2] == ["HEALTHY", "ACT"]
