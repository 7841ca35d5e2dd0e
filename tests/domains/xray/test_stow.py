"""The DICOMweb listener against a real client, and against requests that no client would make."""

import time
from dataclasses import replace

import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from requests.exceptions import HTTPError

from domains.xray.node.part10 import part10
from domains.xray.node.peers import Peer, Peers
from tests.domains.xray.wire import DX, ROOM, a_node, an_object, calling, file_of, kept, queued, raw

pytestmark = pytest.mark.service

KEPT, FAILED, OTHER, REASON = "00081199", "00081198", "0008119A", "00081197"
BOUNDARY = "a-boundary"
KIND = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    limits = replace(ROOM, silence_s=3.0, object_s=5.0, object_bytes=1 << 20)
    with a_node(tmp_path_factory.mktemp("node"), limits=limits, port=0, stow_port=0) as opened:
        yield opened


def url(web, study=""):
    return f"http://127.0.0.1:{web.port}/studies{study and '/' + study}"


def multipart(*files):
    parts = [
        b"--%s\r\nContent-Type: application/dicom\r\n\r\n%s\r\n" % (b"a-boundary", f) for f in files
    ]
    return b"".join([*parts, b"--a-boundary--\r\n"])


def post(web, body, study="", kind=KIND, **how):
    headers = {"Content-Type": kind, **how.pop("headers", {})}
    return requests.post(url(web, study), body, headers=headers, timeout=20, **how)


def reasons(answer, tag=FAILED):
    return [item[REASON]["Value"][0] for item in answer.json()[tag]["Value"]]


def test_a_real_client_stores_a_study_and_the_answer_names_every_object(node):
    store, _, web = node
    objects = [an_object(str(number), study="1.4.1") for number in (1, 2, 3)]
    before = queued(store)
    client = DICOMwebClient(f"http://127.0.0.1:{web.port}")
    answer = client.store_instances(objects, study_instance_uid="1.4.1")
    named = [item.ReferencedSOPInstanceUID for item in answer.ReferencedSOPSequence]
    assert named == [one.SOPInstanceUID for one in objects]
    assert queued(store) == before + 3


def test_the_same_object_by_stow_and_by_c_store_is_one(node):
    store, dicom, web = node
    sent = an_object("1", study="1.4.2")
    before = queued(store)
    assert post(web, multipart(file_of(sent))).status_code == 200
    with calling(dicom.port) as association:
        assert association.send_c_store(sent).Status == 0
    assert queued(store) == before + 1


def test_each_object_has_its_own_fate_and_202_says_that_fates_differ(node):
    store, _, web = node
    good = an_object("1", study="1.4.3")
    conflicting = an_object("1", study="1.4.3", PatientName="Doe^John")
    ct = an_object("2", study="1.4.3", sop_class="1.2.840.10008.5.1.4.1.1.2")
    private = an_object("5", study="1.4.3", sop_class="1.3.12.2.1107.5.9.1")
    body = multipart(
        file_of(good),
        file_of(conflicting),
        file_of(ct),
        file_of(private),
        part10(DX, "1.4.3.3", "1.2.840.10008.1.2.1.99", b""),
        b"no DICOM at all",
        file_of(an_object("4", study="1.4.3", side=1100)),
    )
    answer = post(web, body)
    assert answer.status_code == 202
    assert answer.headers["Content-Type"] == "application/dicom+json"
    taken = [item["00081155"]["Value"] for item in answer.json()[KEPT]["Value"]]
    assert taken == [["1.4.3.1"], ["1.4.3.2"]]
    assert reasons(answer) == [0xC001, 0x0122, 0xC122]
    assert reasons(answer, OTHER) == [0xC000, 0xA700]
    assert [(key, state) for key, state, _ in kept(store) if key.startswith("1.4.3.")] == [
        ("1.4.3.1", "kept"),
        ("1.4.3.1", "conflict"),
        ("1.4.3.2", "aside"),
    ]


def test_objects_of_another_study_than_the_address_names_are_not_taken(node):
    store, _, web = node
    before = kept(store)
    answer = post(web, multipart(file_of(an_object("1", study="1.4.4"))), study="1.4.99")
    assert (answer.status_code, reasons(answer)) == (409, [0xA900])
    assert kept(store) == before


def test_a_body_in_chunks_is_taken_as_it_arrives(node):
    _, _, web = node
    body = multipart(*(file_of(an_object(str(n), study="1.4.5")) for n in range(20)))
    pieces = (body[i : i + 777] for i in range(0, len(body), 777))
    answer = post(web, pieces)
    assert (answer.status_code, len(answer.json()[KEPT]["Value"])) == (200, 20)


def test_what_came_before_a_body_broke_off_is_kept_and_the_torn_rest_is_not(node):
    store, _, web = node
    body = multipart(*(file_of(an_object(str(n), study="1.4.6")) for n in (1, 2)))
    answer = post(web, body[:-60])
    assert answer.status_code == 202
    assert reasons(answer, OTHER) == [0xC000]
    assert [key for key, _, _ in kept(store) if key.startswith("1.4.6.")] == ["1.4.6.1"]


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        ("application/json", b"{}", 400),
        ('multipart/related; type="application/dicom"', b"", 400),
        ('multipart/related; type="application/dicom+json"; boundary=x', b"", 400),
        (f'multipart/related; type="application/dicom"; boundary={"x" * 71}', b"", 400),
        (KIND, b"", 400),
        (KIND, b"--a-boundary--\r\n", 400),
        (KIND, b"no boundary anywhere", 400),
    ],
)
def test_a_body_that_is_no_multipart_of_objects_is_refused(node, kind, body, code):
    _, _, web = node
    assert post(web, body, kind=kind).status_code == code


def test_other_ways_and_other_places_do_not_exist(node):
    _, _, web = node
    assert requests.get(url(web), timeout=9).status_code == 405
    assert requests.get(url(web, "1.2/series"), timeout=9).status_code == 404
    assert post(web, b"", study="no-uid").status_code == 400


def test_a_token_is_asked_for_and_third_parties_are_refused(tmp_path):
    with a_node(tmp_path, stow_port=0, token="s3cret") as (_, web):
        body = multipart(file_of(an_object("1")))
        assert post(web, body).status_code == 401
        wrong, right = ({"Authorization": f"Bearer {token}"} for token in ("other", "s3cret"))
        assert post(web, body, headers=wrong).status_code == 401
        assert post(web, body, headers=right).status_code == 200
    peers = Peers(peers=(Peer(name="FAR", protocol="stow", host="127.9.9.9", may_send=True),))
    with a_node(tmp_path / "far", peers=peers, stow_port=0) as (store, web):
        spoofed = {"X-Forwarded-For": "127.9.9.9"}
        assert post(web, body, headers=spoofed).status_code == 403
        assert kept(store) == []


def head(length):
    return (
        f"POST /studies HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {KIND}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


@pytest.mark.parametrize(
    "head_bytes", [b"", b"POST /studies HTT", head(9999), head(9999) + b"--a-bou"]
)
def test_a_caller_who_falls_silent_is_hung_up_on(node, head_bytes):
    _, _, web = node
    with raw(web.port) as caller:
        caller.sendall(head_bytes)
        begun = time.monotonic()
        answer = b"".join(iter(lambda: caller.recv(4096), b""))
    assert time.monotonic() - begun < 15
    assert not answer or answer.startswith(b"HTTP/1.1 408")


def test_a_body_that_drips_is_cut_off_although_it_is_never_silent(node):
    _, _, web = node
    with raw(web.port) as caller:
        caller.sendall(head(1 << 20))
        begun = time.monotonic()
        caller.settimeout(0.2)
        answer = b""
        while not answer and time.monotonic() < begun + 25:
            caller.sendall(b"--a-boundary\r\n"[:1])
            try:
                answer = caller.recv(4096)
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 4")
    assert time.monotonic() - begun < 20


def test_a_full_disk_is_503_and_the_same_request_goes_through_later(tmp_path):
    body = multipart(file_of(an_object("1")))
    with a_node(tmp_path, limits=replace(ROOM, free_bytes=1 << 60), stow_port=0) as (store, web):
        answer = post(web, body)
        assert (answer.status_code, reasons(answer)) == (503, [0xA700])
        assert kept(store) == []
    with a_node(tmp_path, stow_port=0) as (store, web):
        assert post(web, body).status_code == 200
        assert kept(store) == [("1.2.3.1", "kept", "stow:LOCAL")]


def test_a_client_is_told_of_failure_by_its_library(node):
    _, _, web = node
    client = DICOMwebClient(f"http://127.0.0.1:{web.port}")
    client.set_http_retry_params(retry=False)
    with pytest.raises(HTTPError, match="409"):
        client.store_instances([an_object("1", sop_class="1.3.12.2.1107.5.9.1")])
