"""A line that is served by OPC UA, and a client of it."""

from __future__ import annotations

import pytest

from domains.parts.station.outputs.opcua_states import VisionState
from tests.domains.parts.station.opcua_client import (
    Line,
    bring_to,
    connected,
)


@pytest.fixture(scope="module")
def line():
    it = Line(takes_triggers=True, products={3: "castings", 4: "screws"}, job_limit_s=60.0)
    yield it
    it.close()


@pytest.fixture(scope="module")
def lasting(line):
    """A client for tests that leave it connected."""
    with connected(line) as it:
        yield it


@pytest.fixture
def peer(line, lasting):
    bring_to(line, lasting, VisionState.READY)
    return lasting
