"""Tiles of a larger picture: cases of their own, one group, and no part of rates over time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.records.connection import reading
from core.records.monitored import WatchedRows, pictures_after
from core.records.past_window import read_window
from core.records.reviewed_cases import reviewed_cases
from core.records.reviews import review
from core.records.store import new_decision, record
from core.records.values import TILE_OF
from core.records.watched_reads import count_audited, reads
from core.records.worklist import case_detail
from core.types import Disposition, Finding, Reason, Tile

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
BUNDLE = "b" * 64
FIELD = "f1e1d" * 12
ROWS = WatchedRows("parts", "", frozenset(), BUNDLE, "policy-1", NOW - timedelta(days=1))


@pytest.fixture
def add(store, assessment):
    """Record a picture, or a tile of a larger one, that was drawn for the audit."""

    def _add(number, parent="", meta=None):
        name = f"{'tile' if parent else 'picture'} {number}"
        made = assessment(name.encode(), p=0.1, group=name)
        tile = Tile(parent, 100 * number, 0) if parent else None
        new = new_decision(
            replace(made, tile=tile, meta=meta or {}), pack="parts", name=name, at=NOW
        )
        drawn = replace(new.decision, audit_probability=1.0, findings=(Finding(Reason.AUDIT, ""),))
        record(store, [replace(new, decision=drawn)])
        return new.case_id

    return _add


def test_each_tile_is_a_case_and_all_of_one_picture_are_one_group(store, add):
    tiles = [add(number, FIELD) for number in range(3)]
    whole = add(3)

    found = {one.case_id: one for one in reviewed_cases(store, "parts", BUNDLE)}

    assert set(found) == {*tiles, whole}
    assert {found[case].group for case in tiles} == {FIELD}
    assert [found[case].key for case in tiles] == [f"tile {number}" for number in range(3)]
    assert (found[whole].group, found[whole].tile_of) == ("picture 3", "")
    assert case_detail(store, tiles[0]).images[0].meta == {TILE_OF: FIELD}


def test_tiles_are_no_part_of_what_is_watched_or_tried_anew(store, add):
    tiles = [add(number, FIELD) for number in range(3)]
    # A value that quotes the key is no tile.
    whole = [add(3), add(4, meta={"note": f'"{TILE_OF}": "'})]
    for case in (tiles[0], whole[0]):
        assert review(store, case_detail(store, case).item, Disposition.POSITIVE, reviewer="Ada")

    with reading(store) as connection:
        watched = pictures_after(connection, ROWS, 0, 100)
        escapes = reads(connection, ROWS)
        audited = count_audited(connection, ROWS)
    past = read_window(store, "parts", "", BUNDLE, NOW - timedelta(days=1)).past

    assert [one.case_id for one in watched] == whole
    assert [one.decision_id for one in escapes] == [watched[0].id]
    assert audited == 1
    assert sorted(past.case_id) == sorted(whole)
