"""A Modbus TCP server for a machine network: bounded in peers, bytes, time and requests.

Requests are decoded and answered by pymodbus; frames are read here. pymodbus 3.16's own server
loses the second of two requests that arrive together, never again hears a peer after one byte of
garbage, and admits any number of peers.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

from pymodbus.constants import ExcCodes
from pymodbus.pdu import DecodePDU, ExceptionResponse

from domains.parts.station.outputs.modbus_registers import PeerView, Registers

MAX_PEERS = 128
IDLE_S = 60.0
SEND_S = 5.0
LINGER_S = 0.3
# All peers together: far more than a line needs, and little of one core.
_REQUESTS_S, _BURST = 1000, 200
_ADMITTED_S = 250
_FUNCTIONS = frozenset({1, 3, 4, 5, 6, 15, 16, 22, 23})
_WRITE_COIL, _COIL_VALUES = 5, (b"\x00\x00", b"\xff\x00")
Network = IPv4Network | IPv6Network

_HEADER = struct.Struct(">HHHB")
_BUFFER = 1024
_SEND_BUFFER = 16384
# Modbus Messaging on TCP/IP: a server that is no gateway answers to 0 and 255, too.
_ANY_UNIT = frozenset({0, 255})


async def answer(pdu: bytes, view: PeerView) -> bytes:
    """Return the answer to a request, both without header: function code and data.

    A foreign function code is answered by exception 1, foreign addresses by 2, values by 3.
    """
    if pdu[0] not in _FUNCTIONS:
        return _refuse(pdu[0], ExcCodes.ILLEGAL_FUNCTION)
    request = DecodePDU(True).decode(pdu)
    if request is None or (pdu[0] == _WRITE_COIL and pdu[3:5] not in _COIL_VALUES):
        return _refuse(pdu[0], ExcCodes.ILLEGAL_VALUE)
    # Its annotation names the deprecated context; any object with the two methods serves.
    context: Any = view
    response = await request.datastore_update(context, 0)
    return bytes([response.function_code]) + response.encode()


class ModbusServer:
    """Serves the registers until it is stopped. Everything runs in one asyncio loop.

    The peer that is longest without a complete request makes room for a new one, so idle and
    half-open connections never keep a PLC out.
    """

    def __init__(self, registers: Registers, unit: int, allow: Sequence[Network] = ()) -> None:
        self._registers, self._allow = registers, allow
        self._units = _ANY_UNIT | {unit}
        self._peers: dict[asyncio.StreamWriter, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._served = 0
        self._lock = asyncio.Lock()
        self._next = float("-inf")

    async def run(self, listener: socket.socket, stop: asyncio.Event) -> None:
        """Serve at a socket until ``stop``, then let peers read for a moment that it has ended."""
        accepting = asyncio.create_task(self._accept(listener))
        await stop.wait()
        accepting.cancel()
        await asyncio.wait([accepting])
        listener.close()
        if self._peers:
            await asyncio.sleep(LINGER_S)
        for peer in self._peers:
            peer.transport.abort()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1)

    async def _accept(self, listener: socket.socket) -> None:
        """Admit peers one by one and paced: a crowd at once would take the time of the loop."""
        listener.setblocking(False)
        while True:
            with suppress(OSError):
                peer, address = await asyncio.get_running_loop().sock_accept(listener)
                if self._is_allowed(str(address[0])):
                    # What a peer does not read waits here, not in megabytes of the kernel's.
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
                    self._admit(*await asyncio.open_connection(sock=peer, limit=_BUFFER))
                else:
                    peer.close()
            await asyncio.sleep(1 / _ADMITTED_S)

    def _is_allowed(self, host: str) -> bool:
        address = ip_address(host.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None) or address
        return not self._allow or any(mapped in network for network in self._allow)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.set_write_buffer_limits(high=_BUFFER)
        view = PeerView(self._registers)
        try:
            with suppress(OSError, EOFError, TimeoutError):
                while await self._exchange(reader, writer, view):
                    self._served += 1
                    if writer in self._peers:
                        self._peers[writer] = self._served
        finally:
            self._peers.pop(writer, None)
            writer.transport.abort()

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, view: PeerView
    ) -> bool:
        """Return whether the peer sent Modbus, after answering one request."""
        async with asyncio.timeout(IDLE_S):
            header = await reader.readexactly(_HEADER.size)
            transaction, protocol, length, unit = _HEADER.unpack(header)
            if protocol or not 2 <= length <= 254:
                return False
            pdu = await reader.readexactly(length - 1)
        await self._take_turn()
        if unit in self._units:
            answered = await answer(pdu, view)
        else:
            answered = _refuse(pdu[0], ExcCodes.GATEWAY_NO_RESPONSE)
        writer.write(_HEADER.pack(transaction, 0, len(answered) + 1, unit) + answered)
        async with asyncio.timeout(SEND_S):
            await writer.drain()
        return True

    def _admit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._peers) >= MAX_PEERS:
            longest = min(self._peers, key=self._peers.__getitem__)
            del self._peers[longest]
            longest.transport.abort()
        self._peers[writer] = 0
        task = asyncio.create_task(self._talk(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take_turn(self) -> None:
        """Return when the next request may be answered; peers who wait come in their order."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            self._next = max(self._next + 1 / _REQUESTS_S, now - _BURST / _REQUESTS_S)
            # Also where there is no wait, others come first: what one sent at once may be much.
            await asyncio.sleep(max(0.0, self._next - now))


def _refuse(function: int, code: ExcCodes) -> bytes:
    response = ExceptionResponse(function & 0x7F, code)
    return bytes([response.function_code]) + response.encode()
