"""Which MQTT messages a station acts upon: fresh ones, once, and nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.parts.station.outputs.mqtt_incoming import IncomingMessages, RefusedMessage
from domains.parts.station.ports import Command, TriggerSignal

NOW = datetime(2026, 11, 29, 10, tzinfo=UTC)


def accept(incoming=None, kind="trigger", is_retained=False, **fields):
    body = {"id": "m1", "valid_until": (NOW + timedelta(seconds=5)).isoformat()} | fields
    payload = json.dumps({k: v for k, v in body.items() if v is not None}).encode()
    return (incoming or IncomingMessages()).accept(
        kind, payload, is_retained=is_retained, now=NOW, at=3.5
    )


def test_a_fresh_trigger_and_a_fresh_command_are_signals():
    assert accept(part_id="A 1", part_seq=65535) == ("m1", TriggerSignal(3.5, 65535, "A 1"))
    assert accept() == ("m1", TriggerSignal(3.5, 0, ""))
    command = accept(kind="command", name="recipe", argument="3")
    assert command == ("m1", Command(3.5, "recipe", "3"))


@pytest.mark.parametrize(
    ("seconds", "code"), [(-0.001, "STALE"), (-86400, "STALE"), (60.001, "HOLDS_TOO_LONG")]
)
def test_a_message_counts_until_its_time_and_for_a_minute_at_most(seconds, code):
    with pytest.raises(RefusedMessage, match=code):
        accept(valid_until=(NOW + timedelta(seconds=seconds)).isoformat())


def test_a_time_in_another_zone_is_the_same_time():
    assert accept(valid_until="2026-11-29T11:00:01+01:00")[0] == "m1"
    with pytest.raises(RefusedMessage, match="STALE"):
        accept(valid_until="2026-11-29T10:00:01+01:00")


def test_a_stored_message_counts_for_nothing():
    with pytest.raises(RefusedMessage, match="RETAINED"):
        accept(is_retained=True)


def test_one_id_counts_once_whatever_it_says():
    incoming = IncomingMessages()
    accept(incoming)
    for kind, fields in (("trigger", {"part_id": "B"}), ("command", {"name": "stop"})):
        with pytest.raises(RefusedMessage, match="REPEATED"):
            accept(incoming, kind, **fields)
    assert accept(incoming, id="m2")[0] == "m2"


def test_a_refused_message_does_not_use_its_id_up():
    incoming = IncomingMessages()
    with pytest.raises(RefusedMessage):
        accept(incoming, is_retained=True)
    assert accept(incoming)[0] == "m1"


@pytest.mark.parametrize(
    "fields",
    [
        {"id": None},
        {"id": ""},
        {"id": 5},
        {"valid_until": None},
        {"valid_until": "2026-11-29T10:00:01"},
        {"valid_until": "soon"},
        {"valid_until": True},
        {"part_seq": 65536},
        {"part_seq": -1},
        {"part_seq": "7"},
        {"part_seq": 1.5},
        {"part_id": "x" * 65},
        {"part_id": "a\nb"},
        {"part_id": ["a"]},
        {"recipe": 3},
    ],
)
def test_a_trigger_of_another_form_is_none(fields):
    with pytest.raises(RefusedMessage, match="MALFORMED"):
        accept(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"name": "pass"},
        {"name": "stop", "argument": 3},
        {"name": "recipe"},
        {"name": "recipe", "argument": "castings"},
        {"name": "recipe", "argument": "1000"},
        {"name": "recipe", "argument": "-1"},
        {"name": "recipe", "argument": "²"},
    ],
)
def test_a_command_of_another_form_is_none(fields):
    with pytest.raises(RefusedMessage, match="MALFORMED"):
        accept(kind="command", **fields)


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "MALFORMED"),
        (b"null", "MALFORMED"),
        (b"\xff\xfe", "MALFORMED"),
        (b"[" * 4000, "MALFORMED"),
        (b'{"id":"a","valid_until":1e999}', "MALFORMED"),
        (b" " * 4097, "TOO_LARGE"),
    ],
)
def test_bytes_that_are_no_message_are_refused(payload, code):
    with pytest.raises(RefusedMessage, match=code):
        IncomingMessages().accept("trigger", payload, is_retained=False, now=NOW, at=0.0)


@given(st.binary(max_size=200), st.sampled_from(["trigger", "command"]))
def test_no_bytes_raise_anything_else(payload, kind):
    with pytest.raises(RefusedMessage):
        IncomingMessages().accept(kind, payload, is_retained=False, now=NOW, at=0.0)
