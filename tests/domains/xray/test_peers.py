"""The peers' file: what it says, who may come in by it, and everything that can be wrong."""

import re
from pathlib import Path

import pytest

from core.errors import ConfigError
from domains.xray.node import peers as module
from domains.xray.node.peers import KINDS, Peer, Peers, load_peers, peers_at


def written(folder: Path, text: str) -> Path:
    path = folder / "peers.toml"
    path.write_text(text)
    return path


def test_the_example_in_the_documentation_is_one(tmp_path):
    example = re.search(r"\n\n((?:    .*\n|\n)+)\n", module.__doc__)[1].replace("\n    ", "\n")
    for name in ("node.pem", "node.key", "hospital.pem"):
        (tmp_path / name).write_text("")
    read = load_peers(written(tmp_path, example.strip()))
    assert read.node.ae_title == "ASSAY"
    assert read.called("OTHER").node == read.node.model_copy(update={"ae_title": "OTHER"})
    assert read.node.tls.ca == tmp_path / "hospital.pem"
    assert [peer.name for peer in read.receivers()] == ["PACS", "ARCHIVE"]
    assert read.named("PACS").port == 104
    assert read.named("PACS").results == KINDS
    assert read.named("ARCHIVE").results == ("capture",)


def test_all_faults_are_said_at_once_and_no_secret_is_repeated(tmp_path):
    path = written(
        tmp_path,
        """
        [node]
        ae_title = "MUCH TOO LONG A TITLE"
        tls = { certificate = "missing.pem" }
        [[peers]]
        name = "pacs of ours"
        ae_title = "back\\\\slash"
        host = "h"
        port = 70000
        token = "hush-hush"
        """,
    )
    with pytest.raises(ConfigError) as caught:
        load_peers(path)
    message = str(caught.value)
    for place in ("node.ae_title", "missing.pem", "peers.0.name", "peers.0.ae_title"):
        assert place in message
    assert "peers.0.port" in message
    assert "peers.0.token" in message
    assert "hush-hush" not in message


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('name = "A"\nae_title = "A"', "needs ae_title and host"),
        ('name = "A"\nhost = "h"', "needs ae_title and host"),
        ('name = "A"\nae_title = "A"\nhost = "h"\nsend_results_to = true', "give port"),
        ('name = "A"\nprotocol = "stow"\nsend_results_to = true', "go to a url"),
        (
            'name = "A"\nprotocol = "stow"\nsend_results_to = true\nurl = "file:///etc"',
            "go to a url",
        ),
        ('name = "A"\nprotocol = "stow"\nmay_send = true', "needs host"),
        ('name = "A"\nprotocol = "ftp"', "dimse"),
        ('name = "A"\nae_title = " "\nhost = "h"', "AE title"),
    ],
)
def test_a_peer_that_cannot_be_reached_or_known_is_refused(tmp_path, table, message):
    with pytest.raises(ConfigError, match=message):
        load_peers(written(tmp_path, f"[[peers]]\n{table}\n"))


@pytest.mark.parametrize("text", ["[[peers]", "\x00", "peers = 3", "[[peers]]\nnmae = 'A'"])
def test_a_file_that_says_something_else_is_refused_by_name(tmp_path, text):
    with pytest.raises(ConfigError, match=re.escape(str(tmp_path / "peers.toml"))):
        load_peers(written(tmp_path, text))


def test_two_peers_of_one_name_are_refused(tmp_path):
    one = '[[peers]]\nname = "A"\nae_title = "A"\nhost = "h"\n'
    with pytest.raises(ConfigError, match="twice: A"):
        load_peers(written(tmp_path, one * 2))


def test_without_a_file_this_machine_alone_may_send(tmp_path):
    nobody = peers_at(tmp_path)
    assert nobody == Peers()
    assert nobody.sender("127.0.0.1", "ANY").name == "LOCAL"
    assert nobody.sender("127.0.0.1").protocol == "stow"
    assert nobody.sender("10.0.0.1", "ANY") is None
    assert not nobody.knows("10.0.0.1", "dimse")


def test_a_sender_is_known_by_address_and_title_together():
    pacs = Peer(name="PACS", ae_title="PACS", host="10.0.0.1", may_send=True)
    silent = Peer(name="SILENT", ae_title="SILENT", host="10.0.0.2")
    gateway = Peer(name="WEB", protocol="stow", host="10.0.0.3", may_send=True)
    known = Peers(peers=(pacs, silent, gateway))
    assert known.sender("10.0.0.1", "PACS") == pacs
    assert known.sender("10.0.0.3") == gateway
    refused = [("10.0.0.2", "PACS"), ("10.0.0.1", "OTHER"), ("10.0.0.2", "SILENT"), ("10.0.0.1",)]
    assert [known.sender(*caller) for caller in refused] == [None] * 4
    assert [known.knows(f"10.0.0.{n}", "dimse") for n in (1, 2, 3)] == [True, False, False]
    assert known.sender("127.0.0.1", "PACS") is None


def test_a_name_is_resolved_and_one_that_resolves_to_nothing_lets_nobody_in():
    local = Peer(name="A", ae_title="A", host="localhost", may_send=True)
    assert "127.0.0.1" in local.addresses()
    lost = Peer(name="B", ae_title="B", host="no.such.host.invalid", may_send=True)
    assert lost.addresses() == frozenset()


def test_a_token_comes_from_the_environment_or_is_asked_for(monkeypatch):
    peer = Peer(name="WEB", protocol="stow", url="https://a/b", token_env="WEB_TOKEN")
    monkeypatch.delenv("WEB_TOKEN", raising=False)
    with pytest.raises(ConfigError, match=r"\$WEB_TOKEN"):
        _ = peer.token
    monkeypatch.setenv("WEB_TOKEN", "abc")
    assert peer.token == "abc"
    assert Peer(name="X", protocol="stow").token == ""


def test_another_title_for_us_is_checked_like_the_files():
    assert Peers().called("SITE2").node.ae_title == "SITE2"
    with pytest.raises(ConfigError, match="no AE title"):
        Peers().called("much too long a title")


def test_an_unknown_peer_is_named_with_those_that_are_known():
    known = Peers(peers=(Peer(name="PACS", ae_title="P", host="h"),))
    with pytest.raises(ConfigError, match="'OTHER'; known peers: PACS"):
        known.named("OTHER")
