"""A survey after people answered on its tiles: zones follow them, verdicts stay beside them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from core.packs import pack_named
from core.records.case_answers import CaseAnswer, case_answers
from core.records.connection import Store
from core.records.people import names_of
from domains.crops.survey.values import PACK, PersonAnswer, Survey
from domains.crops.survey.zones import certificates_by_call, zones_of


def read_answers(store: Store, cases: Collection[str]) -> dict[str, PersonAnswer]:
    """Return by case what people answered, of those on which somebody has.

    Raises:
        StoreError: The database failed.
    """
    return name_answers(store, case_answers(store, [case for case in cases if case]))


def name_answers(store: Store, known: Mapping[str, CaseAnswer]) -> dict[str, PersonAnswer]:
    """Return by case what people answered, with their names.

    Raises:
        StoreError: The database failed.
    """
    names = names_of(store, {one.reviewer for one in known.values()})
    wording = pack_named(PACK).wording
    return {
        case: PersonAnswer(one.answer, wording[one.answer], names[one.reviewer])
        for case, one in known.items()
        if one.answer is not None
    }


def with_answers(survey: Survey, answers: Mapping[str, PersonAnswer]) -> Survey:
    """Return a survey whose tiles hold what people answered, and whose zones are made of that.

    Args:
        survey: As it was surveyed.
        answers: By case; of cases that are not the survey's, nothing is taken.
    """
    tiles = tuple(
        replace(tile, answer=answers[tile.case]) if tile.case in answers else tile
        for tile in survey.tiles
    )
    if all(tile.answer is None for tile in tiles):
        return survey
    shape = survey.grid.rows, survey.grid.columns
    zones = zones_of(tiles, shape, certificates_by_call(survey.certificates))
    return replace(survey, tiles=tiles, zones=zones)
