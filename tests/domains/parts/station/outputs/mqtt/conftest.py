"""Brokers, and a wire to one that can be cut."""

from __future__ import annotations

import pytest

from tests.domains.parts.station.broker import Broker, Wire


@pytest.fixture(scope="module")
def lasting(tmp_path_factory):
    """A broker for tests that leave it running."""
    it = Broker(tmp_path_factory.mktemp("broker"))
    it.start()
    yield it
    it.stop()


@pytest.fixture
def broker(tmp_path):
    it = Broker(tmp_path)
    yield it
    it.stop()


@pytest.fixture
def wire(lasting):
    it = Wire(lasting.port)
    yield it
    it.close()
