"""The private parts of pynetdicom that a node needs, all of them: a test holds each to its work.

A release may change them without a word, so `pyproject.toml` bounds the version.
"""

from __future__ import annotations

import logging
import socket
from typing import cast

from pynetdicom import _config
from pynetdicom.association import Association
from pynetdicom.service_class import StorageServiceClass
from pynetdicom.transport import (
    AddressInformation,
    RequestHandler,
    ThreadedAssociationServer,
)

__all__ = [
    "RequestHandler",
    "StorageServiceClass",
    "ThreadedAssociationServer",
    "calling_address",
    "has_more_to_come",
    "silence",
    "socket_of",
    "wake_if_unrequested",
]


def silence() -> None:
    """Keep pynetdicom from saying anything, to anyone: its loggers print patients' names."""
    logger = logging.getLogger("pynetdicom")
    logger.setLevel(logging.CRITICAL + 1)
    logger.propagate = False
    # Else every association adds handlers of its own that write messages out.
    _config.LOG_HANDLER_LEVEL = "none"


def socket_of(association: Association) -> socket.socket | None:
    """Return the socket below an association; None where there is none (any more)."""
    transport = association.dul.socket
    return None if transport is None else transport.socket


def calling_address(association: Association) -> str:
    """Return the address that an association came from."""
    return cast(AddressInformation, association.requestor.address_info).address


def has_more_to_come(association: Association) -> bool:
    """Return whether another message has begun behind the one being answered."""
    dimse = association.dimse
    return dimse.message is not None or not dimse.msg_queue.empty()


def wake_if_unrequested(association: Association) -> None:
    """Wake an association whose request cannot come any more: it would wait for it all the same.

    A load balancer that looks whether the port is open would leave a thread behind each time.
    """
    waiting = association.dul.to_user_queue
    if association.requestor.primitive is None and waiting.empty():
        waiting.put(None)
