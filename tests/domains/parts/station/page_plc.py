"""A PLC programmed from `domains/parts/README.md` alone: sockets and numbers, nothing of ours.

Its steps are those of the Structured Text on that page. Nothing of the product is imported, so
that the page is what it is tested by.
"""

import socket
import struct
import time


class PagePlc:
    """One PLC; `run` inspects parts one after the other and keeps what it did with each."""

    def __init__(self, port, deadline_s=0.5):
        self._peer = socket.create_connection(("127.0.0.1", port), timeout=5)
        self._peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._deadline_s = deadline_s
        self._transaction = 0
        self._h = [0] * 12
        self._i = [0] * 24
        self._last_seq = 0
        self._beat, self._beat_at = None, 0.0

    def close(self):
        self._peer.close()

    def run(self, parts, part_id):
        """Start, then inspect PartSeq 1, 2, …; return (PartSeq, passes, stops, reason) of each."""
        self._read()
        self._h[0] = 4 if self._i[1] & 2 else 0
        self._last_seq = self._i[3]
        self._write()
        self._h[0] |= 1
        return [self._one_part((n + 1) & 0xFFFF, part_id(n + 1)) for n in range(parts)]

    def _one_part(self, part_seq, part_id):
        self._wait_for_ready()
        self._h[1] = part_seq
        self._h[4:12] = struct.unpack(">8H", part_id.encode("ascii").ljust(16, b"\0"))
        self._h[0] |= 2
        began = time.monotonic()
        self._cycle()
        while not self._i[0] & 2:
            if time.monotonic() - began > 0.5 or not self._is_alive():
                self._h[0] &= ~2
                self._cycle()
                return (part_seq, False, False, None)
            self._cycle()
        self._h[0] &= ~2
        while True:
            self._cycle()
            if self._is_fresh():
                self._acknowledge()
                if self._i[4] == part_seq:
                    passes = bool(self._i[1] & 0x100) and self._is_alive()
                    return (part_seq, passes, bool(self._i[1] & 0x400), self._i[5])
            elif time.monotonic() - began > self._deadline_s + 0.5 or not self._is_alive():
                return (part_seq, False, False, None)

    def _wait_for_ready(self):
        while True:
            self._cycle()
            if self._i[1] & 8 and bool(self._i[1] & 2) != bool(self._h[0] & 4):
                self._acknowledge()
            elif self._i[0] & 1 and not self._i[0] & 2 and self._is_alive():
                return

    def _is_fresh(self):
        verdicts = sum(bool(self._i[1] & bit) for bit in (0x100, 0x200, 0x400))
        is_whole = self._i[3] == self._i[23] and verdicts == 1 and self._i[1] & 8
        is_new = bool(self._i[1] & 2) != bool(self._h[0] & 4) and self._i[3] != self._last_seq
        return is_whole and is_new

    def _acknowledge(self):
        self._last_seq = self._i[3]
        self._h[0] = self._h[0] & ~4 | (4 if self._i[1] & 2 else 0)

    def _is_alive(self):
        return time.monotonic() - self._beat_at <= 0.5

    def _cycle(self):
        self._write()
        self._read()

    def _write(self):
        self._ask(struct.pack(">BHHB12H", 16, 0, 12, 24, *self._h))

    def _read(self):
        answered = self._ask(struct.pack(">BHH", 4, 0, 24))
        if answered[:2] == b"\x04\x30":
            self._i = list(struct.unpack(">24H", answered[2:]))
        beat = self._i[0] & 0x8000
        if beat != self._beat:
            self._beat, self._beat_at = beat, time.monotonic()

    def _ask(self, pdu):
        self._transaction = (self._transaction + 1) & 0xFFFF
        self._peer.sendall(struct.pack(">HHHB", self._transaction, 0, len(pdu) + 1, 1) + pdu)
        head = self._peer.recv(7, socket.MSG_WAITALL)
        transaction, _, length, _ = struct.unpack(">HHHB", head)
        assert transaction == self._transaction
        return self._peer.recv(length - 1, socket.MSG_WAITALL)
