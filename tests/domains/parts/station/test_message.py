"""The message about a part is the same wherever it goes, and says who it is about."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from domains.parts.station.message import history, live, message_id, message_of
from domains.parts.station.result import LineReason
from tests.domains.parts.station.inspected import RECORDED_AT, inspected


def test_a_message_says_everything_that_is_on_record_of_a_part():
    part = inspected(5, LineReason.DEFECT, LineReason.CAMERA_LOST, detail="S1, not S2")
    assert message_of("line-1", part) == {
        "id": message_id("line-1", part),
        "station": "line-1",
        "number": 5,
        "part_seq": 7,
        "part_id": "P-1",
        "product": "castings",
        "recipe": 3,
        "challenge": "",
        "result": "STOP",
        "reason": 50,
        "reasons": ["CAMERA_LOST", "DEFECT"],
        "sentence": "The camera does not answer: check cable and power. "
        "The picture shows a defect.",
        "detail": "S1, not S2",
        "score": 0.25,
        "bundle_sha256": "ab" * 32,
        "policy": "0123456789abcdef",
        "decisions": ["d5"],
        "recorded_at": "2026-11-29T10:00:05.000000+00:00",
        "elapsed_us": 83_000,
    }


def test_one_id_means_one_verdict_of_one_part():
    one = inspected(1)
    ids = {
        message_id("a", one),
        message_id("b", one),
        message_id("a", inspected(2)),
        message_id("a", inspected(1, at=13.0)),
        message_id("a", inspected(1, LineReason.LATE)),
        message_id("a", inspected(1, LineReason.DEFECT)),
    }
    assert len(ids) == 6


def test_what_left_before_it_was_on_record_has_the_id_that_the_record_gets():
    left = inspected(1, LineReason.LATE)
    recorded = replace(left, recorded_at=RECORDED_AT + timedelta(days=1), decisions=("d",))
    assert message_id("a", left) == message_id("a", recorded)


def test_only_a_live_message_says_until_when_it_may_be_acted_upon():
    body = message_of("a", inspected(1))
    assert live(body, 5.0)["valid_until"] == "2026-11-29T10:00:06.000000+00:00"
    late = history(body)
    assert late["is_historical"] is True
    assert "valid_until" not in late
    assert live(body, 5.0)["id"] == late["id"] == body["id"]


def test_a_score_that_is_no_number_is_no_number_in_json_either():
    body = message_of("a", replace(inspected(1), score=float("nan")))
    assert body["score"] is None
    assert json.loads(json.dumps(body, allow_nan=False)) == body
