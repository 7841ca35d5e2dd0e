"""Packs whose reader does what a broken native decoder does, by the first word of the bytes."""

import ctypes
import os
import resource
import signal
import sys
import tempfile
import time
from dataclasses import replace

import numpy as np

from core.errors import UnreadableImage
from core.imaging.protocol import SLOTS
from core.types import Finding, Frame, Prepared, Reason
from domains.parts import pack as parts


class Panic(BaseException):
    """What a Rust decoder raises."""


def _everywhere(action):
    for descriptor in range(3, 30):
        try:
            action(descriptor)
        except OSError:
            continue


def _speak_and_die(sentence):
    _everywhere(lambda descriptor: os.write(descriptor, sentence))
    os._exit(0)


def _shrink_memory(descriptor):
    os.ftruncate(descriptor, 0)
    os._exit(0)


def _spoil_inboxes():
    frame = sys._getframe()
    while not {"memory", "spec"} <= frame.f_locals.keys():
        frame = frame.f_back
    memory, spec = frame.f_locals["memory"], frame.f_locals["spec"]
    for slot in range(SLOTS):
        at = spec.inbox_at(slot)
        memory[at : at + spec.inbox_bytes] = bytes(spec.inbox_bytes)
    os.abort()


def _write_a_file():
    with tempfile.TemporaryFile() as file:
        file.write(b"x")


def _raise(exc):
    raise exc


DEEDS = {
    b"abort": os.abort,
    b"segfault": lambda: ctypes.string_at(0),
    b"exit": lambda: os._exit(0),
    b"sleep": lambda: time.sleep(3600),
    b"stubborn": lambda: (signal.signal(signal.SIGALRM, signal.SIG_IGN), time.sleep(3600)),
    b"alloc": lambda: np.ones(2**32, np.uint8),
    b"core": lambda: _raise(AssertionError(resource.getrlimit(resource.RLIMIT_CORE))),
    b"write": _write_a_file,
    b"garbage": lambda: _speak_and_die(b"\x00\xffgarbage\n"),
    b"nested": lambda: _speak_and_die(b"[" * 60_000 + b"\n"),
    b"forged": lambda: _speak_and_die(
        b'{"ms": 1.0, "size": "ab", "findings": [], "measures": {}}\n'
    ),
    b"endless": lambda: _everywhere(lambda descriptor: os.write(descriptor, b"x" * 3_000_000)),
    b"shrink": lambda: _everywhere(_shrink_memory),
    b"spoil": _spoil_inboxes,
    b"deaf": lambda: (_everywhere(os.close), time.sleep(3600)),
    b"panic": lambda: _raise(Panic("index out of bounds")),
    b"bug": lambda: _raise(KeyError("a programmer's slip")),
    b"refuse": lambda: _raise(UnreadableImage("Not today.", hint="Come tomorrow.")),
    b"print": lambda: os.write(1, b"libwhatever: warning: premature end\n"),
}


def read(data: bytes, max_pixels: int, min_side: int) -> Frame:
    word = bytes(data.split(b" ", 1)[0])
    if word in DEEDS:
        DEEDS[word]()
        data = data.split(b" ", 1)[-1]
    return parts.read(data, max_pixels, min_side)


def prepare(frame: Frame, size: int) -> Prepared:
    prepared = parts.prepare(frame, size)
    finding = Finding(Reason.WRONG_INPUT, "line one\nline two, “quoted”")
    measures = {**prepared.measures, "third": 1 / 3, "tiny": 5e-324, "none": float("nan")}
    return replace(prepared, findings=(*prepared.findings, finding), measures=measures)


def is_wrong_size(sha256: str) -> bool:
    return int(sha256[:8], 16) % 3 == 0


pack = replace(parts, name="hostile", outputs=(), read=read, prepare=prepare)
wrong_size = replace(
    parts, name="wrong", outputs=(), prepare=lambda frame, size: parts.prepare(frame, size + 1)
)
some_wrong_size = replace(
    parts,
    name="partly_wrong",
    outputs=(),
    prepare=lambda frame, size: parts.prepare(frame, size + is_wrong_size(frame.sha256)),
)
not_a_pack = 7
