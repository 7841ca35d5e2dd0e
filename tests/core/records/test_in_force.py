"""Which decision stands when a picture is judged more than once."""

from sqlalchemy import func, select

from core.records import audit, worklist
from core.records.connection import reading
from core.records.store import decision
from core.records.tables import DECISIONS, REINSTATEMENTS
from core.types import Disposition, Reason


def standing(store):
    item = worklist.next_case(store, "parts", negatives=True)
    [image] = worklist.case_detail(store, item.case_id).images
    return image.decision


def count(store, table):
    with reading(store) as connection:
        return connection.scalar(select(func.count()).select_from(table))


def test_a_policy_rolled_back_brings_its_decision_back_without_a_second_row(
    store, assessment, keep
):
    careful, lax = assessment(p=0.5, policy="careful"), assessment(p=0.1, policy="lax")
    [first] = keep(store, careful)
    keep(store, lax)
    assert worklist.next_case(store, "parts") is None

    assert keep(store, careful) == [first]
    assert keep(store, careful) == [first]

    assert worklist.next_case(store, "parts").disposition is Disposition.DEFER
    assert standing(store).policy_id == "careful"
    assert (count(store, DECISIONS), count(store, REINSTATEMENTS)) == (2, 1)

    keep(store, lax)
    assert worklist.next_case(store, "parts") is None
    assert standing(store).policy_id == "lax"
    assert count(store, REINSTATEMENTS) == 2
    assert audit.verify(store).faults == ()


def test_a_passing_fault_is_superseded_by_a_verdict_and_takes_the_place_of_none(
    store, assessment, keep
):
    stalled = assessment(p=None, reason=Reason.FAULT)
    [kept] = keep(store, stalled)
    assert keep(store, stalled) == [kept]

    [real] = keep(store, assessment(p=0.9))
    assert real != kept
    assert decision(store, real).supersedes == kept
    assert decision(store, kept).is_provisional
    assert standing(store).id == real

    assert keep(store, stalled) == keep(store, assessment(p=0.1)) == [real]
    assert standing(store).positive_probability == 0.9
    assert count(store, DECISIONS) == 2
    assert audit.verify(store).faults == ()


def test_a_decision_reads_back_equal_when_it_supersedes(store, assessment, keep):
    keep(store, assessment(p=None, reason=Reason.FAULT))
    [real] = keep(store, assessment(p=0.9))

    assert decision(store, real).id == real
