"""What the integrator's page says of MQTT and OPC UA is what the station does."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from domains.parts.station.message import live, message_of
from domains.parts.station.options import OutputOptions
from domains.parts.station.outputs.mqtt_incoming import IncomingMessages
from domains.parts.station.outputs.opcua_signatures import EVENTS, SIGNATURES
from domains.parts.station.outputs.opcua_states import VisionState
from tests.domains.parts.station.inspected import inspected

PAGE = (Path(__file__).parents[5] / "domains" / "parts" / "README.md").read_text()


def block_after(mark):
    text = PAGE.partition(f"<!-- {mark}: held equal by a test -->")[2]
    return re.search(r"```json\n(.*?)```", text, re.DOTALL)[1]


def test_a_result_has_the_fields_of_the_page():
    shown = json.loads(block_after("result"))
    sent = live(message_of("line-1", inspected(1)), 5.0)
    assert list(shown) == list(sent)
    assert {k: type(v) for k, v in shown.items()} == {k: type(v) for k, v in sent.items()}


@pytest.mark.parametrize("kind", ["trigger", "command"])
def test_a_station_takes_what_the_page_shows(kind):
    body = json.loads(block_after(kind))
    now = datetime.fromisoformat(body["valid_until"]) - timedelta(seconds=1)
    message_id, _ = IncomingMessages().accept(
        kind, block_after(kind).encode(), is_retained=False, now=now, at=0.0
    )
    assert message_id == body["id"]


def test_methods_take_and_give_what_the_page_says():
    table = PAGE.partition("<!-- methods: held equal by a test -->")[2]
    rows = re.findall(r"^\| (\w+) \| ([\w, ]*) \| ([\w, ]+) \| .* \|$", table, re.MULTILINE)
    shown = {name: (takes, gives) for name, takes, gives in rows if name != "method"}
    offered = {
        name: tuple(", ".join(field for field, _ in fields) for fields in signature)
        for group in SIGNATURES.values()
        for name, signature in group.items()
    }
    assert {name: (takes.strip(), gives) for name, (takes, gives) in shown.items()} == offered


def test_states_and_events_stand_on_the_page():
    for state in VisionState:
        assert f"{state.title} {state.value}" in PAGE
    assert ", ".join(["JobStarted", "RecipePrepared", "Ready"]) in PAGE
    assert all(name in PAGE for name in EVENTS)


def test_the_outputs_of_the_page_are_options_that_can_be_used():
    blocks = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    outputs = [tomllib.loads(one).get("outputs", {}) for one in blocks]
    known = [OutputOptions.model_validate(one) for one in outputs if one]
    names = {name for one in known for name in one.model_fields_set}
    assert {"mqtt", "opcua", "webhook", "csv"} <= names
