"""The pictures are worked out once, ahead when asked, and a failure is tried again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest

from core.errors import StoreError
from core.model.explain import Neighbour
from core.service.review.explanations import Explanation
from core.types import Prepared
from dashboard import pictures
from dashboard.pictures import Pictures


@dataclass
class FakeDesk:
    """Explains every decision with the same grey square, and counts."""

    asked: Counter[str] = field(default_factory=Counter)
    missing: set[str] = field(default_factory=set)
    is_open: bool = True
    opens_slowly: bool = False

    def has_tried(self, sha256):
        return self.is_open

    def has_to_open(self, sha256):
        return self.opens_slowly

    def bundle(self, sha256):
        return SimpleNamespace(model=SimpleNamespace(classes=("good", "bad"), positive=(0, 1)))

    def picture(self, decision):
        self.asked[decision.id] += 1
        if decision.id in self.missing:
            raise StoreError("The picture is missing.")
        return Prepared(np.full((8, 8, 3), 90, np.uint8), "", (8, 8))

    def explain(self, decision):
        return Explanation(
            np.full((8, 8, 3), 90, np.uint8),
            (8, 8),
            np.zeros((8, 8), np.float32),
            (Neighbour("a.png", "bad", 1.0, b"jpeg"),),
        )


def a_decision(name: str):
    return SimpleNamespace(id=name, bundle_sha256="0")


@pytest.fixture
def explainer() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
def kept(explainer) -> Iterator[Pictures]:
    opened = Pictures(explainer)
    yield opened
    opened.close()


def test_a_decision_is_explained_once_however_often_it_is_asked_for(kept, explainer):
    kept.prepare(a_decision("one"))
    first = kept.of(a_decision("one"))
    assert kept.of(a_decision("one")) is first
    assert kept.explained(a_decision("one"), wait_s=60).known[0].positive
    assert kept.is_explained(a_decision("one"))
    assert explainer.asked == {"one": 1}


def test_what_needs_a_bundle_begins_only_when_prepared_until_the_bundle_was_opened(kept, explainer):
    explainer.is_open = False
    assert kept.explained(a_decision("one"), wait_s=60) is None
    assert not kept.is_explained(a_decision("one"))
    assert not kept._kept

    kept.prepare(a_decision("one"))
    assert kept.explained(a_decision("one"), wait_s=60).known

    explainer.is_open = True
    assert kept.explained(a_decision("two"), wait_s=60).known


def test_a_failure_is_told_and_tried_again_next_time(kept, explainer):
    explainer.missing.add("one")
    kept.prepare(a_decision("one"))
    for _ in range(2):
        with pytest.raises(StoreError, match="missing"):
            kept.of(a_decision("one"))
    explainer.missing.clear()
    assert kept.of(a_decision("one")).startswith(b"\xff\xd8")
    assert explainer.asked["one"] == 3


def test_memory_stays_bounded_and_what_was_used_last_is_kept(kept, explainer, monkeypatch):
    monkeypatch.setattr(pictures, "KEPT", 3)
    for name in ("old", "a", "b", "old", "c", "d", "old"):
        kept.of(a_decision(name))
    assert explainer.asked["old"] == 1
    kept.of(a_decision("a"))
    assert explainer.asked["a"] == 2


def test_a_bundle_that_has_to_be_opened_waits_for_the_picture_and_never_for_the_end(
    explainer, kept, monkeypatch
):
    monkeypatch.setattr(pictures, "HEAD_START_S", 60.0)
    explainer.opens_slowly = True
    kept.prepare(a_decision("a"))
    assert kept.of(a_decision("a")).startswith(b"\xff\xd8")
    assert not kept.is_explained(a_decision("a"))
    kept.close()  # the test's own limit would end it otherwise
    assert kept.is_explained(a_decision("a"))
