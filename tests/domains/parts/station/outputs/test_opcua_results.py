"""The results that an OPC UA server keeps: the last thousand, found by what is asked for."""

from __future__ import annotations

from domains.parts.station.message import message_id
from domains.parts.station.outputs.opcua_results import (
    KEPT,
    KeptResults,
    ResultFilter,
    result_of,
)
from domains.parts.station.result import LineReason
from tests.domains.parts.station.inspected import inspected


def kept(*parts):
    results = KeptResults()
    for part in parts:
        results.add(result_of("s1", part, None))
    return results


def test_the_oldest_results_go_first():
    parts = [inspected(number) for number in range(KEPT + 2)]
    results = kept(*parts)
    assert [results.get(message_id("s1", part)) is None for part in parts[:3]] == [
        True,
        True,
        False,
    ]
    assert results.get(message_id("s1", parts[-1])) is not None


def test_results_are_listed_newest_first_and_by_the_page():
    results = kept(*[inspected(number, LineReason.LATE) for number in range(5)], inspected(9))
    page, is_complete = results.select(ResultFilter(state=4), 1, 3)
    assert [one.id.split(".")[1] for one in page] == ["3", "2", "1"]
    assert not is_complete
    assert results.select(ResultFilter(state=4), 4, 3)[1]
    assert results.select(ResultFilter(), 99, 3) == ([], True)
    assert results.select(ResultFilter(part_id="P-2"), 0, 3) == ([], True)


def test_where_nothing_was_judged_there_is_no_hash():
    part = inspected(1, LineReason.NO_FRAME, bundle="")
    assert result_of("s1", part, None).bundle_hash == b""
