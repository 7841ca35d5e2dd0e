"""A child process of our own code that is talked to in lines, and may be ended at any time.

The parent holds a `ChildProcess`; the module that it starts takes its end with `take_channel`. What
a line says is the business of the two; nothing is ever unpickled. The child reads the end of its
input when the parent is gone, and ends.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from time import monotonic

LONGEST_LINE = 1024 * 1024
_PIECE = 64 * 1024


class CrashCounter:
    """Counts the children of this process that a signal ended of its own accord; thread-safe."""

    def __init__(self) -> None:
        self._lock, self._count = threading.Lock(), 0

    def add(self) -> None:
        """Count one more."""
        with self._lock:
            self._count += 1

    @property
    def total(self) -> int:
        """How many there were since the process began."""
        return self._count


CRASHES = CrashCounter()


class ChildLost(Exception):
    """The child gives no answer any more; the message says how, such as ``SIGSEGV``."""


class ChildEnded(ChildLost):
    """The child has ended.

    Attributes:
        code: Its exit code, negative for the signal that ended it.
    """

    def __init__(self, code: int) -> None:
        super().__init__(signal.Signals(-code).name if code < 0 else f"exit code {code}")
        self.code = code


class ChannelClosed(ChildLost):
    """The child has closed its channel and goes on running."""


class LineTooLong(ChildLost):
    """The child writes a line of more than `LONGEST_LINE` bytes."""


class ChildProcess:
    """One running child: ``python -m MODULE ARGUMENTS`` in a session of its own.

    Args:
        module: Import path of the module, found on this process's import path.
        arguments: What everybody on this machine may read; secrets go through ``send``.
        environment: Its variables; PYTHONPATH is added.
        stderr: Where its error output goes: a descriptor, or one of subprocess's constants.
        inherited: Descriptors that it inherits.
        exit_wait_s: How long a child whose channel is closed has to end, so that how is known.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str] = (),
        *,
        environment: Mapping[str, str],
        stderr: int,
        inherited: Sequence[int] = (),
        exit_wait_s: float = 5.0,
    ) -> None:
        path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
        self._process = subprocess.Popen(
            # Without -P a module of the same name in the working folder would be taken.
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            bufsize=0,
            pass_fds=inherited,
            start_new_session=True,
            env={**environment, "PYTHONPATH": path},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._orders, self._answers = self._process.stdin, self._process.stdout
        self._line = bytearray()
        self._exit_wait_s = exit_wait_s

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def send(self, line: bytes) -> None:
        """Write one line, with its end; whether the child still reads shows in ``receive``."""
        with suppress(BrokenPipeError):
            self._orders.write(line)

    def receive(self, seconds: float) -> bytes | None:
        """Return the next line, without its end; None when there is none in time.

        What has come of a line by then is kept for the next call.

        Raises:
            ChildLost: There will be none.
        """
        poll = select.poll()
        poll.register(self._answers, select.POLLIN)
        deadline = monotonic() + seconds
        while (end := self._line.find(b"\n")) < 0:
            left = deadline - monotonic()
            if left <= 0 or not poll.poll(1e3 * left):
                return None
            piece = os.read(self._answers.fileno(), _PIECE)
            if not piece:
                raise self._lost()
            self._line += piece
            if len(self._line) > LONGEST_LINE:
                raise LineTooLong(f"a line of more than {LONGEST_LINE} bytes")
        line = bytes(self._line[:end])
        del self._line[: end + 1]
        return line

    def exit_code(self) -> int | None:
        """Return its exit code, None while it runs."""
        return self._process.poll()

    def kill(self) -> None:
        """End it, what it has started in its session, and the channel; safe to call twice."""
        if self._answers.closed:
            return
        self._orders.close()
        self._answers.close()
        # Also where it has ended itself: what it started may still run.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _lost(self) -> ChildLost:
        try:
            code = self._process.wait(timeout=self._exit_wait_s)
            if code < 0:
                CRASHES.add()
            return ChildEnded(code)
        except subprocess.TimeoutExpired:
            return ChannelClosed("its channel is closed")


@dataclass(frozen=True, slots=True)
class Channel:
    """The child's end: lines that come in, and lines that go out."""

    orders: FileIO
    answers: FileIO

    def lines(self) -> Iterator[bytes]:
        """Yield what the parent sends, until it is gone."""
        rest = b""
        while piece := self.orders.read(_PIECE):
            rest += piece
            *whole, rest = rest.split(b"\n")
            yield from whole

    def send(self, line: bytes) -> None:
        """Write one line, with its end."""
        rest = memoryview(line)
        while rest:
            rest = rest[self.answers.write(rest) :]


def take_channel() -> Channel:
    """Return the channel to the parent on standard input and output; prints go nowhere."""
    channel = Channel(FileIO(os.dup(0), "r"), FileIO(os.dup(1), "w"))
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    return channel


def end_after(seconds: float) -> None:
    """Let the kernel end this process by SIGALRM after so many seconds; 0 takes that back.

    The parent watches the time itself; this is for a parent that died or is busy elsewhere.
    """
    signal.setitimer(signal.ITIMER_REAL, seconds)
