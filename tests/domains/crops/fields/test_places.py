"""Places given by hand: kept beside the listing, for the photos that they were given to alone."""

from datetime import UTC, datetime

import pytest

from core.people import Person
from domains.crops.fields.folder import make_field
from domains.crops.fields.places import confirm_place, forget_place, pick_place, with_places

STATED = {"latitude": 48.0, "longitude": 11.0, "source": "exif", "accuracy_m": 4.0}
ADA = Person.alone("Ada")
DOUBT = {"code": "PLACE_FAR", "values": {}}


def line(case, place=None, candidate=None, reason=None):
    return {"case": case, "place": place, "candidate": candidate, "reason": reason}


@pytest.fixture
def field(tmp_path):
    return make_field(tmp_path, "North", "", datetime(2026, 5, 4, tzinfo=UTC), by=ADA)


def test_a_place_picked_on_the_map_is_that_of_the_photos_it_was_picked_for(field):
    lines = [line("a", STATED), line("b", reason=DOUBT), line("c", reason=DOUBT)]
    pick_place(field, ["b"], 52.5, 13.4, by=ADA)

    one, picked, other = with_places(field, lines)

    assert (one["place"], one["by_hand"]) == (STATED, False)
    assert (picked["place"]["latitude"], picked["place"]["longitude"]) == (52.5, 13.4)
    assert (picked["place"]["source"], picked["reason"]) == ("placed by hand", None)
    assert (other["place"], other["reason"]) == (None, DOUBT)


def test_a_doubted_place_stands_once_it_is_confirmed_and_can_be_taken_back(field):
    doubted = line("a", candidate=STATED, reason=DOUBT)
    confirm_place(field, doubted, by=ADA)
    (confirmed,) = with_places(field, [doubted])
    forget_place(field, "a", by=ADA)
    (again,) = with_places(field, [doubted])

    assert (confirmed["place"], confirmed["reason"]) == (STATED, None)
    assert (again["place"], again["reason"], again["by_hand"]) == (None, DOUBT, False)


def test_what_is_no_place_is_refused(field):
    with pytest.raises(ValueError, match="at most 90 and 180"):
        pick_place(field, ["a"], 91.0, 0.0, by=ADA)
    with pytest.raises(ValueError, match="expected a place to confirm"):
        confirm_place(field, line("a"), by=ADA)
    assert with_places(field, [line("a")])[0]["place"] is None
