"""Sandboxes of a pack that is hostile, with much and with little time."""

import pytest

from core.imaging.sandbox import Sandbox
from tests.core.imaging.sandbox.runs import HASTY, HOSTILE, LIMITS, SIZE


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(HOSTILE, SIZE, LIMITS) as opened:
        yield opened


@pytest.fixture(scope="module")
def hasty():
    with Sandbox(HOSTILE, SIZE, HASTY) as opened:
        yield opened
