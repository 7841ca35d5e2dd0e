"""The DICOM listener against real senders: pynetdicom's and dcmtk's, over loopback."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO

import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRBigEndian, ImplicitVRLittleEndian
from pynetdicom import AE, _config, build_context

from core.records import blobs
from core.records.connection import reading
from core.records.tables import RECEIPTS
from domains.xray.node.peers import Peer, Peers
from domains.xray.node.sop_classes import JUDGED_CLASSES, TRANSFER_SYNTAXES
from tests.domains.xray.wire import (
    DX,
    ROOM,
    VERIFICATION,
    a_node,
    an_object,
    calling,
    dcmtk,
    file_of,
    kept,
    queued,
)

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with a_node(tmp_path_factory.mktemp("node"), port=0) as (store, listener):
        yield store, listener


COMMON = (
    "1.2.840.10008.5.1.4.1.1.88.67",  # dose report
    "1.2.840.10008.5.1.4.1.1.88.33",  # comprehensive SR
    "1.2.840.10008.5.1.4.1.1.88.59",  # key objects
    "1.2.840.10008.5.1.4.1.1.11.1",  # presentation state
    "1.2.840.10008.5.1.4.1.1.104.1",  # PDF
    "1.2.840.10008.5.1.4.1.1.2",  # CT
    "1.2.840.10008.5.1.4.1.1.6",  # ultrasound as it was until 1993
)


def send(port, *objects, classes=(), **how):
    with calling(port, *classes, **how) as association:
        assert association.is_established
        return [association.send_c_store(one).Status for one in objects]


def receipts(store, key):
    with reading(store) as connection:
        rows = connection.execute(RECEIPTS.select().where(RECEIPTS.c.key == key)).mappings()
        return [dict(row) for row in rows]


def content(store, key):
    [row] = [row for row in receipts(store, key) if row["state"] == "kept"]
    return blobs.get(store.blobs, row["sha256"])


def test_c_echo_is_answered_to_pynetdicom_and_to_dcmtk(node):
    _, listener = node
    with calling(listener.port) as association:
        assert association.send_c_echo().Status == 0
    command = [dcmtk("echoscu"), "-aet", "PACS", "-aec", "ASSAY", "127.0.0.1", str(listener.port)]
    assert subprocess.run(command, timeout=30).returncode == 0


def test_what_is_sent_is_kept_byte_for_byte_and_queued_before_success(node):
    store, listener = node
    sent, before = an_object("101", study="1.2.826.1"), queued(store)
    assert send(listener.port, sent) == [0x0000]
    read = pydicom.dcmread(BytesIO(content(store, sent.SOPInstanceUID)))
    assert read == sent
    assert read.file_meta.TransferSyntaxUID == sent.file_meta.TransferSyntaxUID
    assert queued(store) == before + 1
    assert (sent.SOPInstanceUID, "kept", "c-store:LOCAL") in kept(store)


def test_dcmtk_sends_a_file_and_the_canonical_file_is_the_same_as_by_pynetdicom(node, tmp_path):
    store, listener = node
    sent = an_object("102", study="1.2.826.2")
    (tmp_path / "a.dcm").write_bytes(file_of(sent))
    command = [dcmtk("storescu"), "-aet", "PACS", "-aec", "ASSAY", "127.0.0.1", str(listener.port)]
    assert subprocess.run([*command, str(tmp_path / "a.dcm")], timeout=30).returncode == 0
    before = len(kept(store))
    assert send(listener.port, sent) == [0x0000]
    assert len(kept(store)) == before


def test_the_same_object_again_is_success_and_one_job_while_other_bytes_are_a_conflict(node):
    store, listener = node
    sent = an_object("103", study="1.2.826.3")
    other = an_object("103", study="1.2.826.3", PatientName="Doe^John")
    before = queued(store)
    with calling(listener.port) as association:
        answers = [association.send_c_store(one) for one in (sent, sent, other, other, sent)]
    assert [one.Status for one in answers] == [0, 0, 0xC001, 0xC001, 0]
    assert "another object" in answers[2].ErrorComment
    assert queued(store) == before + 1
    states = [state for key, state, _ in kept(store) if key == sent.SOPInstanceUID]
    assert states == ["kept", "conflict"]
    assert pydicom.dcmread(BytesIO(content(store, sent.SOPInstanceUID))) == sent


def test_one_study_in_several_associations_at_once_is_one_job_an_object(node):
    store, listener = node
    objects = [an_object(str(number), study="1.2.826.4") for number in range(201, 213)]
    before = queued(store)
    with ThreadPoolExecutor(4) as pool:
        shares = [objects[i::3] for i in range(3)]
        # Every object twice, from two senders that race.
        for answers in pool.map(lambda share: send(listener.port, *share), shares * 2):
            assert answers == [0] * 4
    assert queued(store) == before + 12


def test_wrong_called_or_calling_ae_title_or_address_is_rejected_for_good(tmp_path):
    pacs = Peer(name="PACS", ae_title="PACS", host="127.0.0.1", may_send=True)
    elsewhere = Peer(name="FAR", ae_title="FAR", host="127.9.9.9", may_send=True)
    silent = Peer(name="SILENT", ae_title="SILENT", host="127.0.0.1")
    peers = Peers(peers=(pacs, elsewhere, silent))
    with a_node(tmp_path, peers=peers, port=0) as (store, listener):
        assert send(listener.port, an_object("1"), calling="PACS") == [0]
        refused = [("PACS", "OTHER"), ("UNKNOWN", "ASSAY"), ("FAR", "ASSAY"), ("SILENT", "ASSAY")]
        for title, called in refused:
            with calling(listener.port, called=called, calling=title) as association:
                assert association.is_rejected, (title, called)
                primitive = association.acceptor.primitive
                assert (primitive.result, primitive.result_source) == (1, 1)
                assert primitive.diagnostic == (7 if called == "OTHER" else 3)
        assert kept(store) == [("1.2.3.1", "kept", "c-store:PACS")]


def test_an_address_that_nobody_may_send_from_is_hung_up_on_without_a_word(tmp_path):
    peers = Peers(peers=(Peer(name="FAR", ae_title="FAR", host="127.9.9.9", may_send=True),))
    with (
        a_node(tmp_path, peers=peers, port=0) as (_, listener),
        calling(listener.port, calling="FAR") as association,
    ):
        assert not association.is_established
        assert not association.is_rejected


def test_every_class_and_every_syntax_of_the_lists_is_accepted_and_no_other(node):
    _, listener = node
    private, deflated, retired = "1.3.12.2.5.9", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.55"
    classes = [*COMMON, *JUDGED_CLASSES, VERIFICATION, private]
    ae = AE("PACS")
    ae.requested_contexts = [
        *(build_context(one, "1.2.840.10008.1.2.1") for one in classes),
        *(build_context(DX, one) for one in (*TRANSFER_SYNTAXES, deflated, retired)),
    ]
    association = ae.associate("127.0.0.1", listener.port, ae_title="ASSAY")
    accepted, rejected = association.accepted_contexts, association.rejected_contexts
    association.release()
    assert {str(one.abstract_syntax) for one in accepted} == {*classes} - {private}
    assert {str(one.transfer_syntax[0]) for one in accepted} == set(TRANSFER_SYNTAXES)
    refused = {(str(one.abstract_syntax), str(one.transfer_syntax[0])) for one in rejected}
    assert refused == {(private, "1.2.840.10008.1.2.1"), (DX, deflated), (DX, retired)}


def test_an_object_of_every_class_is_kept(node):
    store, listener = node
    with calling(listener.port, *JUDGED_CLASSES) as association:
        for number, sop_class in enumerate(JUDGED_CLASSES):
            sent = an_object(str(number), study="1.2.826.8", sop_class=sop_class)
            assert association.send_c_store(sent).Status == 0
            assert pydicom.dcmread(BytesIO(content(store, sent.SOPInstanceUID))) == sent


def test_what_comes_with_a_radiograph_is_kept_and_set_aside_in_the_same_association(node, caplog):
    store, listener = node
    caplog.set_level("INFO")
    before = queued(store)
    sent = [an_object("0", study="1.2.826.10")]
    sent += [
        an_object(str(number), study="1.2.826.10", sop_class=one)
        for number, one in enumerate(COMMON, 1)
    ]
    assert send(listener.port, *sent, classes=(*COMMON, DX)) == [0] * len(sent)
    states = {key: state for key, state, _ in kept(store) if key.startswith("1.2.826.10.")}
    assert states == {one.SOPInstanceUID: "aside" for one in sent} | {"1.2.826.10.0": "kept"}
    assert queued(store) == before + 1
    for one in sent:
        [row] = receipts(store, one.SOPInstanceUID)
        assert json.loads(row["meta"])["sop_class"] == one.SOPClassUID
        assert pydicom.dcmread(BytesIO(blobs.get(store.blobs, row["sha256"]))) == one
    # Sent again it is known, and other content under its name is a conflict as for any object.
    assert send(listener.port, sent[1], classes=COMMON) == [0]
    changed = an_object("1", study="1.2.826.10", sop_class=COMMON[0], PatientName="Doe^John")
    assert send(listener.port, changed, classes=COMMON) == [0xC001]
    aside = [json.loads(line.message) for line in caplog.records if "set aside" in line.message]
    assert aside[0]["sop_class"] == "XRayRadiationDoseSRStorage"
    assert len(aside) == len(COMMON)


def test_what_is_not_negotiated_is_logged_with_the_peer_the_class_and_the_reason(node, caplog):
    _, listener = node
    caplog.set_level("INFO")
    ae = AE("PACS")
    ae.requested_contexts = [
        build_context("1.3.12.2.1107.5.9.1", "1.2.840.10008.1.2.1"),
        build_context(COMMON[0], "1.2.840.10008.1.2.1.99"),
        build_context(DX, "1.2.840.10008.1.2.1"),
    ]
    association = ae.associate("127.0.0.1", listener.port, ae_title="ASSAY")
    association.release()
    with calling(listener.port, called="OTHER") as rejected:
        assert rejected.is_rejected
    command = [json.loads(line.message) for line in caplog.records if "refused" in line.message]
    common = {"event": "refused", "transport": "c-store"}
    assert command == [
        common | {"peer": "LOCAL", "code": "NO_SUCH_CLASS", "sop_class": "Unregistered"},
        common
        | {"peer": "LOCAL", "code": "NO_SUCH_SYNTAX", "sop_class": "XRayRadiationDoseSRStorage"},
        common | {"code": "CALLED_UNKNOWN"},
    ]


def test_an_object_in_every_compressed_syntax_is_kept_as_it_was_encoded(node):
    store, listener = node
    compressed = [syntax for syntax in TRANSFER_SYNTAXES if UID(syntax).is_compressed]
    assert len(compressed) == 12
    ae = AE("PACS")
    ae.requested_contexts = [build_context(DX, syntax) for syntax in compressed]
    association = ae.associate("127.0.0.1", listener.port, ae_title="ASSAY")
    for number, syntax in enumerate(compressed):
        sent = an_object(str(number), study="1.2.826.9")
        sent.file_meta.TransferSyntaxUID = UID(syntax)
        # What is inside is nobody's business here.
        sent.PixelData = encapsulate([bytes([number]) * 50])
        sent["PixelData"].is_undefined_length = True
        assert association.send_c_store(sent).Status == 0
        read = pydicom.dcmread(BytesIO(content(store, sent.SOPInstanceUID)))
        assert read.file_meta.TransferSyntaxUID == syntax
        assert read == sent
    association.release()


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_a_data_set_is_kept_in_the_encoding_that_was_negotiated(node, syntax):
    store, listener = node
    sent = an_object("104", study=f"1.2.826.5.{len(syntax)}")
    sent.file_meta.TransferSyntaxUID = syntax
    ae = AE("PACS")
    ae.add_requested_context(DX, syntax)
    association = ae.associate("127.0.0.1", listener.port, ae_title="ASSAY")
    assert association.send_c_store(sent).Status == 0
    association.release()
    read = pydicom.dcmread(BytesIO(content(store, sent.SOPInstanceUID)))
    assert read.file_meta.TransferSyntaxUID == syntax
    read["PixelData"].VR = "OB"  # Implicit VR does not say it.
    assert read == sent


def test_an_envelope_that_names_another_object_is_refused_as_a_mismatch(node, tmp_path):
    store, listener = node
    sent = an_object("105", study="1.2.826.6")
    before = kept(store)
    with calling(listener.port) as association:
        request = file_of(sent).replace(b"1.2.826.6.105", b"1.2.826.6.106", 1)
        path = tmp_path / "lying.dcm"
        path.write_bytes(request)
        _config.STORE_SEND_CHUNKED_DATASET = True
        try:
            answer = association.send_c_store(path)
        finally:
            _config.STORE_SEND_CHUNKED_DATASET = False
    assert answer.Status == 0xA900
    assert kept(store) == before


def test_no_more_associations_than_allowed_and_the_next_one_comes_in_when_one_leaves(tmp_path):
    limits = replace(ROOM, senders=2)
    with a_node(tmp_path, limits=limits, port=0) as (_, listener):
        with calling(listener.port) as one, calling(listener.port) as two:
            assert one.is_established
            assert two.is_established
            with calling(listener.port) as three:
                assert three.is_rejected
                assert three.acceptor.primitive.result == 2  # transient
        with calling(listener.port) as again:
            assert again.is_established


def test_a_disk_below_the_floor_is_out_of_resources_and_nothing_is_kept(tmp_path):
    with a_node(tmp_path, limits=replace(ROOM, free_bytes=1 << 60), port=0) as (store, listener):
        assert send(listener.port, an_object("1"), an_object("1")) == [0xA700, 0xA700]
        assert kept(store) == []
        assert not list(store.blobs.glob("??/*"))
