"""Who a web request is meant for: what keeps pages in a browser from putting objects here."""

import pytest
import requests

from core.service.intake.addressing import address_problem, canonical_host
from domains.xray.node.peers import Node, Peer, Peers
from tests.domains.xray.test_stow import KIND, multipart
from tests.domains.xray.wire import ROOM, a_node, an_object, calling, file_of, kept

pytestmark = pytest.mark.service

NAMES = {"localhost", "127.0.0.1", "::1", "10.1.2.3", "assay.hospital.example"}


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8080",
        "localhost.:8080",
        "127.0.0.1:1",
        "[::1]",
        "[::1]:8080",
        "[0:0:0:0:0:0:0:1]:8080",
        "10.1.2.3",
        "Assay.Hospital.Example:443",
    ],
)
@pytest.mark.parametrize("scheme", [None, "http", "https"])
def test_names_of_the_node_are_taken_in_any_spelling_with_the_nodes_own_origin(host, scheme):
    origin = None if scheme is None else f"{scheme}://{host}"
    assert address_problem(host, origin, NAMES) == ""


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "evil-localhost",
        "127.0.0.1.evil.example:8080",
        "127.0.0.2",
        "[::2]:8080",
        "::1",
        "localhost@evil.example",
        "evil.example@localhost",
        "localhost/evil.example",
        "localhost:8080:9",
        "localhost evil.example",
    ],
)
def test_any_other_name_is_refused(host):
    assert "not called by the name" in address_problem(host, None, NAMES)


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "http://localhost:3000", "http://localhost", "null", "", "file://"],
)
def test_a_page_of_another_place_is_refused_although_it_names_the_node(origin):
    assert "other places" in address_problem("localhost:8080", origin, NAMES)


def test_an_address_within_the_other_protocol_is_the_address():
    assert canonical_host("::ffff:10.1.2.3") == "10.1.2.3"


def post(web, host, **headers):
    return requests.post(
        f"http://{web.location.split('/')[2]}/studies",
        multipart(file_of(an_object("1"))),
        headers={"Content-Type": KIND, "Host": host, **headers},
        timeout=20,
    ).status_code


def test_a_rebound_name_and_a_foreign_page_put_nothing_here(tmp_path):
    with a_node(tmp_path, stow_port=0) as (store, web):
        here = f"127.0.0.1:{web.port}"
        rebound = f"evil.example:{web.port}"
        assert post(web, rebound) == 403
        assert post(web, rebound, Origin=f"http://{rebound}") == 403
        assert post(web, here, Origin="http://evil.example") == 403
        preflight = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
        asked = requests.options(f"http://{here}/studies", headers=preflight, timeout=20)
        assert asked.status_code == 403
        assert "Access-Control-Allow-Origin" not in asked.headers
        assert kept(store) == []
        assert post(web, here, Origin=f"http://{here}") == 200
        assert len(kept(store)) == 1


def test_names_are_entered_by_the_administrator_and_any_bound_address_is_one(tmp_path):
    sender = Peer(name="WEB", protocol="stow", host="127.0.0.1", may_send=True)
    peers = Peers(node=Node(hosts=("assay.hospital.example",)), peers=(sender,))
    with a_node(tmp_path, peers=peers, host="0.0.0.0", stow_port=0) as (_, web):
        assert post(web, f"Assay.Hospital.Example:{web.port}") == 200
        assert post(web, "other.hospital.example") == 403
        reached = requests.post(
            f"http://127.0.0.1:{web.port}/studies",
            multipart(file_of(an_object("1"))),
            headers={"Content-Type": KIND},
            timeout=20,
        )
        assert reached.status_code == 200


def test_a_node_listens_at_an_address_of_the_sixth_version(tmp_path):
    with a_node(tmp_path, host="::1", port=0, stow_port=0, limits=ROOM) as (store, dicom, web):
        assert web.location == f"STOW-RS http://[::1]:{web.port}/studies"
        assert dicom.location == f"DICOM ASSAY@[::1]:{dicom.port}"
        assert post(web, f"[::1]:{web.port}") == 200
        with calling(dicom.port, address="::1") as association:
            assert association.send_c_store(an_object("2")).Status == 0
        assert [source for _, _, source in kept(store)] == ["stow:LOCAL", "c-store:LOCAL"]
