"""An OPC UA server in the words of OPC 40100-1: the station as a vision system."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from asyncua.server.server import Server

from core.errors import ConfigError
from domains.parts.station.options import OpcuaOptions
from domains.parts.station.outputs.opcua_events import Announcer
from domains.parts.station.outputs.opcua_machine import VisionMachine
from domains.parts.station.outputs.opcua_methods import VisionMethods
from domains.parts.station.outputs.opcua_model import AddressSpace, build_model
from domains.parts.station.outputs.opcua_results import KeptResults, result_of
from domains.parts.station.outputs.opcua_security import OpcuaSecurity, read_security, secure
from domains.parts.station.part import InspectedPart
from domains.parts.station.plc.blocks import decode_status, without_life
from domains.parts.station.plc.registers import OfflineReason
from domains.parts.station.ports import Post, Words

SESSION_MS = 60_000
LIFE_S, LIVE_S = 0.2, 1.0
"""A status that is older is not shown as it was; a station that is silent longer has an error."""

_MAX_CLIENTS = 20
_OPEN_S = 60.0
_TICK_S = 0.1
_MAX_STATUSES = 200


@dataclass(frozen=True, slots=True)
class _Status:
    words: Words
    problems: tuple[str, ...]


_Item = _Status | InspectedPart


class OpcuaOutput:
    """The server as an output of a station, in a thread of its own."""

    name = "opcua"

    def __init__(
        self,
        station: str,
        options: OpcuaOptions,
        post: Post,
        *,
        takes_triggers: bool = False,
        products: Mapping[int, str] | None = None,
        job_limit_s: float = 30.0,
    ) -> None:
        """Prepare; nothing is served before `open`.

        Args:
            station: Name of the station.
            options: Where to serve.
            post: Gets the signals of clients, from the server's thread.
            takes_triggers: Whether parts are triggered through OPC UA.
            products: Names of the products by their recipes' numbers; any number where empty.
            job_limit_s: A single job without a result ends after so many seconds.
        """
        self._station, self._options, self._post = station, options, post
        self._takes_triggers, self._products = takes_triggers, products or {}
        self._job_limit_s = job_limit_s
        self._machine, self._results = VisionMachine(), KeptResults()
        self._items: deque[_Item] = deque()
        self._words: Words = ()
        self._shown_at = float("inf")
        self._is_silent = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._stopping = False
        self._opened = threading.Event()
        self._problem: OSError | None = None
        self._security = OpcuaSecurity()
        self._thread = threading.Thread(target=self._run, name="parts.opcua", daemon=True)

    def open(self) -> None:
        """Start serving.

        Raises:
            ConfigError: The address cannot be served at, or a certificate cannot be used.
        """
        self._security = read_security(self._options)
        try:
            # The server takes seconds to get there.
            socket.create_server(_address(self._options.endpoint)).close()
        except OSError as exc:
            self._problem = exc
        else:
            self._thread.start()
            self._opened.wait(_OPEN_S)
        if not self._opened.is_set() or self._problem is not None:
            raise ConfigError(
                f"OPC UA cannot be served at {self._options.endpoint}: "
                f"{self._problem or 'the server does not start'}.",
                hint="Free the port, or correct outputs.opcua.endpoint.",
            )

    def show(self, words: Words, status: Mapping[str, object]) -> None:
        """Show the status block, and the state that follows from it."""
        self._words, self._shown_at = words, monotonic()
        if len(self._items) < _MAX_STATUSES:
            problems: Any = status.get("Problems", ())
            self._hand_over(_Status(words, tuple(problems)))

    def send(self, part: InspectedPart, words: Words) -> bool:  # noqa: ARG002
        """Return True, once a result is shown: who wants it fetches it, so nothing is sent."""
        self._hand_over(part)
        return True

    def close(self) -> None:
        """End serving; clients lose their connection."""
        self._stopping = True
        self._notify()
        if self._thread.is_alive():
            self._thread.join(10.0)

    def _hand_over(self, item: _Item) -> None:
        self._items.append(item)
        self._notify()

    def _notify(self) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._wake.set)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        methods = VisionMethods(
            self._machine,
            self._results,
            self._post,
            lambda: abs(monotonic() - self._shown_at) < LIVE_S,
            takes_triggers=self._takes_triggers,
            products=self._products,
        )
        server = await _new_server(self._options.endpoint)
        await secure(server, self._security)
        model = await build_model(server, self._station, methods.callbacks())
        methods.announcer = Announcer(self._machine, model)
        await model.show_state(self._machine.state, None)
        try:
            await server.start()
        except OSError as exc:
            self._problem = exc
            self._opened.set()
            return
        self._opened.set()
        try:
            await self._follow(methods, methods.announcer, model)
        finally:
            await server.stop()

    async def _follow(
        self, methods: VisionMethods, announcer: Announcer, model: AddressSpace
    ) -> None:
        """Show what is handed over, until the end."""
        while not self._stopping:
            async with methods.changes:
                while self._items:
                    await self._take(self._items.popleft(), announcer, model)
                await self._take_silence(announcer, model)
                expired = self._machine.expire(monotonic() - self._job_limit_s)
                await announcer.transitions(expired)
            try:
                await asyncio.wait_for(self._wake.wait(), _TICK_S)
            except TimeoutError:
                continue
            self._wake.clear()

    async def _take(self, item: _Item, announcer: Announcer, model: AddressSpace) -> None:
        if isinstance(item, InspectedPart):
            job, transitions = self._machine.complete(item)
            result = result_of(self._station, item, job)
            self._results.add(result)
            await announcer.result_ready(result)
        else:
            self._is_silent = False
            announcer.problems = item.problems
            was_acquiring = self._machine.status.acquiring
            transitions = self._machine.observe(decode_status(item.words))
            await model.show_words(item.words)
            await model.show_problems(item.problems)
            if was_acquiring and not self._machine.status.acquiring:
                await announcer.acquisition_done()
        await announcer.transitions(transitions)

    async def _take_silence(self, announcer: Announcer, model: AddressSpace) -> None:
        """Show that the station's loop is silent, as if it had ended."""
        silent_s = monotonic() - self._shown_at
        if silent_s < LIFE_S:
            return
        words = without_life(self._words)
        if not self._is_silent:
            self._is_silent = True
            await model.show_words(words)
        if silent_s >= LIVE_S:
            status = replace(decode_status(words), offline_reason=OfflineReason.STATION)
            await announcer.transitions(self._machine.observe(status))


async def _new_server(endpoint: str) -> Server:
    """Return a server with the limits of a station: few clients, short sessions."""
    server = Server()
    await server.init()
    server.set_endpoint(endpoint)
    server.set_server_name("Assay station")
    limits = server.iserver
    limits.max_session_timeout_ms = SESSION_MS
    limits.max_connections = limits.max_subscriptions = _MAX_CLIENTS
    limits.max_pending_activation_seconds = 10.0
    server.limits.max_message_size = server.limits.max_recv_buffer * 16
    server.limits.max_chunk_count = 16
    server.socket_address = _address(endpoint)
    return server


def _address(endpoint: str) -> tuple[str, int]:
    parts = urlsplit(endpoint)
    return parts.hostname or "", parts.port or 0
