"""The DICOM listener: associations from callers that are known, within bounds.

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
from core.service.intake.addressing import authority
from core.service.intake.limits import Budget
from core.service.intake.listener import ThreadListener
from domains.xray.node.bounded_socket import BoundedSocket, BoundedTlsSocket
from domains.xray.node.object_intake import ObjectIntake
from domains.xray.node.part10 import IMPLEMENTATION_UID
from domains.xray.node.peers import Peers
from domains.xray.node.pynetdicom_private import (
    RequestHandler,
    StorageServiceClass,
    ThreadedAssociationServer,
    silence,
    wake_if_unrequested,
)
from domains.xray.node.scp_handlers import StorageHandlers
from domains.xray.node.sop_classes import (
    RETIRED_CLASSES,
    STORAGE_CLASSES,
    TRANSFER_SYNTAXES,
    VERIFICATION,
    class_keyword,
)

MAX_PDU = 128 * 1024
_EXTRA_CONNECTIONS = 64
_ABORT_S = 0.2
_LOG = logging.getLogger(__name__)


class DicomListener(ThreadListener, ThreadedAssociationServer):
    """Takes calls from the addresses of known peers, on sockets with bounds.

    Attributes:
        peers: Who may call, and what we are called.
        intake: Where objects go.
    """

    request_queue_size = 32
    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], peers: Peers, intake: ObjectIntake, budget: Budget
    ) -> None:
        """Bind the port.

        Raises:
            ConfigError: The port cannot be had, or there is no certificate for TLS.
        """
        silence()
        self.peers, self.intake, self._budget = peers, intake, budget
        self._open: WeakSet[BoundedSocket] = WeakSet()
        self._thread = threading.Thread(target=self.serve_forever, name="dicom", daemon=True)
        node, ae = peers.node, _application(peers.node.ae_title, intake)
        context = node.tls.server() if node.tls else None
        if context is not None:
            context.sslsocket_class = BoundedTlsSocket
        try:
            super().__init__(
                ae,
                address,
                node.ae_title,
                ae.supported_contexts,
                ssl_context=context,
                evt_handlers=StorageHandlers(peers, intake, budget).handlers(),
                request_handler=_BoundedHandler,
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
        """Return an accepted connection; its TLS handshake comes later, in a thread of its own."""
        accepted, address = cast(socket.socket, self.socket).accept()
        connection: BoundedSocket
        if self.ssl_context is None:
            connection = BoundedSocket(fileno=accepted.detach())
        else:
            wrapped = self.ssl_context.wrap_socket(
                accepted, server_side=True, do_handshake_on_connect=False
            )
            connection = cast(BoundedTlsSocket, wrapped)
        connection.arm(self._budget, self.intake.limits)
        self._open.add(connection)
        return connection, address

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ANN401, ARG002
        """Return whether to take a connection: few more than senders, each costs two threads."""
        is_open = sum(caller.fileno() != -1 for caller in list(self._open))
        return is_open <= self.intake.limits.senders + _EXTRA_CONNECTIONS

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401, ARG002
        """Log only that it happened: the base class prints a trace."""
        _LOG.info(Event(Word.DISCONNECTED, {"transport": "c-store"}))

    @property
    def location(self) -> str:
        """Where it is, in one line."""
        return f"DICOM {self.ae_title}@{authority(self.server_address[0], self.port)}"

    def stop(self, grace_s: float) -> None:
        """Take no more calls, let objects under way come to their end, then hang up."""
        BaseServer.shutdown(self)
        self.server_close()
        until = time.monotonic() + grace_s
        while time.monotonic() < until and self._budget.used:
            time.sleep(0.05)
        left = self.active_associations
        for association in left:
            if association.is_established:
                association.abort(block=False)
        time.sleep(_ABORT_S if left else 0)
        # Who stopped in the middle of a PDU holds a thread that hears nothing of an abort.
        for caller in list(self._open):
            caller.shutdown(socket.SHUT_RDWR)
        for association in left:
            association.kill()
            # A connection that ends unheard wakes nobody who waits for its request.
            wake_if_unrequested(association)


class _BoundedHandler(RequestHandler):
    """Checks the address and does the TLS handshake, in a thread of its own."""

    server: DicomListener

    def setup(self) -> None:
        """Hang up on addresses that nobody may send from.

        Raises:
            PermissionError: The address is no known peer's.
        """
        if not self.server.peers.knows(self.client_address[0], "dimse"):
            raise PermissionError
        if isinstance(self.request, BoundedTlsSocket):
            self.request.do_handshake()


def _application(ae_title: str, intake: ObjectIntake) -> AE:
    limits = intake.limits
    ae = AE(ae_title)
    ae.implementation_class_uid = IMPLEMENTATION_UID
    ae.implementation_version_name = "ASSAY"
    ae.maximum_pdu_size = MAX_PDU
    ae.maximum_associations = sys.maxsize  # `StorageHandlers.admit` counts associations.
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = limits.silence_s
    ae.add_supported_context(VERIFICATION, ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"])
    for retired in RETIRED_CLASSES:
        # pynetdicom answers messages of the classes that it knows alone.
        register_uid(retired, class_keyword(retired), StorageServiceClass)
    for sop_class in sorted(STORAGE_CLASSES):
        ae.add_supported_context(sop_class, list(TRANSFER_SYNTAXES))
    return ae
