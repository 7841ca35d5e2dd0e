"""`assay xray listen` as a process: what it says, how it is stopped, and what it never says."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from pynetdicom import AE, evt
from sqlalchemy import select
from typer.testing import CliRunner

from core.errors import AssayError
from core.records.connection import open_store, reading
from core.records.tables import JOBS
from domains.xray.commands import app
from tests.domains.xray.wire import VERIFICATION, an_object, calling, file_of, kept

pytestmark = pytest.mark.service

XRAY = [sys.executable, "-W", "error", "-c", "from domains.xray.commands import app; app()"]
CANARIES = ("Doe^Jane", "Jane", "4242.4242", "CANARY-PATH")


def start(home, *words, **environment):
    return subprocess.Popen(
        [*XRAY, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "ASSAY_HOME": str(home), "PYTHONUNBUFFERED": "1", **environment},
    )


def port_of(line):
    return int(re.search(r":(\d+)", line.replace("://", ""))[1])


def ended(process, code=0):
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    return out, err


def test_a_node_listens_at_three_doors_until_it_is_told_to_stop_and_never_says_a_name(tmp_path):
    folder = tmp_path / "CANARY-PATH"
    words = ("--port", 0, "--stow-port", 0, "--watch", folder, "--keep-free", 0, "--site", "NORTH")
    words += ("--oldest-days", 30)
    node = start(tmp_path / "home", "listen", *words)
    lines = [node.stdout.readline() for _ in range(3)]
    assert lines[1].startswith("DICOM ASSAY@127.0.0.1:")
    (folder / "Doe^Jane.dcm").write_bytes(file_of(an_object("1", study="4242.4242.1")))
    (folder / "Jane").write_bytes(b"no DICOM")
    with calling(port_of(lines[1]), called="ASSAY", calling="JANE") as association:
        for name, tags in (("2", {}), ("2", {}), ("2", {"PatientName": "Other^Jane"})):
            association.send_c_store(an_object(name, study="4242.4242.1", **tags))
    with calling(port_of(lines[1]), called="JANE") as association:
        assert association.is_rejected
    end = time.monotonic() + 20
    while not (folder / "done" / "Doe^Jane.dcm").exists() and time.monotonic() < end:
        time.sleep(0.05)
    ae = AE("PACS")
    ae.add_requested_context(VERIFICATION)
    open_still = ae.associate("127.0.0.1", port_of(lines[1]), ae_title="ASSAY")
    assert open_still.is_established
    node.send_signal(signal.SIGTERM)
    # Were it to wait for the peer that is still there, it would outlive the limit of ``ended``.
    out, err = ended(node)
    assert out == ""
    events = [json.loads(line) for line in err.splitlines()]
    assert {"received", "known", "conflict", "refused"} <= {one["event"] for one in events}
    for canary in CANARIES:
        assert canary not in err.replace("withheld", "")
    store = open_store(tmp_path / "home" / "assay.sqlite")
    states = sorted((key, state) for key, state, _ in kept(store))
    with reading(store) as connection:
        payloads = [json.loads(text) for text in connection.scalars(select(JOBS.c.payload))]
    assert {(one["site"], one["oldest_days"]) for one in payloads} == {("NORTH", "30")}
    store.close()
    assert states == [
        ("4242.4242.1.1", "kept"),
        ("4242.4242.1.2", "conflict"),
        ("4242.4242.1.2", "kept"),
    ]


@pytest.fixture
def said_by(tmp_path, monkeypatch):
    """Call the commands in this process."""
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path))

    def call(*words, refused=False):
        result = CliRunner().invoke(app, list(map(str, words)))
        assert isinstance(result.exception, AssayError) == refused, result.exception
        return str(result.exception) if refused else result.output

    return call


@pytest.mark.parametrize(
    ("words", "err"),
    [
        (("--host", "0.0.0.0"), "no peers are configured"),
        (("--no-dimse",), "nothing to listen at"),
        (("--ae-title", "far too long a title"), "no AE title"),
        (("--watch", "/proc/nowhere"), "cannot be watched"),
    ],
)
def test_a_node_that_cannot_listen_says_why(said_by, words, err):
    assert err in said_by("listen", "--port", 0, *words, refused=True)


def test_echo_reaches_a_configured_peer_and_says_why_not(tmp_path, said_by):
    ae = AE("PACS")
    ae.require_calling_aet = ["ASSAY"]
    ae.add_supported_context(VERIFICATION)
    handlers = [(evt.EVT_C_ECHO, lambda _: 0x0000)]
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    peer = '[[peers]]\nname = "PACS"\nae_title = "PACS"\nhost = "127.0.0.1"\nport = {}\n'
    (tmp_path / "peers.toml").write_text(peer.format(server.server_address[1]))
    assert re.fullmatch(r"PACS answered in \d+ ms\.\n", said_by("echo", "PACS"))
    ae.require_calling_aet = ["OTHER"]
    assert "refuses the association" in said_by("echo", "PACS", refused=True)
    server.shutdown()
    assert "cannot be reached" in said_by("echo", "PACS", refused=True)
    assert "known peers: PACS" in said_by("echo", "NOBODY", refused=True)
