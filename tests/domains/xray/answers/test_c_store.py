"""C-STORE to real servers that say what a PACS may say, or nothing at all."""

from __future__ import annotations

import socket
import ssl
import threading

import pytest
from pynetdicom import AE, evt

from core.errors import AssayError
from core.service.delivery.results import PartResult, Unreachable
from core.service.intake.tls import Tls
from domains.xray.answers import delivery
from domains.xray.answers.capture import SECONDARY_CAPTURE
from domains.xray.answers.delivery import store_by_dimse
from domains.xray.answers.report_sr import COMPREHENSIVE_SR
from domains.xray.node import pynetdicom_private
from domains.xray.node.peers import Node
from tests.domains.xray.answers.pacs import HOST, a_free_port
from tests.domains.xray.answers.receivers import IMPLICIT, a_peer, an_scp, by_dimse
from tests.domains.xray.certificates import Authority

# A socket that never connected is dropped by pynetdicom without being closed.
pytestmark = [
    pytest.mark.service,
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.usefixtures("collected"),
]

NO_SR = PartResult("it takes no Comprehensive SR Storage", is_permanent=True)


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
    assert not isinstance(raised.value, Unreachable)
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


def test_a_peer_that_takes_no_reports_gets_the_pictures(mixed):
    with an_scp(sop_class=SECONDARY_CAPTURE) as (peer, kept):
        assert list(store_by_dimse(mixed, peer, Node())) == [
            NO_SR, PartResult(), PartResult(), NO_SR
        ]  # fmt: skip
    assert [one.SOPInstanceUID for one in kept] == ["1.2.3.1", "1.2.3.2"]


def test_a_peer_that_takes_nothing_of_all_this_is_there_and_says_no(objects):
    with an_scp(sop_class="1.2.840.10008.5.1.4.1.1.2") as (peer, _):
        assert list(store_by_dimse(objects, peer, Node())) == [NO_SR]


def test_that_peer_is_hung_up_on_at_any_moment(objects, monkeypatch):
    closed = socket.socket()
    closed.close()
    monkeypatch.setattr(pynetdicom_private, "socket_of", lambda _: closed)
    with an_scp(sop_class="1.2.840.10008.5.1.4.1.1.2") as (peer, _):
        assert list(store_by_dimse(objects, peer, Node())) == [NO_SR]


@pytest.mark.parametrize(("status", "is_permanent"), [(0x0122, True), (0xA700, False)])
def test_an_object_that_is_refused_does_not_hold_up_the_next(mixed, status, is_permanent):
    pictures = mixed[1:3]
    with an_scp(status, sop_class=SECONDARY_CAPTURE) as (peer, kept):
        results = list(store_by_dimse(pictures, peer, Node()))
    assert len(kept) == 2
    problem = f"it answered with status {status:04X}"
    assert results == [PartResult(problem, is_permanent)] * 2


def test_a_peer_that_is_not_there_is_out_of_reach(objects):
    with pytest.raises(Unreachable):
        by_dimse(objects, a_peer(a_free_port()), Node())


def test_a_node_that_takes_the_call_and_never_answers_is_given_up(objects, silence):
    with pytest.raises(Unreachable):
        by_dimse(objects, a_peer(silence), Node())


def test_tls_names_both_sides_and_refuses_another_node_in_the_peers_place(objects, tmp_path):
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
        with pytest.raises(Unreachable):
            by_dimse(objects, peer.model_copy(update={"tls": bad}), Node())
        with pytest.raises(Unreachable):
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
        with pytest.raises(Unreachable):
            by_dimse([large], a_peer(server.server_address[1]), Node())
    finally:
        stuck.set()
        server.shutdown()
