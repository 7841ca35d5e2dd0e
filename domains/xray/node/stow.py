"""DICOMweb: STOW-RS (PS3.18 section 10.5), for callers that are known, within bounds.

``POST /studies`` and ``POST /studies/{study}`` take ``multipart/related; type="application/dicom"``
while it arrives, one object in memory at a time, and answer with what became of each: 200 all kept,
202 some, 409 none, 503 none for want of room. Reasons of failure are those of PS3.18 table I.2-2
and of `domains.xray.node.scp_handlers`.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.errors import StoreError, UnreadableImage
from core.logs import Event, Word
from core.records.intake import Receipt
from core.service.intake.addressing import AddressGuard
from core.service.intake.http import Service
from core.service.intake.limits import Budget
from domains.xray.node.multipart import MalformedBody, Parts, boundary_of
from domains.xray.node.object_intake import ObjectIntake
from domains.xray.node.part10 import STUDY_TAG, Part10, is_uid, parse_part10
from domains.xray.node.peers import Peers
from domains.xray.node.scp_handlers import CONFLICT, MISMATCH, NO_ROOM, SUCCESS, WRONG_CLASS
from domains.xray.node.sop_classes import STORAGE_CLASSES, TRANSFER_SYNTAXES

NOT_UNDERSTOOD, WRONG_SYNTAX = 0xC000, 0xC122
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoredPart:
    """What became of one part of a request.

    Attributes:
        code: 0 when it is kept, else the reason of failure.
        part: The object, without its data; None when the part was no object at all.
    """

    code: int
    part: Part10 | None = None


@dataclass(frozen=True, slots=True)
class StowService:
    """Answers requests.

    Attributes:
        peers: Who may call.
        intake: Where objects go.
        budget: Bounds what all callers together hold.
        token: Bearer token that callers must present; when it is empty, anybody from a known
            address may call.
        host: The address that is bound; callers may name it, as they may what peers.toml says.
    """

    peers: Peers
    intake: ObjectIntake
    budget: Budget
    token: str
    host: str = "127.0.0.1"
    _slots: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        """Make as many slots as there may be requests at once."""
        object.__setattr__(self, "_slots", asyncio.Semaphore(self.intake.limits.senders))

    def app(self) -> Starlette:
        """Return the application."""
        paths = ("/studies", "/studies/{study}")
        return Starlette(
            routes=[Route(path, self.store, methods=["POST"]) for path in paths],
            middleware=[
                Middleware(
                    AddressGuard, names=(self.host, *self.peers.node.hosts), transport="stow"
                )
            ],
        )

    def service(self) -> Service:
        """Return what an HTTP listener serves."""
        return Service(self.app(), "STOW-RS", "/studies", "--stow-port")

    async def store(self, request: Request) -> Response:
        """Return the answer to one request; the connection closes, for a slow next one to wait."""
        study = request.path_params.get("study", "")
        address = request.client.host if request.client else ""
        peer = await run_in_threadpool(self.peers.sender, address)
        if peer is None:
            return _refused(403, "nobody who may send is known at this address")
        if self.token and not _has_token(request, self.token):
            return _refused(401, "a bearer token is needed", {"WWW-Authenticate": "Bearer"})
        if study and not is_uid(study):
            return _refused(400, "the study is named by a UID")
        if self._slots.locked():
            return _refused(503, "too many requests at once", {"Retry-After": "5"})
        async with self._slots:
            return await self._stored(request, study, peer.name)

    async def _stored(self, request: Request, study: str, peer: str) -> Response:
        parts_stored: list[StoredPart] = []
        try:
            async for body in self._bodies(request):
                parts_stored.append(await run_in_threadpool(self._keep, body, study, peer))
        except MalformedBody as exc:
            if not parts_stored:
                return _refused(400, exc.message)
            parts_stored.append(StoredPart(NOT_UNDERSTOOD))
        except TimeoutError:
            return _refused(408, "the body took too long")
        except BufferError:
            return _refused(503, "too much is under way at once", {"Retry-After": "5"})
        except ClientDisconnect:
            _LOG.info(Event(Word.DISCONNECTED, {"transport": "stow", "peer": peer}))
            return _refused(400, "the body ended early")
        return _answer(parts_stored)

    async def _bodies(self, request: Request) -> AsyncIterator[bytes | None]:
        """Yield the parts as they end, and keep no more in memory than the budget allows.

        Raises:
            MalformedBody: The body is no multipart body of DICOM files.
            TimeoutError: The caller is too slow.
            BufferError: Too much is in memory for all callers together.
        """
        limits = self.intake.limits
        parts = Parts(boundary_of(request.headers.get("content-type", "")), limits.object_bytes)
        stream, buffered = request.stream(), 0
        until = time.monotonic() + limits.object_s
        try:
            while True:
                async with asyncio.timeout(min(limits.silence_s, until - time.monotonic())):
                    chunk = await anext(stream, None)
                if chunk is None:
                    break
                if not self.budget.acquire(len(chunk)):
                    raise BufferError
                buffered += len(chunk)
                for body in parts.feed(chunk):
                    yield body
                    until = time.monotonic() + limits.object_s
                self.budget.release(buffered - parts.buffered)
                buffered = parts.buffered
            parts.close()
        finally:
            self.budget.release(buffered)

    def _keep(self, body: bytes | None, study: str, peer: str) -> StoredPart:
        if body is None:
            return StoredPart(NO_ROOM)
        try:
            part = parse_part10(body)
        except UnreadableImage:
            return StoredPart(NOT_UNDERSTOOD)
        named = Part10(part.sop_class, part.sop_instance, part.transfer_syntax, b"")
        if part.sop_class not in STORAGE_CLASSES:
            return StoredPart(WRONG_CLASS, named)
        if part.transfer_syntax not in TRANSFER_SYNTAXES:
            return StoredPart(WRONG_SYNTAX, named)
        if study and not part.names(STUDY_TAG, study):
            return StoredPart(MISMATCH, named)
        try:
            receipt = self.intake.take(part, "stow", peer)
        except UnreadableImage:
            return StoredPart(MISMATCH, named)
        except StoreError:
            return StoredPart(NO_ROOM, named)
        return StoredPart(CONFLICT if receipt is Receipt.CONFLICT else SUCCESS, named)


def _has_token(request: Request, token: str) -> bool:
    header = request.headers.get("authorization", "").encode()
    return hmac.compare_digest(header, f"Bearer {token}".encode())


def _refused(code: int, why: str, headers: dict[str, str] | None = None) -> Response:
    _LOG.warning(Event(Word.REFUSED, {"transport": "stow", "code": str(code)}))
    return JSONResponse({"error": why}, code, {"Connection": "close", **(headers or {})})


def _answer(parts_stored: list[StoredPart]) -> Response:
    """Return the response of PS3.18 section 10.5.3 in the DICOM JSON model."""
    kept = [one for one in parts_stored if one.code == SUCCESS]
    failed = [one for one in parts_stored if one.code != SUCCESS and one.part is not None]
    other = [one for one in parts_stored if one.part is None]
    if not parts_stored:
        return _refused(400, "the body holds no object")
    content: dict[str, object] = {"00081190": {"vr": "UR"}}
    for tag, group in (("00081199", kept), ("00081198", failed), ("0008119A", other)):
        if group:
            content[tag] = {"vr": "SQ", "Value": [_item(one) for one in group]}
    headers = {"Connection": "close"}
    if len(kept) == len(parts_stored):
        code = 200
    elif kept:
        code = 202
    elif all(one.code == NO_ROOM for one in parts_stored):
        code, headers["Retry-After"] = 503, "60"
    else:
        code = 409
    return JSONResponse(content, code, headers, media_type="application/dicom+json")


def _item(outcome: StoredPart) -> dict[str, object]:
    item: dict[str, object] = {}
    if outcome.part is not None:
        item["00081150"] = {"vr": "UI", "Value": [outcome.part.sop_class]}
        item["00081155"] = {"vr": "UI", "Value": [outcome.part.sop_instance]}
    if outcome.code == SUCCESS:
        item["00081190"] = {"vr": "UR"}
    else:
        item["00081197"] = {"vr": "US", "Value": [outcome.code]}
    return item
