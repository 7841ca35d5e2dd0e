"""What is answered to an association and its messages.

Answers to C-STORE (PS3.4 table B.2-1, PS3.7 section 9.1.1.1.9):

======  ==========================================================================================
0000    Kept for good, to be judged or set aside. Also for an object that is here already,
        encoded otherwise or not, and for one that we sent.
A700    Out of resources: no room, or the store failed. Nothing is promised; trying again may help.
A900    The data set does not carry the SOP Instance UID of the request.
C001    Another object has this SOP Instance UID. PS3.4 has no status for it, and 0111 (duplicate
        SOP instance) is not among those of C-STORE: an error that trying again does not cure.
0117    The SOP Instance UID is no UID.
0122    The SOP class is not the one that was negotiated.
0124    The caller is not known; met only if it was let in by mistake.
======  ==========================================================================================
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, cast
from weakref import WeakKeyDictionary

from pydicom.dataset import Dataset
from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.pdu_primitives import A_ASSOCIATE

from core.errors import StoreError, UnreadableImage
from core.logs import Event, Word
from core.records.intake import Receipt
from core.service.intake.limits import Budget
from domains.xray.node.bounded_socket import BoundedSocket
from domains.xray.node.object_intake import ObjectIntake
from domains.xray.node.part10 import Part10, is_uid
from domains.xray.node.peers import Peers
from domains.xray.node.pynetdicom_private import (
    calling_address,
    has_more_to_come,
    socket_of,
    wake_if_unrequested,
)
from domains.xray.node.sop_classes import class_keyword

SUCCESS, NO_ROOM, MISMATCH, CONFLICT = 0x0000, 0xA700, 0xA900, 0xC001
INVALID_INSTANCE, WRONG_CLASS, NOT_AUTHORISED = 0x0117, 0x0122, 0x0124

# PS3.8 table 9-21: result, source, reason. For good, or for now.
_REJECTIONS = {"CALLING_UNKNOWN": (1, 1, 3), "CALLED_UNKNOWN": (1, 1, 7), "TOO_MANY": (2, 3, 2)}

# PS3.8 table 9-18: why a presentation context is not accepted.
_CONTEXT_PROBLEMS = {3: "NO_SUCH_CLASS", 4: "NO_SUCH_SYNTAX"}
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Caller:
    name: str
    socket: BoundedSocket


@dataclass(frozen=True, slots=True)
class StorageHandlers:
    """What the answers depend on.

    Attributes:
        peers: Who may call, and what we are called.
        intake: Where objects go.
        budget: Bounds what all callers together hold.
        callers: Associations whose caller is known.
    """

    peers: Peers
    intake: ObjectIntake
    budget: Budget
    callers: WeakKeyDictionary[Association, _Caller] = field(default_factory=WeakKeyDictionary)
    _lock: Lock = field(default_factory=Lock)

    def admit(self, association: Association, caller: _Caller) -> bool:
        """Return whether an association is let in; False when there are as many as may be.

        pynetdicom's own count takes connections in that never asked for an association.
        """
        with self._lock:
            taken = sum(other.is_alive() for other in self.callers)
            if taken < self.intake.limits.senders:
                self.callers[association] = caller
                return True
        return False

    def handlers(self) -> list[tuple[Any, ...]]:
        """Return the handlers as pynetdicom takes them."""
        return [
            (evt.EVT_REQUESTED, _on_request, [self]),
            (evt.EVT_ACCEPTED, _on_accepted, [self]),
            (evt.EVT_C_ECHO, _on_echo),
            (evt.EVT_C_STORE, _on_store, [self]),
            (evt.EVT_CONN_CLOSE, _on_closed),
        ]


def _on_request(event: evt.Event, handlers: StorageHandlers) -> None:
    """Turn away who is not known; who is not entered here stores nothing, whatever goes wrong."""
    association = event.assoc
    asked = cast(A_ASSOCIATE, association.requestor.primitive)
    peer = handlers.peers.sender(calling_address(association), asked.calling_ae_title or "")
    connection = cast(BoundedSocket, socket_of(association))
    if asked.called_ae_title != handlers.peers.node.ae_title:
        refusal = "CALLED_UNKNOWN"
    elif peer is None:
        refusal = "CALLING_UNKNOWN"
    elif not handlers.admit(association, _Caller(peer.name, connection)):
        refusal = "TOO_MANY"
    else:
        return
    _LOG.warning(Event(Word.REFUSED, {"transport": "c-store", "code": refusal}))
    association.acse.send_reject(*_REJECTIONS[refusal])
    # Waits until the answer is out: the connection is closed as soon as this returns.
    association.kill()


def _on_closed(event: evt.Event) -> None:
    wake_if_unrequested(event.assoc)


def _on_accepted(event: evt.Event, handlers: StorageHandlers) -> None:
    caller = handlers.callers[event.assoc]
    caller.socket.widen()
    for context in event.assoc.rejected_contexts:
        fields = {
            "transport": "c-store",
            "peer": caller.name,
            "code": _CONTEXT_PROBLEMS.get(context.result or 0, "NO_CONTEXT"),
            "sop_class": class_keyword(str(context.abstract_syntax)),
        }
        _LOG.warning(Event(Word.REFUSED, fields))


def _on_echo(_: evt.Event) -> int:
    return SUCCESS


def _on_store(event: evt.Event, handlers: StorageHandlers) -> Dataset:
    request, status = cast(C_STORE, event.request), Dataset()
    caller = handlers.callers.get(event.assoc)
    if caller is None:
        status.Status = NOT_AUTHORISED
        return status
    dataset = request.DataSet.getvalue() if request.DataSet else b""
    # From here on the bytes are counted here, whatever becomes of the connection.
    caller.socket.finish_object(len(dataset) if has_more_to_come(event.assoc) else None)
    if not handlers.budget.acquire(len(dataset)):
        status.Status = NO_ROOM
        return status
    try:
        status.Status, comment = _store(event, dataset, handlers.intake, caller.name)
        if comment:
            status.ErrorComment = comment
    finally:
        handlers.budget.release(len(dataset))
        caller.socket.renew()
    return status


def _store(event: evt.Event, dataset: bytes, intake: ObjectIntake, name: str) -> tuple[int, str]:
    """Return Status and ErrorComment of one C-STORE; the comment has at most 64 characters."""
    request, context = cast(C_STORE, event.request), event.context
    instance = str(request.AffectedSOPInstanceUID).strip(" \x00")
    if not is_uid(instance):
        return INVALID_INSTANCE, ""
    if request.AffectedSOPClassUID != context.abstract_syntax:
        return WRONG_CLASS, ""
    part = Part10(str(context.abstract_syntax), instance, str(context.transfer_syntax), dataset)
    try:
        receipt = intake.take(part, "c-store", name)
    except UnreadableImage:
        return MISMATCH, "the data set carries another SOP Instance UID"
    except StoreError:
        return NO_ROOM, "it could not be kept; send it again later"
    if receipt is Receipt.CONFLICT:
        return CONFLICT, "another object with this SOP Instance UID is here"
    return SUCCESS, ""
