"""Cases by text: what a person finds, in which order, and how far a search goes at once."""

from __future__ import annotations

import hashlib

import pytest

from core.records import case_number
from core.records.case_filter import CaseFilter
from core.records.case_number import place_at
from core.records.case_page import CaseOrder, page_of_cases, place_of
from core.records.case_search import find_cases
from core.records.reviews import review
from core.types import Disposition

CASES = 30


@pytest.fixture
def filled(store, assessment, keep):
    """Thirty cases of falling urgency; every tenth has a name and a comment of its own."""
    for n in range(CASES):
        name = f"Ölfleck {n}.png" if n % 10 == 3 else f"{n}.png"
        keep(store, assessment(b"%d" % n, p=0.79 - n / 100, group=f"part {n:02}"), name=name)
    item = page_of_cases(store, CaseFilter(), limit=CASES)[7]
    assert review(store, item, Disposition.POSITIVE, reviewer="Ada", comment="Burr at 12 o'clock")
    return store


def keys(found):
    return [item.key for item in found.items]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ölfleck", ["part 03", "part 13", "part 23"]),
        ("PART 1", [f"part {n}" for n in range(10, 20)]),
        ("burr AT", ["part 07"]),
        ("nothing like it", []),
        ("%", []),
    ],
)
def test_a_part_of_a_name_a_key_or_a_comment_finds_its_cases_worst_first(filled, text, expected):
    found = find_cases(filled, CaseFilter(states=(), text=text))
    order = {item.key: n for n, item in enumerate(page_of_cases(filled, CaseFilter(states=())))}
    assert keys(found) == sorted(expected, key=order.__getitem__)
    assert (found.end, found.is_complete) == (None, True)


def test_a_filter_holds_for_what_is_found_by_text(filled):
    assert keys(find_cases(filled, CaseFilter(text="burr"))) == []
    assert keys(find_cases(filled, CaseFilter(packs=("crops",), states=(), text="part"))) == []


def test_ids_whole_keys_and_digests_are_found_wherever_they_stand_in_the_list(filled):
    last = page_of_cases(filled, CaseFilter(), limit=CASES)[-1]
    digest = hashlib.sha256(b"29").hexdigest()
    for text in (last.case_id, last.case_id.upper(), last.key, digest):
        found = find_cases(filled, CaseFilter(text=text), searched=5)
        assert keys(found) == [last.key]
        assert not found.is_complete


def test_a_search_that_stops_names_where_it_goes_on_and_misses_nothing(filled):
    found, place, answers = [], None, 0
    while answers == 0 or place:
        answer = find_cases(filled, CaseFilter(states=(), text="ölfleck"), after=place, searched=5)
        found += keys(answer)
        place, answers = answer.end, answers + 1
    assert found == ["part 03", "part 13", "part 23"]
    assert answers == CASES // 5 + 1


def test_pages_of_what_is_found_follow_each_other(filled):
    for order in CaseOrder:
        case_filter = CaseFilter(states=(), text="part")
        found, place = [], None
        while answer := find_cases(filled, case_filter, order=order, after=place, limit=7):
            found += keys(answer)
            place = answer.end
            if place is None:
                break
        assert found == [i.key for i in page_of_cases(filled, CaseFilter(states=()), order=order)]


@pytest.mark.parametrize("stepped", [500, 3, 1])
def test_the_case_of_a_number_is_that_of_the_list(filled, monkeypatch, stepped):
    monkeypatch.setattr(case_number, "_STEPPED", stepped)
    for case_filter in (CaseFilter(), CaseFilter(states=()), CaseFilter(states=(), max_age_h=1)):
        for order in CaseOrder:
            whole = page_of_cases(filled, case_filter, order=order)
            for number in range(1, len(whole) + 1):
                expected = place_of(filled, whole[number - 1].case_id)
                assert place_at(filled, case_filter, order, number) == expected
            assert place_at(filled, case_filter, order, len(whole) + 1) is None
    assert place_at(filled, CaseFilter(packs=("crops",)), CaseOrder.WORST, 1) is None
