"""The station's Modbus TCP server: status in input registers, control in holding registers."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Mapping

from core.errors import ConfigError
from domains.parts.station.options import ModbusOptions
from domains.parts.station.outputs.modbus_registers import Registers
from domains.parts.station.outputs.modbus_server import ModbusServer
from domains.parts.station.part import InspectedPart
from domains.parts.station.ports import Post, Words

_BACKLOG = 512
_JOIN_S = 5.0


class ModbusOutput:
    """Shows the status block to Modbus peers and hands on what they write.

    Input registers 0 to 23 are I0 to I23, holding registers 0 to 15 are H0 to H15; the rising
    edge of coil 0 is a trigger, coil 1 says whether the reject gate stands open. Where ``show``
    does not come for 200 ms, peers read a station that is offline, without a result, with its
    gate shut and a heartbeat that stands still.

    Args:
        options: Where it listens.
        post: Takes what peers write, from the server's thread.
    """

    name = "modbus"

    def __init__(self, options: ModbusOptions, post: Post) -> None:
        self._options = options
        self._registers = Registers(post)
        self._port = options.port
        self._socket: socket.socket | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._serve, name="modbus", daemon=True)
        self._has_started = threading.Event()

    @property
    def port(self) -> int:
        """The port that was bound by ``open``."""
        return self._port

    def open(self) -> None:
        """Start serving.

        Raises:
            ConfigError: The port cannot be had.
        """
        address = (self._options.host, self._options.port)
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        try:
            self._socket = socket.create_server(address, family=family, backlog=_BACKLOG)
        except OSError as exc:
            raise ConfigError(
                f"Modbus cannot be served at {address[0]}:{address[1]}: {exc}.",
                hint="Give another host or port under [outputs.modbus]; ports below 1024 need "
                "the right to bind them.",
            ) from exc
        self._port = int(self._socket.getsockname()[1])
        # A line for each request that does not decode would let a peer fill the disk.
        logging.getLogger("pymodbus.logging").setLevel(logging.ERROR)
        self._thread.start()
        self._has_started.wait()

    def show(self, words: Words, status: Mapping[str, object]) -> None:
        """Show the status block; a peer that asks in the middle gets the one before, whole."""
        del status
        self._registers.show(words)

    def show_gate(self, is_open: bool) -> None:
        """Show whether the reject gate stands open, in coil 1."""
        self._registers.show_gate(is_open)

    def send(self, part: InspectedPart, words: Words) -> bool:
        """Return True: a result stands in the status block until the PLC takes it."""
        del part, words
        return True

    def close(self) -> None:
        """Show that the station has ended, for 0.3 s where somebody reads, and let go."""
        self._registers.end()
        if self._loop is None or self._stop is None:
            return
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_JOIN_S)
        self._loop = None

    def _serve(self) -> None:
        asyncio.run(self._run())

    async def _run(self) -> None:
        assert self._socket is not None
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._has_started.set()
        server = ModbusServer(self._registers, self._options.unit, self._options.allow)
        await server.run(self._socket, self._stop)
