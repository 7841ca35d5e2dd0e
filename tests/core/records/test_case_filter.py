from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import DataError
from core.records.case_filter import CaseFilter, Facets
from core.records.case_status import QueueState
from core.types import Disposition, Reason

TEXTS = st.lists(st.text(max_size=8), max_size=2, unique=True).map(tuple)
HOURS = st.none() | st.sampled_from([0.0, 0.5, 4.0, 168.0])
FILTERS = st.builds(
    CaseFilter,
    packs=TEXTS,
    products=TEXTS,
    sites=TEXTS,
    reasons=st.lists(st.sampled_from(Reason), max_size=2, unique=True).map(tuple),
    verdicts=st.lists(st.sampled_from(Disposition), max_size=2, unique=True).map(tuple),
    states=st.lists(st.sampled_from(QueueState), max_size=3, unique=True).map(tuple),
    min_age_h=HOURS,
    max_age_h=HOURS,
    text=st.text(max_size=20).map(str.strip),
)


@given(FILTERS)
def test_a_filter_comes_back_from_the_address_as_it_was(case_filter):
    assert CaseFilter.from_query(case_filter.to_query()) == case_filter


def test_the_filter_of_an_empty_address_is_what_waits():
    assert CaseFilter().to_query() == ""
    assert CaseFilter.from_query("") == CaseFilter(states=(QueueState.WAITING,))


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("colour=red", "colour"),
        ("verdict=maybe", "maybe"),
        ("state=lost", "lost"),
        ("reason=because", "because"),
        ("older=soon", "soon"),
        ("newer=-1", "-1"),
        ("older=nan", "nan"),
    ],
)
def test_an_address_that_names_no_filter_is_refused_with_the_wrong_part(query, wrong):
    with pytest.raises(DataError, match=wrong):
        CaseFilter.from_query(query)


def facets(**given):
    known = {
        "id": "f",
        "pack": "parts",
        "product": "bolt",
        "sites": ("North", "South"),
        "reasons": (Reason.NOVEL, Reason.AMBIGUOUS),
        "disposition": Disposition.DEFER,
        "queue_state": QueueState.WAITING,
        "cases": 3,
    }
    return Facets(**known | given)


@pytest.mark.parametrize(
    "wanted",
    [
        {"packs": ("parts", "xray")},
        {"products": ("bolt",)},
        {"sites": ("South",)},
        {"reasons": (Reason.AMBIGUOUS, Reason.FAULT)},
        {"verdicts": (Disposition.DEFER,)},
        {"states": ()},
    ],
)
def test_a_case_matches_by_any_of_its_values(wanted):
    assert CaseFilter(**wanted).matches(facets())


@pytest.mark.parametrize(
    "wanted",
    [
        {"packs": ("xray",)},
        {"products": ("nut",)},
        {"sites": ("East",)},
        {"reasons": (Reason.FAULT,)},
        {"verdicts": (Disposition.POSITIVE,)},
        {"states": (QueueState.REVIEWED, QueueState.NEGATIVE)},
    ],
)
def test_a_case_that_differs_in_one_value_does_not_match(wanted):
    assert not CaseFilter(**wanted).matches(facets())


def test_no_filter_tells_what_a_case_drawn_for_the_audit_was_judged():
    drawn = facets(reasons=(Reason.AUDIT,), disposition=Disposition.NEGATIVE)

    assert CaseFilter().matches(drawn)
    for value in (*Reason, *Disposition):
        word = "reasons" if isinstance(value, Reason) else "verdicts"
        assert not CaseFilter(**{word: (value,)}).matches(drawn)
    decided = facets(
        reasons=(Reason.AUDIT,),
        disposition=Disposition.NEGATIVE,
        queue_state=QueueState.REVIEWED,
    )
    assert CaseFilter(reasons=(Reason.AUDIT,), states=()).matches(decided)


def test_ages_are_times_before_now():
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)

    earliest, latest = CaseFilter(min_age_h=2, max_age_h=24).opened_between(now)

    assert earliest == "2026-03-01T12:00:00.000000+00:00"
    assert latest == "2026-03-02T10:00:00.000000+00:00"
    assert CaseFilter().opened_between(now) == ("", "")
