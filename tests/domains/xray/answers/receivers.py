"""Real servers that answer as a test tells them, and sending to them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pydicom import Dataset
from pynetdicom import AE, evt

from domains.xray.answers.delivery import require_kept, store_by_dimse, store_by_stow
from domains.xray.answers.report_sr import COMPREHENSIVE_SR
from domains.xray.node.peers import Peer
from tests.domains.xray.answers.pacs import HOST

CANARY = "CANARY^NAME"
IMPLICIT = "1.2.840.10008.1.2"
JSON, XML = "application/dicom+json", "application/dicom+xml"

Reply = tuple[int, str, bytes]


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
