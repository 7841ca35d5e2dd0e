"""A broker of its own for a trial: mosquitto as a process that can be stopped and started again."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from getpass import getuser
from pathlib import Path

START_S = 10.0


class BrokerProcess:
    """Mosquitto on a free port of this machine.

    Args:
        program: Path of mosquitto.
        folder: Where its configuration is written.
    """

    def __init__(self, program: str, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._command = [program, "-c", str(folder / "mosquitto.conf")]
        # As root it would become a user who may not read the folder.
        lines = (f"listener {self.port} 127.0.0.1", f"user {getuser()}", "allow_anonymous true")
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return once it listens.

        Raises:
            TimeoutError: It does not.
        """
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(self._command, stdout=quiet, stderr=quiet)
        deadline = time.monotonic() + START_S
        while not self._listens():
            if time.monotonic() > deadline:
                raise TimeoutError(f"expected mosquitto to listen within {START_S:g} s")
            time.sleep(0.02)

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _listens(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1.0):
            return True
        return False


@contextmanager
def installed_broker(folder: Path) -> Iterator[BrokerProcess | None]:
    """Yield a broker that runs; None where mosquitto is not installed.

    Args:
        folder: Where its configuration is written.
    """
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if program is None:
        yield None
        return
    broker = BrokerProcess(program, folder)
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()
