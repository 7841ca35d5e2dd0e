"""Small surveyed fields, tile by tile."""

from __future__ import annotations

from dataclasses import replace

from pyproj import Geod

from core.types import Disposition, Tile
from domains.crops.exports.rates import RateSource, RateTable
from domains.crops.survey.answered import with_answers
from domains.crops.survey.values import (
    Grid,
    PersonAnswer,
    Survey,
    SurveyTile,
    TileStatus,
    TileVerdict,
)
from domains.crops.survey.zones import zones_of

GEOD = Geod(ellps="WGS84")
CERTIFICATES = dict.fromkeys((*Disposition, None), "Of single pictures.")
WORDS = {
    Disposition.POSITIVE: "ACT",
    Disposition.NEGATIVE: "HEALTHY",
    Disposition.DEFER: "LOOK",
}


def a_table(**changed) -> RateTable:
    """Make a table of a spreader, in kg/ha."""
    figures = {
        "unit": "kg/ha",
        "rates": {Disposition.POSITIVE: 60.0, Disposition.NEGATIVE: 20.0},
        "default": 40.0,
        "outside": 0.0,
        "position_lost": 10.0,
        "minimum": 5.0,
        "maximum": 100.0,
        "step": 0.0,
        "product": "CAN 27 %",
        "source": RateSource.TYPED,
    }
    return RateTable(**{**figures, **changed})


def a_tile(row, column, answer, *, west, north, size, status=None, valid=1.0):
    """Make a tile; ``answer`` is a disposition, or None where no model looked at it."""
    left, top = west + column * size, north - row * size
    ring = ((left, top - size), (left + size, top - size), (left + size, top), (left, top))
    verdict = None
    if answer is not None:
        message = "A person decides." if answer is Disposition.DEFER else ""
        verdict = TileVerdict(answer, WORDS[answer], "rust", (("rust", 0.5),), 0.5, (), message)
    lons, lats = zip(*ring, strict=True)
    return SurveyTile(
        row,
        column,
        Tile("0" * 64, 0, 0),
        512,
        512,
        ring,
        abs(GEOD.polygon_area_perimeter(lons, lats)[0]),
        status or (TileStatus.JUDGED if verdict else TileStatus.NO_CROP),
        valid,
        None,
        {},
        verdict,
    )


def a_survey(answers, *, west=11.0, north=48.0, size=0.0005, is_certified=True, changed=None):
    """Make a survey of rows of answers, the northern row first.

    Args:
        answers: Rows of dispositions; None where no model looked.
        changed: Other attributes of a tile, by row and column.
    """
    tiles = tuple(
        a_tile(
            row,
            column,
            answer,
            west=west,
            north=north,
            size=size,
            **(changed or {}).get((row, column), {}),
        )
        for row, answers_of_row in enumerate(answers)
        for column, answer in enumerate(answers_of_row)
    )
    return Survey(
        name="North field",
        sha256="0" * 64,
        crs="",
        accuracy_m=None,
        bands=("red", "green", "blue"),
        grid=Grid(len(answers), len(answers[0]), 512, 512, 20.0, (0.04, 0.04)),
        tiles=tiles,
        zones=zones_of(tiles, (len(answers), len(answers[0])), CERTIFICATES),
        bundle="",
        policy="",
        certificates=("At most 5 % are missed.",) if is_certified else (),
        is_certified=is_certified,
        refused={},
    )


def answered(survey, answers):
    """Return a survey on whose tiles Ada answered; ``answers`` are rows, None where nobody did."""
    flat = [one for row in answers for one in row]
    tiles = [
        replace(tile, case=f"case {number}" if flat[number] else "")
        for number, tile in enumerate(survey.tiles)
    ]
    given = {
        f"case {number}": PersonAnswer(one, WORDS[one], "Ada")
        for number, one in enumerate(flat)
        if one
    }
    return with_answers(replace(survey, tiles=tuple(tiles)), given)
