"""What the board shows of a part: the picture that was judged, and none where there is none."""

from __future__ import annotations

from contextlib import closing

import pytest

from core.records.store import decisions
from core.service.review.review import open_review_session
from core.settings import Settings
from core.types import Reason
from dashboard.full_size import FullPictures
from dashboard.pictures import Pictures
from domains.parts.pages import live_board
from domains.parts.pages.live_board import LivePictures


@pytest.fixture
def settings(assessed_home):
    return Settings(home=assessed_home)


def test_bytes_that_are_no_picture_are_offered_to_no_browser(store, settings):
    made = decisions(store, pack="parts", limit=100)
    torn = [one for one in made if any(f.reason is Reason.UNREADABLE for f in one.findings)]
    assert 0 < len(torn) < len(made)
    with closing(open_review_session(settings)) as session:
        pictures = LivePictures(session, Pictures(session.explainer), FullPictures(session))
        addresses = [addresses_of(one.id, pictures) for one in made]
    assert addresses == [{one not in torn} for one in made]


def addresses_of(decision_id: str, pictures: LivePictures) -> set[bool]:
    """Return whether a part has the addresses of its picture: one value where all agree."""
    tile = {"decision": decision_id}
    live_board._add_pictures(tile, pictures)
    return {bool(tile[name]) for name in ("small", "whole", "full")}
