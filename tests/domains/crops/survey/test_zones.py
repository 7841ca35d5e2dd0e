import pytest
from shapely.geometry import Polygon

from core.types import Disposition, Tile
from domains.crops.survey.values import SurveyTile, TileStatus, TileVerdict
from domains.crops.survey.zones import zones_of

CERTIFICATES = {
    Disposition.POSITIVE: "alarms",
    Disposition.NEGATIVE: "missed",
    Disposition.DEFER: "a person",
    None: "nothing",
}
CALLED = {"A": Disposition.POSITIVE, "H": Disposition.NEGATIVE, "L": Disposition.DEFER}
STATUS = {"s": TileStatus.NO_CROP, ".": TileStatus.LITTLE_VALID}


def a_tile(letter, row, column):
    verdict = None
    if called := CALLED.get(letter):
        verdict = TileVerdict(called, letter, "", (), 0.5, (), "")
    ring = tuple((column + x, -row - y) for x, y in ((0, 0), (0, 1), (1, 1), (1, 0)))
    status = STATUS.get(letter, TileStatus.JUDGED)
    place = Tile("ab", row, column)
    return SurveyTile(row, column, place, 1, 1, ring, 4.0, status, 1.0, 1.0, {}, verdict)


def zones(*rows):
    tiles = [a_tile(x, r, c) for r, row in enumerate(rows) for c, x in enumerate(row)]
    return zones_of(tiles, (len(rows), len(rows[0])), CERTIFICATES)


def test_neighbours_that_call_for_the_same_become_one_zone_with_its_certificate():
    found = zones(
        "HHHHH",
        "HAAHH",
        "HHHHL",
    )

    assert [(z.number, z.disposition, len(z.tiles), z.certificate) for z in found] == [
        (1, Disposition.POSITIVE, 2, "alarms"),
        (2, Disposition.DEFER, 1, "a person"),
        (3, Disposition.NEGATIVE, 12, "missed"),
    ]
    assert found[0].area.equals(Polygon([(1, -1), (3, -1), (3, -2), (1, -2)]))
    assert found[0].area_m2 == 8.0
    assert len(found[2].area.interiors) == 1
    assert (found[0].share, found[0].lowest_share, found[0].highest_share) == (1, 1, 1)
    assert (found[1].share, found[1].highest_share) == (0, 1)
    assert (found[2].share, found[2].highest_share) == (0, 0)


def test_tiles_within_a_zone_belong_to_it_and_stay_what_they_are():
    found = zones(
        "AAAAA",
        "AHALA",
        "AAAAA",
    )

    (zone,) = found
    assert (zone.positive, zone.uncertain, len(zone.tiles)) == (13, 1, 15)
    assert zone.share == zone.lowest_share == 13 / 15
    assert zone.highest_share == 14 / 15


def test_the_largest_zone_to_act_on_comes_first_and_what_was_not_judged_last():
    found = zones(
        "A.HLLL",
        "HHHLLL",
        "HHHAAH",
    )

    assert [z.disposition for z in found] == [
        Disposition.POSITIVE,
        Disposition.POSITIVE,
        Disposition.DEFER,
        Disposition.NEGATIVE,
        Disposition.NEGATIVE,
        None,
    ]
    assert [len(z.tiles) for z in found] == [2, 1, 6, 7, 1, 1]


def test_a_bare_patch_in_the_crop_is_to_be_looked_at_and_a_headland_is_not():
    found = zones(
        "ssss",
        "HHHH",
        "HsHH",
        "HHHH",
    )

    assert [(z.disposition, len(z.tiles)) for z in found] == [
        (Disposition.DEFER, 1),
        (Disposition.NEGATIVE, 11),
        (None, 4),
    ]
    assert found[0].highest_share == 1.0


def test_tiles_that_touch_by_a_corner_are_one_zone_of_two_parts():
    found = zones(
        "AHH",
        "HAH",
    )

    assert found[0].area.geom_type == "MultiPolygon"
    assert found[0].area.area == 2


def test_without_a_model_there_are_no_zones():
    assert zones("ss", "..") == ()


@pytest.mark.parametrize("letter", "AHL")
def test_each_tile_is_in_one_zone(letter):
    found = zones(f"{letter}As.", "HLsA", "LHHA")

    assert sorted(place for zone in found for place in zone.tiles) == list(range(12))
