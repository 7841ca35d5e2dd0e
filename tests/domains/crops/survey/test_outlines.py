import pytest
from shapely.geometry import Polygon, box

from domains.crops.survey.outlines import cut


def test_an_area_that_does_not_cross_keeps_its_corners_and_runs_anticlockwise():
    clockwise = Polygon([(7, 50), (7, 51), (8, 51), (8, 50)])

    outline = cut(clockwise)

    assert outline.exterior.is_ccw
    assert set(outline.exterior.coords) == {(7, 50), (7, 51), (8, 51), (8, 50)}


@pytest.mark.parametrize("shift", [0, -360])
def test_an_area_across_the_antimeridian_becomes_one_part_on_either_side(shift):
    outline = cut(box(179.5 + shift, -17, 180.25 + shift, -16))

    assert sorted(part.bounds for part in outline.geoms) == [
        (-180, -17, -179.75, -16),
        (179.5, -17, 180, -16),
    ]
    assert all(part.exterior.is_ccw for part in outline.geoms)


@pytest.mark.parametrize(
    ("given", "expected"),
    [((180, 1, 180.5, 2), (-180, 1, -179.5, 2)), ((-181, 1, -180, 2), (179, 1, 180, 2))],
)
def test_an_area_beyond_the_antimeridian_is_moved_whole(given, expected):
    outline = cut(box(*given))

    assert outline.geom_type == "Polygon"
    assert outline.bounds == expected


def test_a_hole_runs_clockwise():
    outline = cut(Polygon(box(0, 0, 3, 3).exterior, [box(1, 1, 2, 2).exterior]))

    assert not outline.interiors[0].is_ccw
    assert outline.area == 8
