"""Serving the dashboard in a process of its own, until it is interrupted.

Nothing heavy is imported here: this process only waits, and the server's own imports come after it.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec

from core.errors import ConfigError
from core.service.people.oidc import is_loopback, provider_of
from core.settings import Settings

HOST = "127.0.0.1"
PORT = 8501
STOP_S = 20.0
"""How long a server may take to stop before it is killed."""


def launch(settings: Settings, port: int = PORT, host: str = HOST) -> None:
    """Serve the dashboard until it is interrupted.

    Args:
        settings: Where things run; handed to the dashboard's process through its environment.
        port: Port to serve at.
        host: Address to serve at; other machines reach it only where people sign in.

    Raises:
        ConfigError: The dashboard is not installed, the port is taken, nobody could sign in from
            another machine, or the server failed.
    """
    _refuse_open(settings, host)
    command = serve_command(port, host)
    _refuse_taken(port, host)
    with (
        subprocess.Popen(command, env={**os.environ, **environment(settings)}) as server,
        _stopped_together(server),
    ):
        try:
            code = server.wait()
        except KeyboardInterrupt:
            # The terminal signals the server as well; it answers what it was asked, and closes.
            _end(server)
            return
    if code and code != -signal.SIGTERM:
        raise ConfigError(
            f"The dashboard stopped with exit code {code}.",
            hint="What it wrote above says why; `assay doctor` checks the installation.",
        )


@contextmanager
def _stopped_together(server: subprocess.Popen[bytes]) -> Iterator[None]:
    """Yield while a signal that would end this process alone goes to its server as well."""

    def stop(*_: object) -> None:
        server.terminate()
        raise KeyboardInterrupt

    before = {one: signal.signal(one, stop) for one in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _end(server: subprocess.Popen[bytes]) -> None:
    """Wait for a server that was signalled, which waits for its requests, but not for ever."""
    try:
        server.wait(STOP_S)
    except subprocess.TimeoutExpired:
        server.kill()


def serve_command(port: int, host: str = HOST) -> list[str]:
    """Return the command that serves the dashboard; everything else is in its own config.toml.

    Raises:
        ConfigError: The dashboard is not installed.
    """
    # Found, not imported: core knows no screen.
    if find_spec("dashboard") is None:
        raise ConfigError(
            "The dashboard is not installed.", hint="pip install --force-reinstall assay-inspection"
        )
    address = ["--server.address", host, "--server.port", str(port)]
    return [sys.executable, "-m", "dashboard", *address]


def environment(settings: Settings) -> Mapping[str, str]:
    """Return settings as the variables that they are read from, Streamlit's own included.

    Raises:
        ConfigError: Signing in is configured in part.
    """
    own = {f"ASSAY_{name.upper()}": str(value) for name, value in settings}
    provider = provider_of(settings)
    if provider is None:
        return own
    return {
        **own,
        # In no argument: those of a process are there for everybody to read.
        "STREAMLIT_SERVER_COOKIE_SECRET": provider.cookie_secret,
        "STREAMLIT_SERVER_BASE_URL_PATH": provider.root_path,
        "STREAMLIT_SERVER_ALLOWED_HOSTS": " ".join({HOST, "localhost", provider.host}),
        # Else Streamlit asks a server on the internet for the name of this machine.
        "STREAMLIT_BROWSER_SERVER_ADDRESS": provider.host,
    }


def _refuse_open(settings: Settings, host: str) -> None:
    if not is_loopback(host) and provider_of(settings) is None:
        raise ConfigError(
            f"Served at {host}, anybody on the network could review under any name.",
            hint="Configure signing in first (README, `For an administrator`), or leave --host out "
            "to work on this machine alone.",
        )


def _refuse_taken(port: int, host: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            raise ConfigError(
                f"Port {port} on {host} cannot be used: {exc.strerror}.",
                hint=f"Choose another: `assay review --port {port + 1}`.",
            ) from exc
