"""TLS at both listeners, with certificates made for the test: who shows none is refused."""

import socket
import time
from dataclasses import replace

import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from dicomweb_client.session_utils import create_session

from core.errors import ConfigError
from core.service.intake.tls import Tls
from domains.xray.node.peers import Node, Peers
from tests.domains.xray.certificates import Authority
from tests.domains.xray.wire import ROOM, a_node, an_object, calling, kept, raw

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ours"), "hospital")


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("theirs"), "unknown")


@pytest.fixture(scope="module")
def node(ours, tmp_path_factory):
    certificate, key = ours.issue("node")
    tls = Tls(certificate=certificate, key=key, ca=ours.file)
    home = tmp_path_factory.mktemp("node")
    limits = replace(ROOM, silence_s=5.0)
    peers = Peers(node=Node(tls=tls))
    with a_node(home, peers=peers, limits=limits, port=0, stow_port=0) as opened:
        yield opened


def client(authority, name, trusted):
    certificate, key = authority.issue(name)
    return Tls(certificate=certificate, key=key, ca=trusted.file)


def test_a_known_certificate_sends_and_large_objects_come_through_whole(node, ours):
    store, dicom, _ = node
    tls = client(ours, "pacs", ours).client()
    with calling(dicom.port, tls_args=(tls, "127.0.0.1")) as association:
        assert association.send_c_echo().Status == 0
        assert association.send_c_store(an_object("1", side=1500)).Status == 0
    assert ("1.2.3.1", "kept", "c-store:LOCAL") in kept(store)


@pytest.mark.parametrize(
    "who", ["no certificate", "an unknown authority's certificate", "no TLS at all"]
)
def test_without_a_known_certificate_there_is_no_association(node, ours, theirs, who):
    store, dicom, _ = node
    before = kept(store)
    how = {}
    if who != "no TLS at all":
        tls = Tls(ca=ours.file) if who == "no certificate" else client(theirs, "x", ours)
        how = {"tls_args": (tls.client(), "127.0.0.1")}
    with calling(dicom.port, **how) as association:
        assert not association.is_established
    assert kept(store) == before


def test_a_handshake_that_never_begins_holds_up_nobody(node, ours):
    _, dicom, _ = node
    silent = [raw(dicom.port) for _ in range(5)]
    begun = time.monotonic()
    with calling(dicom.port, tls_args=(client(ours, "b", ours).client(), "127.0.0.1")) as one:
        assert one.is_established
    assert time.monotonic() - begun < 2.0
    for one in silent:
        one.settimeout(15)
        assert one.recv(1) == b""
        one.close()


def test_stow_takes_a_known_certificate_and_no_other(node, ours, theirs):
    store, _, web = node
    url = f"https://127.0.0.1:{web.port}"
    session = create_session()
    session.trust_env = False  # An authority named by the environment would go before ours.
    session.verify = str(ours.file)
    session.cert = tuple(map(str, ours.issue("gateway")))
    with session:
        DICOMwebClient(url, session=session).store_instances([an_object("2")])
        assert ("1.2.3.2", "kept", "stow:LOCAL") in kept(store)
    for certificate in (None, tuple(map(str, theirs.issue("y")))):
        with pytest.raises(requests.exceptions.ConnectionError):
            requests.post(f"{url}/studies", b"", verify=str(ours.file), cert=certificate, timeout=9)


def test_a_node_that_is_to_speak_tls_needs_a_certificate_of_its_own(ours, tmp_path):
    peers = Peers(node=Node(tls=Tls(ca=ours.file)))
    with (
        pytest.raises(ConfigError, match="needs a certificate"),
        a_node(tmp_path, peers=peers, port=0),
    ):
        raise AssertionError("it opened")


def test_a_port_that_is_taken_is_said_and_not_waited_for(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for listener in ("port", "stow_port"):
            with pytest.raises(ConfigError, match=f"127.0.0.1:{port}"):
                a_node(tmp_path, **{listener: port}).__enter__()
