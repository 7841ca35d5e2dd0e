"""Names of any script stand in a sentence without turning what is beside them."""

import pytest

from core.people import Person, Role
from core.service.people.roles import Identity, grant
from dashboard.names import isolate, names_of


@pytest.mark.parametrize("name", ["Ada", "Jörg Weiß-Ōta", "张伟", "O'Brien 2", "🙂", ""])
def test_a_name_from_left_to_right_is_kept_as_it_is(name):
    assert isolate(name) == name


@pytest.mark.parametrize(
    "name",
    ["שרה כהן", "سارة", "Ada (שרה)", "١٢٣", "x\u202ey"],  # an override ends with its isolate
    ids=["Hebrew", "Arabic", "both", "Arabic digits", "override"],
)
def test_a_name_that_would_turn_its_neighbours_is_isolated(name):
    assert isolate(name) == f"\u2068{name}\u2069"


def test_names_are_found_by_the_ids_of_people_and_typed_names_are_their_own(store):
    sara = Identity("https://login.example", "sara", "שרה")
    grant(store, sara, Role.REVIEWER, by=Person.alone("root"))
    assert names_of(store, {sara.id, "Ada"}) == {sara.id: "\u2068שרה\u2069", "Ada": "Ada"}
