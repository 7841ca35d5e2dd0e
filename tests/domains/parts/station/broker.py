"""A real MQTT broker, and a wire to it that can be cut or can stand still."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from contextlib import suppress
from getpass import getuser
from pathlib import Path
from time import sleep

from tests.domains.parts.station.inspected import wait_for
from tests.needed import skip_without


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class Broker:
    """Mosquitto with a configuration of its own."""

    def __init__(self, folder: Path, *lines: str) -> None:
        path = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
        skip_without(path is not None, "Mosquitto is not there: apt-get install mosquitto.")
        self.path = path
        self.port = free_port()
        self.file = folder / "mosquitto.conf"
        access = (
            () if any("allow_anonymous" in line for line in lines) else ("allow_anonymous true",)
        )
        # As root it would become a user who may not read the test's folder.
        own = (f"listener {self.port} 127.0.0.1", f"user {getuser()}")
        self.file.write_text("\n".join((*own, *access, *lines)) + "\n")
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [self.path, "-c", str(self.file)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for(lambda: listens(self.port), "the broker")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(20)
            self.process = None


class Wire:
    """A TCP relay: what it lets through, either way, a test says."""

    def __init__(self, port: int) -> None:
        self.to_port = port
        self.is_open = True
        self.lets_answers_through = True
        self.lets_requests_through = True
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break what is connected; a new connection is let through as `is_open` says."""
        for pair in self._pairs:
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
        self._pairs.clear()

    def close(self) -> None:
        self._server.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            if not self.is_open:
                client.close()
                continue
            try:
                broker = socket.create_connection(("127.0.0.1", self.to_port))
            except OSError:
                client.close()
                continue
            self._pairs.append((client, broker))
            for source, sink, name in (
                (client, broker, "lets_requests_through"),
                (broker, client, "lets_answers_through"),
            ):
                threading.Thread(target=self._relay, args=(source, sink, name), daemon=True).start()

    def _relay(self, source: socket.socket, sink: socket.socket, name: str) -> None:
        try:
            while data := source.recv(65536):
                while not getattr(self, name):
                    sleep(0.01)
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
