"""Two cases of which every review is read twice."""

from __future__ import annotations

import pytest

from core.records.read_plans import set_plan
from tests.core.records.second_reads.reads import (
    ALL,
)


@pytest.fixture
def cases(store, assessment, keep):
    """Two cases that wait, of which every review is drawn for a second read."""
    set_plan(store, "parts", "", ALL, by="lena")
    for name, p in (("one", 0.9), ("two", 0.5)):
        keep(store, assessment(name.encode(), p=p, group=name))
    return store
