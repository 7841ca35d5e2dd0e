"""Uploads over a real server, by a tus client that was not written here, and by hostile hands."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from io import BytesIO

import pytest
import requests
import uvicorn
from starlette.applications import Starlette
from streamlit import config
from tusclient import client as tus

from core.service.intake.resumable import Announced, Batch, BatchLimits
from dashboard.upload import GRANTS, routes

pytestmark = pytest.mark.service

DATA = bytes(range(256)) * 4000
LIMITS = BatchLimits(files=20, file_bytes=1 << 21, total_bytes=1 << 23, free_bytes=0)
HEADERS = {"Tus-Resumable": "1.0.0"}
PIECE = {**HEADERS, "Content-Type": "application/offset+octet-stream"}


@pytest.fixture(scope="module")
def server():
    patch = pytest.MonkeyPatch()
    options = {"server.allowedHosts": ["127.0.0.1"], "server.baseUrlPath": ""}
    patch.setattr(config, "get_option", options.get)
    settings = uvicorn.Config(
        Starlette(routes=routes()), port=0, log_level="critical", ws="none", lifespan="off"
    )
    running = uvicorn.Server(settings)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
    thread.start()
    while not running.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    running.should_exit = True
    thread.join()
    listening.close()
    patch.undo()


@pytest.fixture
def granted(server, tmp_path):
    batch = Batch(tmp_path / "batch", LIMITS)
    yield batch, server + GRANTS.grant(lambda: batch, str(tmp_path))
    GRANTS.revoke(str(tmp_path))


def announce(url, length=len(DATA), **headers):
    return requests.post(
        url,
        headers={
            **HEADERS,
            "Upload-Length": str(length),
            "Upload-Metadata": "filename YS5qcGc=",
            **headers,
        },
        timeout=20,
    )


def place(url, answer):
    return url.partition("/assay-upload")[0] + answer.headers["Location"]


def test_a_client_of_the_protocol_sends_a_file_and_goes_on_where_it_stopped(granted):
    batch, url = granted
    metadata = {"filename": "photo.jpg", "sha256": hashlib.sha256(DATA).hexdigest()}
    options = {"file_stream": BytesIO(DATA), "chunk_size": 300_000, "metadata": metadata}
    uploader = tus.TusClient(url).uploader(**options)
    uploader.upload_chunk()
    assert uploader.offset == 300_000
    again = tus.TusClient(url).uploader(**options)
    assert again.url is None
    again.set_url(again.create_url())
    again.offset = again.get_offset()
    assert again.offset == 300_000
    again.upload()
    [upload] = batch.uploads()
    assert upload.is_complete
    assert upload.announced.name == "photo.jpg"
    assert upload.path.read_bytes() == DATA


def opened(where):
    """Open a connection that begins a piece of the whole file."""
    host, _, path = where.removeprefix("http://").partition("/")
    address, _, port = host.partition(":")
    head = f"PATCH /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(DATA)}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in PIECE.items())
    caller = socket.create_connection((address, int(port)))
    caller.sendall(f"{head}Upload-Offset: 0\r\n\r\n".encode())
    return caller


def after(where, offset, piece):
    """Go on with a file as a client does: while the request before it still has it, try again."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        arrived = requests.head(where, headers=HEADERS, timeout=20).headers["Upload-Offset"]
        answer = requests.patch(
            where, piece, headers={**PIECE, "Upload-Offset": str(offset)}, timeout=20
        )
        if arrived == str(offset) and answer.status_code not in (409, 423):
            return answer
        time.sleep(0.05)
    raise AssertionError(arrived)


def test_a_connection_that_dies_in_the_middle_costs_the_rest_of_the_piece_alone(granted):
    batch, url = granted
    where = place(url, announce(url))
    with opened(where) as caller:
        caller.sendall(DATA[:400_000])
        time.sleep(0.2)
    assert after(where, 400_000, DATA[400_000:]).status_code == 204
    [upload] = batch.uploads()
    assert upload.path.read_bytes() == DATA


def test_a_sender_that_falls_silent_does_not_keep_the_file(granted, monkeypatch):
    monkeypatch.setattr("dashboard.upload.SILENCE_S", 0.5)
    batch, url = granted
    where = place(url, announce(url))
    with opened(where) as caller:
        caller.sendall(DATA[:400_000])
        assert after(where, 400_000, DATA[400_000:]).status_code == 204
    [upload] = batch.uploads()
    assert upload.path.read_bytes() == DATA


def test_an_address_that_no_page_granted_takes_nothing(server):
    assert announce(f"{server}/assay-upload/{'0' * 40}").status_code == 404


def test_a_page_that_is_closed_takes_no_more(server, tmp_path):
    url = server + GRANTS.grant(lambda: Batch(tmp_path / "b", LIMITS), "closed")
    assert announce(url).status_code == 201
    GRANTS.revoke("closed")
    assert announce(url).status_code == 404


def test_a_form_of_another_site_cannot_send(granted):
    _, url = granted
    answer = requests.post(url, data={"a": "b"}, timeout=20)
    assert answer.status_code == 412
    assert "access-control-allow-origin" not in requests.options(url, timeout=20).headers
    assert announce(url, Host="rebound.example").status_code == 403


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Upload-Length": "-1"}, 400),
        ({"Upload-Length": "٣"}, 400),
        ({"Upload-Length": ""}, 400),
        ({"Upload-Length": str(1 << 60)}, 400),
        ({"Upload-Metadata": "filename !!!"}, 400),
        ({"Upload-Metadata": "filename /w=="}, 400),
        ({"Upload-Metadata": ""}, 400),
    ],
)
def test_an_announcement_that_is_none_is_refused_with_a_sentence(granted, headers, code):
    batch, url = granted
    encoded = {name: value.encode() for name, value in headers.items()}
    answer = announce(url, **encoded)
    assert answer.status_code == code
    assert answer.json()["error"].endswith(".")
    assert list(batch.uploads()) == []


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Upload-Offset": "7"}, 409),
        ({"Upload-Offset": "x"}, 400),
        ({"Content-Type": "text/plain"}, 415),
    ],
)
def test_a_piece_that_is_none_changes_nothing(granted, headers, code):
    batch, url = granted
    where = place(url, announce(url))
    metadata = {**PIECE, "Upload-Offset": "0", **headers}
    assert requests.patch(where, b"abc", headers=metadata, timeout=20).status_code == code
    assert [upload.offset for upload in batch.uploads()] == [0]


def test_a_piece_longer_than_the_file_is_refused(granted):
    batch, url = granted
    where = place(url, announce(url, length=3))
    answer = requests.patch(where, b"abcd", headers={**PIECE, "Upload-Offset": "0"}, timeout=20)
    assert answer.status_code == 400
    assert [upload.is_complete for upload in batch.uploads()] == [False]


def test_a_dropped_file_is_gone(granted):
    batch, url = granted
    where = place(url, announce(url))
    assert requests.delete(where, headers=HEADERS, timeout=20).status_code == 204
    assert requests.head(where, headers=HEADERS, timeout=20).status_code == 404
    assert batch.announce(Announced("other", 5)).offset == 0
