"""Files from a browser in pieces, by the tus protocol 1.0.0 (tus.io: core, creation, termination).

A page grants a batch and hands its address to the browser. Nobody can make up an address, and a
request needs the header ``Tus-Resumable``, which no other site may set: so it comes from a page of
ours. What goes wrong on the way costs the piece, not the file.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import secrets
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

from anyio.to_thread import run_sync
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from streamlit import config

from core.errors import AssayError, InputError, StoreError
from core.service.intake.resumable import Announced, Batch, OffsetMismatch, Upload, UploadBusy
from dashboard.addresses import root_path

VERSION = "1.0.0"
SILENCE_S = 15.0
_FOLDER = "/assay-upload"
_PIECE = "application/offset+octet-stream"
_CODES: Mapping[type[AssayError], int] = {
    OffsetMismatch: 409,
    UploadBusy: 423,
    StoreError: 507,
    InputError: 400,
}

Answer = Callable[[Request, Batch], Awaitable[Response]]


class Grants:
    """The batches that pages take files for, by name; shared between threads."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._batches: dict[str, Batch] = {}

    def grant(self, make: Callable[[], Batch], identity: str) -> str:
        """Return the address under which files are taken from now on.

        Args:
            make: Opens the batch; called when it was not granted before.
            identity: Its name; the same batch has the same one.
        """
        name = hashlib.blake2b(identity.encode(), key=self._key, digest_size=20).hexdigest()
        with self._lock:
            if name not in self._batches:
                self._batches[name] = make()
        return f"{root_path()}{_FOLDER}/{name}"

    def revoke(self, identity: str) -> None:
        """Take no more files for a batch."""
        name = hashlib.blake2b(identity.encode(), key=self._key, digest_size=20).hexdigest()
        with self._lock:
            self._batches.pop(name, None)

    def find(self, name: str) -> Batch | None:
        """Return a granted batch; None where there is none."""
        with self._lock:
            return self._batches.get(name)


GRANTS = Grants()


def routes() -> Sequence[Route]:
    """Return the routes that take files."""
    batch, upload = f"{_FOLDER}/{{batch}}", f"{_FOLDER}/{{batch}}/{{upload}}"
    return [
        Route(batch, _guarded(_announce), methods=["POST"]),
        Route(upload, _guarded(_offset), methods=["HEAD"]),
        Route(upload, _guarded(_append), methods=["PATCH"]),
        Route(upload, _guarded(_drop), methods=["DELETE"]),
    ]


def _guarded(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint for pages of ours alone, whose errors are answers."""

    async def endpoint(request: Request) -> Response:
        allowed = config.get_option("server.allowedHosts")
        if allowed and request.url.hostname not in allowed:
            return _refused(403, "This address is not served.")
        if request.headers.get("tus-resumable") != VERSION:
            return _refused(412, f"The tus protocol {VERSION} is expected.")
        batch = GRANTS.find(request.path_params["batch"])
        if batch is None:
            return _refused(404, "This batch takes no files any more. Open the page again.")
        try:
            return await answer(request, batch)
        except AssayError as exc:
            code = next(code for kind, code in _CODES.items() if isinstance(exc, kind))
            return _refused(code, f"{exc.message} {exc.hint}".strip())

    return endpoint


async def _announce(request: Request, batch: Batch) -> Response:
    announced = _announced(request)
    upload = await run_sync(batch.announce, announced)
    headers = {"Location": f"{request.url.path}/{upload.id}", **_progress(upload)}
    return _answer(201, headers)


async def _offset(request: Request, batch: Batch) -> Response:
    upload = await run_sync(batch.find, request.path_params["upload"])
    return _refused(404, "") if upload is None else _answer(200, _progress(upload))


async def _append(request: Request, batch: Batch) -> Response:
    if request.headers.get("content-type") != _PIECE:
        return _refused(415, f"A piece is {_PIECE}.")
    offset = request.headers.get("upload-offset", "")
    if not offset.isascii() or not offset.isdigit():
        return _refused(400, "Upload-Offset is no number.")
    upload_id = request.path_params["upload"]
    appending = batch.appending(upload_id, int(offset))
    appender = await run_sync(appending.__enter__)
    try:
        async for chunk in _chunks(request):
            await run_sync(appender.write, chunk)
    except (ClientDisconnect, TimeoutError) as exc:
        await run_sync(appending.__exit__, type(exc), exc, exc.__traceback__)
    except BaseException as exc:
        await run_sync(appending.__exit__, type(exc), exc, exc.__traceback__)
        raise
    else:
        await run_sync(appending.__exit__, None, None, None)
    upload = await run_sync(batch.find, upload_id)
    return _refused(404, "") if upload is None else _answer(204, _progress(upload))


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    """Yield the body as it comes.

    A phone that lost its network says nothing any more: its request must end, for it keeps the
    next one from going on with the file.

    Raises:
        TimeoutError: Nothing came for ``SILENCE_S``.
    """
    stream = request.stream()
    while True:
        async with asyncio.timeout(SILENCE_S):
            chunk = await anext(stream, None)
        if chunk is None:
            return
        yield chunk


async def _drop(request: Request, batch: Batch) -> Response:
    await run_sync(batch.drop, request.path_params["upload"])
    return _answer(204, {})


def _announced(request: Request) -> Announced:
    length = request.headers.get("upload-length", "")
    if not length.isascii() or not length.isdigit():
        raise InputError("Upload-Length is no number.", hint="Announce how long the file is.")
    metadata = _metadata(request.headers.get("upload-metadata", ""))
    return Announced(
        name=metadata.get("filename", ""),
        length=int(length),
        modified=metadata.get("modified", ""),
        sha256=metadata.get("sha256", ""),
    )


def _metadata(header: str) -> dict[str, str]:
    """Return the pairs of Upload-Metadata: a key, a space, its value in base64."""
    metadata = {}
    for pair in header.split(","):
        key, _, value = pair.strip().partition(" ")
        try:
            metadata[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as exc:
            raise InputError(
                "Upload-Metadata is not in base64.", hint="Encode each value in base64."
            ) from exc
    return metadata


def _progress(upload: Upload) -> dict[str, str]:
    return {"Upload-Offset": str(upload.offset), "Upload-Length": str(upload.announced.length)}


def _answer(code: int, headers: Mapping[str, str]) -> Response:
    return Response(
        status_code=code,
        headers={"Tus-Resumable": VERSION, "Cache-Control": "no-store", **headers},
    )


def _refused(code: int, why: str) -> Response:
    headers = {"Tus-Resumable": VERSION, "Cache-Control": "no-store"}
    return JSONResponse({"error": why}, code, headers)
