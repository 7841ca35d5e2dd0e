"""Delivery to real servers that say what a PACS may say, or nothing at all."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO

import pytest
from pydicom import Dataset, dcmread
from pynetdicom import AE, evt

from core.errors import AssayError
from core.service.intake.tls import Tls
from domains.xray.answers import delivery
from domains.xray.answers.capture import SECONDARY_CAPTURE
from domains.xray.answers.delivery import (
    OutOfReach,
    StoreResult,
    require_kept,
    store_by_dimse,
    store_by_stow,
)
from domains.xray.answers.objects import encode
from domains.xray.answers.report_sr import COMPREHENSIVE_SR, report
from domains.xray.node.peers import Node, Peer
from tests.domains.xray.answers.answers import NAMES, a_source, an_answer
from tests.domains.xray.answers.pacs import a_free_port
from tests.domains.xray.certificates import Authority

# A socket that never connected is dropped by pynetdicom without being closed.
pytestmark = [
    pytest.mark.service,
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.usefixtures("collected"),
]

HOST = "127.0.0.1"
CANARY = "CANARY^NAME"
IMPLICIT = "1.2.840.10008.1.2"


@pytest.fixture
def objects() -> list[Dataset]:
    written = encode(report(an_answer(study=a_source(PatientName=CANARY)), NAMES))
    return [dcmread(BytesIO(written))]


def by_dimse(objects, peer, node):
    require_kept(store_by_dimse(objects, peer, node), peer)


def by_stow(objects, peer):
    require_kept(store_by_stow(objects, peer), peer)


@contextmanager
def an_scp(
    status: int = 0x0000, sop_class: str = COMPREHENSIVE_SR, syntax: str | None = None
) -> Iterator[tuple[Peer, list[Dataset]]]:
    """Serve C-STORE with one answer to everything; gives the peer and what it was sent."""
    kept: list[Dataset] = []

    def on_store(event: evt.Event) -> int:
        dataset = event.dataset
        dataset.file_meta = event.file_meta
        kept.append(dataset)
        return status

    ae = AE(ae_title="PACS")
    ae.add_supported_context(sop_class, syntax or [IMPLICIT, "1.2.840.10008.1.2.1"])
    server = ae.start_server((HOST, 0), block=False, evt_handlers=[(evt.EVT_C_STORE, on_store)])
    try:
        yield a_peer(server.server_address[1]), kept
    finally:
        server.shutdown()


def a_peer(port: int) -> Peer:
    return Peer(name="PACS", ae_title="PACS", host=HOST, port=port, send_results_to=True)


@pytest.mark.parametrize("status", [0x0000, 0xB000, 0xB006, 0xB007, 0x0111])
def test_success_warnings_and_a_duplicate_count_as_delivered(objects, status):
    with an_scp(status) as (peer, kept):
        by_dimse(objects, peer, Node())
    assert [one.SOPInstanceUID for one in kept] == [objects[0].SOPInstanceUID]


@pytest.mark.parametrize("status", [0xA700, 0xA900, 0xC000, 0x0122, 0x0124])
def test_a_failure_is_no_delivery_and_says_the_status_but_not_the_patient(objects, status, caplog):
    caplog.set_level("DEBUG")
    with an_scp(status) as (peer, _), pytest.raises(AssayError, match=f"{status:04X}") as raised:
        by_dimse(objects, peer, Node())
    assert not isinstance(raised.value, OutOfReach)
    logged = caplog.text + str(raised.value)
    assert "CANARY" not in logged
    assert objects[0].SOPInstanceUID not in logged


def test_a_peer_that_takes_implicit_only_gets_the_same_values(objects):
    with an_scp(syntax=IMPLICIT) as (peer, kept):
        by_dimse(objects, peer, Node())
    assert kept[0].file_meta.TransferSyntaxUID == IMPLICIT
    assert kept[0].to_json() == objects[0].to_json()


def test_only_what_is_needed_is_proposed(objects):
    asked: list[str] = []

    def on_request(event: evt.Event) -> None:
        proposed = event.assoc.requestor.primitive.presentation_context_definition_list
        asked.extend(str(context.abstract_syntax) for context in proposed)

    ae = AE(ae_title="PACS")
    ae.add_supported_context(COMPREHENSIVE_SR)
    handlers = [(evt.EVT_REQUESTED, on_request), (evt.EVT_C_STORE, lambda _: 0)]
    server = ae.start_server((HOST, 0), block=False, evt_handlers=handlers)
    by_dimse(objects * 2, a_peer(server.server_address[1]), Node())
    server.shutdown()
    assert asked == [COMPREHENSIVE_SR]


@pytest.fixture
def mixed(objects) -> list[Dataset]:
    """A report, two pictures, and the report once more."""
    captures = []
    for number in (1, 2):
        one = Dataset()
        one.SOPClassUID, one.SOPInstanceUID = SECONDARY_CAPTURE, f"1.2.3.{number}"
        one.file_meta = deepcopy(objects[0].file_meta)
        one.file_meta.MediaStorageSOPClassUID = SECONDARY_CAPTURE
        one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID
        captures.append(one)
    return [objects[0], *captures, objects[0]]


NO_SR = StoreResult("it takes no Comprehensive SR Storage", is_permanent=True)


def test_a_peer_that_takes_no_reports_gets_the_pictures(mixed):
    with an_scp(sop_class=SECONDARY_CAPTURE) as (peer, kept):
        assert list(store_by_dimse(mixed, peer, Node())) == [
            NO_SR, StoreResult(), StoreResult(), NO_SR
        ]  # fmt: skip
    assert [one.SOPInstanceUID for one in kept] == ["1.2.3.1", "1.2.3.2"]


def test_a_peer_that_takes_nothing_of_all_this_is_there_and_says_no(objects):
    with an_scp(sop_class="1.2.840.10008.5.1.4.1.1.2") as (peer, _):
        assert list(store_by_dimse(objects, peer, Node())) == [NO_SR]


@pytest.mark.parametrize(("status", "is_permanent"), [(0x0122, True), (0xA700, False)])
def test_an_object_that_is_refused_does_not_hold_up_the_next(mixed, status, is_permanent):
    pictures = mixed[1:3]
    with an_scp(status, sop_class=SECONDARY_CAPTURE) as (peer, kept):
        results = list(store_by_dimse(pictures, peer, Node()))
    assert len(kept) == 2
    problem = f"it answered with status {status:04X}"
    assert results == [StoreResult(problem, is_permanent)] * 2


def test_each_object_has_its_own_fate_by_stow_too(mixed):
    def reply(body: bytes) -> Reply:
        return (
            (409, JSON, failed(0x0122)) if COMPREHENSIVE_SR.encode() in body else (200, JSON, b"")
        )

    with a_web_server(reply) as (peer, bodies):
        results = list(store_by_stow(mixed, peer))
    no = StoreResult("it refused with reason 0122", is_permanent=True)
    assert results == [no, StoreResult(), StoreResult(), no]
    assert len(bodies) == 4


def test_a_peer_that_is_not_there_is_out_of_reach(objects):
    with pytest.raises(OutOfReach):
        by_dimse(objects, a_peer(a_free_port()), Node())


@pytest.fixture
def silence(monkeypatch) -> Iterator[int]:
    """A port where calls are accepted and never answered, with a short timeout."""
    monkeypatch.setattr(delivery, "CONNECT_S", 0.5)
    monkeypatch.setattr(delivery, "ANSWER_S", 0.5)
    with socket.create_server((HOST, 0)) as silent:
        yield silent.getsockname()[1]


def test_a_node_that_takes_the_call_and_never_speaks_is_given_up(objects, silence):
    with pytest.raises(OutOfReach):
        by_dimse(objects, a_peer(silence), Node())


def test_a_web_server_that_takes_the_call_and_never_speaks_is_given_up(objects, silence):
    with pytest.raises(OutOfReach):
        by_stow(objects, a_web_peer(silence))


def test_tls_names_both_sides_and_refuses_a_stranger_in_the_peers_place(objects, tmp_path):
    trusted, other = Authority(tmp_path, "hospital"), Authority(tmp_path, "unknown")
    pacs, ours = trusted.issue("pacs"), trusted.issue("assay")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=trusted.file)
    context.load_cert_chain(*pacs)
    context.verify_mode = ssl.CERT_REQUIRED
    kept: list[str] = []

    def on_store(event: evt.Event) -> int:
        kept.append(event.request.AffectedSOPInstanceUID)
        return 0

    ae = AE(ae_title="PACS")
    ae.add_supported_context(COMPREHENSIVE_SR)
    handlers = [(evt.EVT_C_STORE, on_store)]
    server = ae.start_server((HOST, 0), block=False, ssl_context=context, evt_handlers=handlers)
    peer = a_peer(server.server_address[1])
    certificate, key = ours
    shown = {"certificate": certificate, "key": key}
    good, bad = Tls(ca=trusted.file, **shown), Tls(ca=other.file, **shown)
    try:
        by_dimse(objects, peer.model_copy(update={"tls": good}), Node())
        with pytest.raises(OutOfReach):
            by_dimse(objects, peer.model_copy(update={"tls": bad}), Node())
        with pytest.raises(OutOfReach):
            by_dimse(objects, peer, Node())
    finally:
        server.shutdown()
    assert kept == [objects[0].SOPInstanceUID]


def test_a_peer_that_stops_reading_in_the_middle_is_given_up(objects, monkeypatch):
    monkeypatch.setattr(delivery, "ANSWER_S", 1.0)
    large = objects[0]
    large.add_new((0x0040, 0xA160), "UT", "x" * 50_000_000)
    stuck = threading.Event()
    ae = AE(ae_title="PACS")
    ae.add_supported_context(COMPREHENSIVE_SR)

    def stop_at_data(event: evt.Event) -> None:
        if type(event.pdu).__name__ == "P_DATA_TF":
            stuck.wait(30)

    handlers = [(evt.EVT_PDU_RECV, stop_at_data)]
    server = ae.start_server((HOST, 0), block=False, evt_handlers=handlers)
    try:
        with pytest.raises(OutOfReach):
            by_dimse([large], a_peer(server.server_address[1]), Node())
    finally:
        stuck.set()
        server.shutdown()


Reply = tuple[int, str, bytes]


@contextmanager
def a_web_server(reply: Callable[[bytes], Reply]) -> Iterator[tuple[Peer, list[bytes]]]:
    """Serve STOW-RS with one answer to everything; gives the peer and the bodies it was sent."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            status, media, content = reply(bodies[-1])
            self.send_response(status)
            self.send_header("Content-Type", media)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield a_web_peer(server.server_address[1]), bodies
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def a_web_peer(port: int) -> Peer:
    url = f"http://{HOST}:{port}/dicom-web"
    return Peer(name="WEB", protocol="stow", url=url, send_results_to=True)


def failed(*reasons: int) -> bytes:
    item = [{"00081197": {"vr": "US", "Value": [reason]}} for reason in reasons]
    return json.dumps({"00081198": {"vr": "SQ", "Value": item}}).encode()


JSON, XML = "application/dicom+json", "application/dicom+xml"


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
    with pytest.raises(OutOfReach):
        by_stow(objects, a_web_peer(a_free_port()))
