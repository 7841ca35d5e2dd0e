"""The DICOM door: associations from callers that are known, within bounds.

What a PACS sends is taken as bytes: no data set is read in this process. pynetdicom does the
protocol; its loggers are silenced, for they print patients' names.
"""

from __future__ import annotations

import logging
import socket
import sys
import threading
import time
from socketserver import BaseServer
from typing import Any, cast
from weakref import WeakSet

from pynetdicom import AE, register_uid

from core.errors import ConfigError
from core.logs import Event, Word
from domains.xray.node.addressing import authority
from domains.xray.node.bounded_socket import Guarded, GuardedTls
from domains.xray.node.part10 import IMPLEMENTATION_UID
from domains.xray.node.peers import Peers
from domains.xray.node.pynetdicom_private import (
    RequestHandler,
    StorageServiceClass,
    ThreadedAssociationServer,
    silence,
)
from domains.xray.node.reception import Budget, Reception
from domains.xray.node.scp_handlers import Desk
from domains.xray.node.sop_classes import (
    RETIRED_CLASSES,
    STORAGE_CLASSES,
    TRANSFER_SYNTAXES,
    VERIFICATION,
    class_keyword,
)

MAX_PDU = 128 * 1024
_STANDING = 64
_PARTING_S = 0.2
_LOG = logging.getLogger(__name__)


class DicomDoor(ThreadedAssociationServer):
    """Takes calls from the addresses of known peers, on sockets with bounds.

    Attributes:
        peers: Who may call, and what we are called.
        reception: Where objects go.
    """

    request_queue_size = 32
    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], peers: Peers, reception: Reception, budget: Budget
    ) -> None:
        """Bind the port.

        Raises:
            ConfigError: The port cannot be had, or there is no certificate for TLS.
        """
        silence()
        self.peers, self.reception, self._budget = peers, reception, budget
        self._open: WeakSet[Guarded] = WeakSet()
        self._thread = threading.Thread(target=self.serve_forever, name="dicom", daemon=True)
        node, ae = peers.node, _application(peers.node.ae_title, reception)
        context = node.tls.server() if node.tls else None
        if context is not None:
            context.sslsocket_class = GuardedTls
        try:
            super().__init__(
                ae,
                address,
                node.ae_title,
                ae.supported_contexts,
                ssl_context=context,
                evt_handlers=Desk(peers, reception, budget).handlers(),
                request_handler=_Greeter,
            )
        except OSError as exc:
            raise ConfigError(
                f"No DICOM association can be taken at {address[0]}:{address[1]}: {exc}.",
                hint="Give another --port, or stop what is listening there.",
            ) from exc

    @property
    def port(self) -> int:
        """The port that was bound."""
        return int(self.server_address[1])

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection; the TLS handshake comes later, in a thread of its own."""
        accepted, address = cast(socket.socket, self.socket).accept()
        guarded: Guarded
        if self.ssl_context is None:
            guarded = Guarded(fileno=accepted.detach())
        else:
            wrapped = self.ssl_context.wrap_socket(
                accepted, server_side=True, do_handshake_on_connect=False
            )
            guarded = cast(GuardedTls, wrapped)
        guarded.arm(self._budget, self.reception.limits)
        self._open.add(guarded)
        return guarded, address

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ANN401, ARG002
        """Take no more connections than seats and a few: each costs two threads."""
        talking = sum(caller.fileno() != -1 for caller in list(self._open))
        return talking <= self.reception.limits.senders + _STANDING

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401, ARG002
        """Say only that it happened: the base class prints a trace."""
        _LOG.info(Event(Word.DISCONNECTED, {"way": "c-store"}))

    @property
    def said(self) -> str:
        """Where it is, in one line."""
        return f"DICOM {self.ae_title}@{authority(self.server_address[0], self.port)}"

    @property
    def alive(self) -> bool:
        """Whether calls are taken."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Take calls, in threads of their own, until `stop`."""
        self._thread.start()

    def stop(self, grace_s: float) -> None:
        """Take no more calls, let objects under way come to their end, then hang up."""
        BaseServer.shutdown(self)
        self.server_close()
        until = time.monotonic() + grace_s
        while time.monotonic() < until and self._budget.held:
            time.sleep(0.05)
        left = self.active_associations
        for association in left:
            if association.is_established:
                association.abort(block=False)
        time.sleep(_PARTING_S if left else 0)
        # Who stopped in the middle of a PDU holds a thread that hears nothing of an abort.
        for caller in list(self._open):
            caller.shutdown(socket.SHUT_RDWR)
        for association in left:
            association.kill()


class _Greeter(RequestHandler):
    """Sees who is there, in a thread of its own: names are looked up, hands are shaken."""

    server: DicomDoor

    def setup(self) -> None:
        """Hang up on addresses that nobody may send from.

        Raises:
            PermissionError: The address is no known peer's.
        """
        if not self.server.peers.knows(self.client_address[0], "dimse"):
            raise PermissionError
        if isinstance(self.request, GuardedTls):
            self.request.do_handshake()


def _application(ae_title: str, reception: Reception) -> AE:
    limits = reception.limits
    ae = AE(ae_title)
    ae.implementation_class_uid = IMPLEMENTATION_UID
    ae.implementation_version_name = "ASSAY"
    ae.maximum_pdu_size = MAX_PDU
    ae.maximum_associations = sys.maxsize  # `Desk.seat` counts better.
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = limits.silence_s
    ae.add_supported_context(VERIFICATION, ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"])
    for retired in RETIRED_CLASSES:
        # pynetdicom answers messages of the classes that it knows alone.
        register_uid(retired, class_keyword(retired), StorageServiceClass)
    for sop_class in sorted(STORAGE_CLASSES):
        ae.add_supported_context(sop_class, list(TRANSFER_SYNTAXES))
    return ae
