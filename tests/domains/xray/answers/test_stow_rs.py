"""STOW-RS to real web servers that say what an archive may say, or nothing at all."""

from __future__ import annotations

import pytest

from core.errors import AssayError
from core.service.delivery.results import PartResult, Unreachable
from domains.xray.answers import delivery
from domains.xray.answers.delivery import store_by_stow
from domains.xray.answers.objects import encode
from domains.xray.answers.report_sr import COMPREHENSIVE_SR, report
from tests.domains.xray.answers.answers import NAMES, a_source, an_answer
from tests.domains.xray.answers.pacs import a_free_port
from tests.domains.xray.answers.receivers import (
    CANARY,
    JSON,
    XML,
    Reply,
    a_web_peer,
    a_web_server,
    by_stow,
    failed,
)

pytestmark = pytest.mark.service


def test_each_object_has_its_own_fate_by_stow_too(mixed):
    def reply(body: bytes) -> Reply:
        return (
            (409, JSON, failed(0x0122)) if COMPREHENSIVE_SR.encode() in body else (200, JSON, b"")
        )

    with a_web_server(reply) as (peer, bodies):
        results = list(store_by_stow(mixed, peer))
    no = PartResult("it refused with reason 0122", is_permanent=True)
    assert results == [no, PartResult(), PartResult(), no]
    assert len(bodies) == 4


def test_a_web_server_that_takes_the_call_and_never_answers_is_given_up(objects, silence):
    with pytest.raises(Unreachable):
        by_stow(objects, a_web_peer(silence))


@pytest.mark.parametrize(
    ("reply", "delivered"),
    [
        ((200, JSON, b"{}"), True),
        ((200, JSON, b""), True),
        ((200, XML, b'<?xml version="1.0"?><NativeDicomModel/>'), True),
        ((202, JSON, failed(0x0111)), True),
        ((409, JSON, failed(0x0111, 0x0111)), True),
        ((200, JSON, failed(0xA700)), False),
        (
            (200, XML, b'<NativeDicomModel><DicomAttribute tag="00081198"/></NativeDicomModel>'),
            False,
        ),
        ((200, "text/html", b"<html>Please log in</html>"), False),
        ((302, "text/html", b""), False),
        ((202, XML, b"<torn"), False),
        ((200, "application/json", b"[17]"), False),
        ((202, JSON, failed(0x0111, 0xA900)), False),
        ((409, JSON, failed(0xC000)), False),
        ((409, JSON, b""), False),
        ((409, XML, b"<CANARY/>"), False),
        ((202, JSON, b"not json: CANARY"), False),
        ((401, "text/plain", b"CANARY"), False),
        ((503, "text/plain", b"later"), False),
    ],
)
def test_a_web_server_has_it_when_it_says_so(objects, reply, delivered, caplog):
    caplog.set_level("DEBUG")
    with a_web_server(lambda _: reply) as (peer, bodies):
        if delivered:
            by_stow(objects, peer)
        else:
            with pytest.raises(AssayError) as raised:
                by_stow(objects, peer)
            assert "CANARY" not in str(raised.value)
    assert len(bodies) == 1
    assert "CANARY" not in caplog.text


def test_the_very_bytes_of_the_outbox_go_out_by_stow(objects):
    written = encode(report(an_answer(study=a_source(PatientName=CANARY)), NAMES))
    with a_web_server(lambda _: (200, JSON, b"")) as (peer, bodies):
        by_stow(objects, peer)
    assert written in bodies[0]


def test_a_token_goes_with_the_request_and_an_unset_one_is_named(objects, monkeypatch):
    peer = a_web_peer(1).model_copy(update={"token_env": "TEST_PACS_TOKEN"})
    with pytest.raises(AssayError, match="TEST_PACS_TOKEN"):
        by_stow(objects, peer)
    monkeypatch.setenv("TEST_PACS_TOKEN", "secret")
    with delivery._session(peer) as session:
        assert session.headers["Authorization"] == "Bearer secret"
        assert not session.trust_env


def test_a_web_server_that_is_not_there_is_out_of_reach(objects):
    with pytest.raises(Unreachable):
        by_stow(objects, a_web_peer(a_free_port()))
