"""Rates: nobody's guess is spread, and the totals are those of the file."""

import math

import pytest

from core.errors import ConfigError, DataError
from core.types import Disposition
from domains.crops.exports.prescription import merge_rates, prescribe
from domains.crops.exports.rates import UNITS, RateSource
from domains.crops.survey.values import TileStatus
from tests.domains.crops.exports.fields import a_survey, a_table, answered

ACT, OK, LOOK = Disposition.POSITIVE, Disposition.NEGATIVE, Disposition.DEFER


def rates(prescription):
    return [one.rate for one in prescription.tiles]


def test_a_verdict_has_its_rate_and_what_nobody_knows_has_the_default_and_is_listed():
    field = a_survey([[ACT, OK], [LOOK, None]])
    prescription = prescribe(field, a_table())
    assert rates(prescription) == [60, 20, 40, 40]
    assert [(one.tile.row, one.tile.column) for one in prescription.by_default] == [(1, 0), (1, 1)]
    assert [one.reason for one in prescription.by_default] == [
        "A person decides.",
        TileStatus.NO_CROP.sentence,
    ]


def test_what_a_person_answered_counts_whatever_the_verdict():
    field = answered(a_survey([[ACT, LOOK, LOOK, OK, LOOK]]), [[OK, ACT, LOOK, ACT, None]])
    prescription = prescribe(field, a_table())
    assert rates(prescription) == [20, 60, 40, 60, 40]
    assert prescription.answered == 3
    assert [one.reason for one in prescription.by_default] == [
        "A person could not tell.",
        "A person decides.",
    ]


def test_a_tile_between_two_sick_ones_takes_nothing_from_its_neighbours():
    assert rates(prescribe(a_survey([[ACT, LOOK, ACT]]), a_table())) == [60, 40, 60]


def test_a_tile_off_the_mosaic_is_no_part_of_the_field():
    off = {(0, 1): {"valid": 0.0, "status": TileStatus.LITTLE_VALID}}
    prescription = prescribe(a_survey([[ACT, None, OK]], changed=off), a_table())
    assert [one.tile.column for one in prescription.tiles] == [0, 2]


def test_an_empty_field_is_an_error():
    off = {(0, 0): {"valid": 0.0, "status": TileStatus.LITTLE_VALID}}
    with pytest.raises(DataError, match="No tile"):
        prescribe(a_survey([[None]], changed=off), a_table())


def test_rates_from_a_file_are_not_applied_to_verdicts_that_nothing_is_certified_about():
    field = a_survey([[ACT]], is_certified=False)
    with pytest.raises(ConfigError, match="Nothing is certified"):
        prescribe(field, a_table(source=RateSource.FILE))
    typed = prescribe(field, a_table())
    assert typed.note == "Nothing is certified about these verdicts."


@pytest.mark.parametrize(
    ("asked", "step", "spread"),
    [(0, 7, 0), (1, 0, 5), (140, 0, 100), (33, 10, 30), (36, 10, 40), (3, 10, 5), (99, 8, 96)],
)
def test_a_rate_is_one_that_the_machine_can_spread(asked, step, spread):
    table = a_table(step=float(step), minimum=5.0, maximum=100.0)
    assert table.clamp(asked) == spread


@pytest.mark.parametrize(
    "changed",
    [
        {"unit": "kg"},
        {"default": math.nan},
        {"outside": -1.0},
        {"maximum": math.inf},
        {"minimum": 200.0},
        {"maximum": 1e9},
        {"rates": {ACT: 1.0}},
        {"rates": {ACT: 1.0, OK: 1.0, LOOK: 1.0}},
    ],
)
def test_a_table_that_leaves_something_open_or_absurd_is_refused(changed):
    with pytest.raises(ConfigError):
        a_table(**changed)


@pytest.mark.parametrize(
    ("unit", "one_is"),
    # NIST Special Publication 811, appendix B.9.
    [
        ("lbs/ac", 1.120851e-4),
        ("ton/ac", 2.241702e-1),
        ("gal/ac", 9.353958e-4),
        ("kg/ha", 1e-4),
        ("t/ha", 1e-1),
        ("l/ha", 1e-4),
        ("kS/ha", 1e-1),
        ("seeds/m2", 1.0),
    ],
)
def test_units_are_those_of_the_tables(unit, one_is):
    assert UNITS[unit].per_m2 == pytest.approx(one_is, rel=1e-6)


@pytest.mark.parametrize(
    ("unit", "identifier", "steps"),
    [("kg/ha", 6, 100), ("l/ha", 1, 10_000), ("seeds/m2", 11, 1000)],
)
def test_the_steps_of_a_rate_are_those_of_its_data_entity(unit, identifier, steps):
    table = a_table(unit=unit)
    assert (table.entity.identifier, table.steps(1.0)) == (identifier, steps)


def test_the_total_is_the_sum_of_area_times_rate():
    field = a_survey([[ACT, OK], [LOOK, OK]])
    areas = [tile.area_m2 / 10_000 for tile in field.tiles]
    wanted = 60 * areas[0] + 20 * areas[1] + 40 * areas[2] + 20 * areas[3]
    prescription = prescribe(field, a_table())
    assert prescription.total == pytest.approx(wanted)
    assert prescription.is_total(wanted * 1.0009)
    assert not prescription.is_total(wanted * 1.0011)


def test_neighbours_of_one_rate_become_one_area_with_its_holes():
    field = a_survey([[OK] * 3, [OK, ACT, OK], [OK] * 3])
    areas = merge_rates(prescribe(field, a_table()))
    assert [(one.rate, len(one.outline.interiors)) for one in areas] == [(20, 1), (60, 0)]
    assert sum(one.area_m2 for one in areas) == pytest.approx(
        sum(tile.area_m2 for tile in field.tiles)
    )


def test_a_field_across_the_antimeridian_keeps_its_ground_on_each_side():
    field = a_survey([[OK, OK, OK]], west=179.99925)
    areas = merge_rates(prescribe(field, a_table()))
    assert len(areas) == 2
    assert {round(one.outline.bounds[0]) for one in areas} == {180, -180}
    assert [one.area_m2 for one in areas] == pytest.approx(
        [field.tiles[0].area_m2 * 1.5] * 2, rel=1e-6
    )
