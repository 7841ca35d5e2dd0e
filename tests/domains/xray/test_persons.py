"""Whose a study is: what is one patient and what is two, whatever the spelling."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.xray.worklist.persons import (
    MOST_PEOPLE,
    by_person,
    contradictions,
    is_same_person,
    name_groups,
)

JOHN = {
    "patient_id": "7",
    "patient_issuer": "North",
    "patient_name": "DOE^JOHN",
    "patient_birth_date": "19610203",
    "patient_sex": "M",
}


def john(**stated: str) -> dict[str, str]:
    return {**JOHN, **stated}


@pytest.mark.parametrize(
    "name",
    ["DOE^JOHN ", "DOE^JOHN^^^", "doe^john", " Doe ^ John^", "DOE^JOHN==", "DOE^JOHN^^DR", "DOE",
     "DOE^JOHN=山田^太郎", ""],
)  # fmt: skip
def test_one_name_in_many_spellings_is_one_patient(name):
    assert contradictions([JOHN, john(patient_name=name)]) == ()


@pytest.mark.parametrize("name", ["DOE^JANE", "ROE^JOHN", "JOHN^DOE", "DOEJOHN", "DOE^JOHN-PAUL"])
def test_another_name_is_another_patient(name):
    assert contradictions([JOHN, john(patient_name=name)]) == ("name",)


def test_names_agree_in_any_unicode_form_and_in_every_group_that_both_state():
    composed, apart = (unicodedata.normalize(form, "MÜLLER^ZOË") for form in ("NFC", "NFD"))
    assert composed != apart
    assert name_groups(composed) == name_groups(apart.lower())
    kanji = john(patient_name="YAMADA^TAROU=山田^太郎=やまだ^たろう")
    assert contradictions([kanji, john(patient_name="=山田^太郎")]) == ()
    assert contradictions([kanji, john(patient_name="YAMADA^TAROU=山田^花子")]) == ("name",)


@pytest.mark.parametrize(
    ("stated", "found"),
    [
        ({"patient_id": "8"}, ("number",)),
        ({"patient_id": "07"}, ("number",)),
        ({"patient_issuer": "South"}, ("issuer of the number",)),
        ({"patient_birth_date": "19610204"}, ("date of birth",)),
        ({"patient_sex": "F"}, ("sex",)),
        ({"patient_id": "8", "patient_name": "ROE^ANN"}, ("number", "name")),
        ({"patient_id": " 7 ", "patient_birth_date": "1961.02.03", "patient_sex": "m"}, ()),
        ({"patient_issuer": "", "patient_birth_date": "", "patient_sex": ""}, ()),
        ({"patient_sex": "O"}, ()),
        ({"patient_id": ""}, ()),  # name and date of birth agree
        ({"patient_id": "", "patient_birth_date": ""}, ("number",)),
        ({"patient_id": "", "patient_name": ""}, ("number",)),
        ({"patient_id": "", "patient_name": "", "patient_birth_date": ""}, ("number",)),
    ],
)
def test_what_both_state_must_agree_and_a_missing_number_must_be_confirmed(stated, found):
    other = john(**stated)
    assert contradictions([JOHN, other]) == contradictions([other, JOHN]) == found
    assert contradictions([JOHN, JOHN, other]) == found
    assert len(by_person([JOHN, other, JOHN])) == (2 if found else 1)


def test_pictures_that_name_nobody_at_all_contradict_nobody():
    assert contradictions([{}, {"sop_uid": "1"}, {}]) == ()
    assert contradictions([]) == ()


def test_a_picture_whose_header_was_not_read_names_nobody_and_one_that_leaves_it_blank_is_held():
    assert contradictions([JOHN, {"site": "North", "sop_class": "1.2"}]) == ()
    assert contradictions([JOHN, {"site": "North", "sop_uid": "1.2.3"}]) == ("number",)


def test_two_patients_are_found_behind_a_picture_that_fits_both():
    both = [john(patient_birth_date=""), JOHN, john(patient_birth_date="19900101")]
    assert contradictions(both) == ("date of birth",)


def test_a_study_that_names_very_many_is_held_without_comparing_them_all():
    crowd = [john(patient_name=f"DOE^JOHN^{n}") for n in range(MOST_PEOPLE + 1)]
    assert contradictions(crowd) == ("name",)


words = st.sampled_from(["", "a", "b"])
headers = st.fixed_dictionaries(dict.fromkeys(JOHN, words))


@given(st.lists(headers, max_size=5), st.randoms())
def test_the_order_of_the_pictures_says_nothing_and_no_picture_takes_a_contradiction_away(
    some, random
):
    found = contradictions(some)
    mixed = random.sample(some, len(some))
    assert contradictions(mixed) == found
    assert bool(found) == (len(by_person(some)) > 1)
    assert set(contradictions(some[1:])) <= set(found)


@pytest.mark.parametrize(
    ("stated", "same"),
    [
        ({}, True),
        ({"patient_issuer": "", "patient_birth_date": ""}, True),
        ({"patient_name": ""}, True),
        ({"patient_name": "", "patient_birth_date": ""}, False),  # a number alone names nobody
        ({"patient_issuer": "South"}, False),
        ({"patient_birth_date": "19610204"}, False),
        ({"patient_name": "ROE^ANN"}, False),
        ({"patient_id": "8"}, False),
        ({"patient_id": ""}, False),
    ],
)
def test_an_earlier_study_is_of_the_same_person_only_where_more_than_the_number_says_so(
    stated, same
):
    assert is_same_person([JOHN], [john(**stated)]) is same
    assert is_same_person([john(**stated)], [JOHN]) is same


def test_what_one_picture_leaves_out_another_of_the_study_may_say():
    halves = [{"patient_id": "7"}, {"patient_id": "7", "patient_birth_date": "19610203"}]
    assert is_same_person([JOHN], halves)
    assert not is_same_person([JOHN], [*halves, john(patient_name="ROE^ANN")])
