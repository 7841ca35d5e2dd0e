"""What leaves the server of a case that was drawn for the audit, byte by byte."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from core.imaging.files import open_file
from core.records import reviews
from core.records.case_list import list_cases
from core.records.store import decisions
from core.service.assessment.recording import assess_and_record
from core.service.store import open_store
from core.types import Disposition, Reason
from dashboard.present import BLIND_NOTE

LONG_MS = 120_000


@pytest.fixture
def drawn(settings, tiny_product):
    """The one case that waits: an automatic negative of an audit share of 1."""
    store = open_store(settings)
    bundle, policy = tiny_product.opened()
    path = tiny_product.pictures("test", "good")[-1]
    file = open_file(path, settings.max_bytes, "plate-in-question")
    list(
        assess_and_record(bundle, [file], store, policy=policy, settings=settings, audit_share=1.0)
    )
    (made,) = (
        one for one in decisions(store, pack="parts", limit=1)
        if Reason.AUDIT in {finding.reason for finding in one.findings}
    )  # fmt: skip
    for one in list_cases(store, "parts"):
        if one.item.key != "plate-in-question":
            assert reviews.review(store, one.item, Disposition.NEGATIVE, reviewer="Grace")
    yield made
    store.close()


def test_nothing_that_the_server_sends_tells_that_a_case_was_drawn(page, serve, drawn):
    frames = []
    page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda one: frames.append(_bytes(one))),
    )
    page.goto(serve("Ada"))
    expect(page.get_by_text("plate-in-question").first).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text(BLIND_NOTE)).to_be_visible(timeout=LONG_MS)
    page.wait_for_timeout(4000)  # heat maps come late, where they come at all
    sent = b"".join(frames)
    assert len(sent) > 10_000
    assert b"plate-in-question" in sent
    chance = f"{drawn.positive_probability:.3f}".encode()
    marks = (b"AUDIT", b"rawn at random", b"live error rate", chance, b"Called PASS", b"Nearest")
    assert [one for one in marks if one in sent] == []
    assert drawn.id.encode() not in page.url.encode()
    assert "audit" not in page.url.casefold()


def _bytes(payload) -> bytes:
    return payload.encode() if isinstance(payload, str) else payload
