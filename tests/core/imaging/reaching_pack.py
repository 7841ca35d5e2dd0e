"""A pack whose reader tries what an exploited codec would: it says which attempts went through."""

import os
import signal
import socket
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

from core.errors import UnreadableImage
from domains.parts import pack as parts


def _environment_of_parent():
    return Path(f"/proc/{os.getppid()}/environ").read_bytes()


def _attempts(port, folder):
    yield "own password", lambda: os.environ["ASSAY_STORE_URL"]
    yield "own key", lambda: os.environ["AWS_SECRET_ACCESS_KEY"]
    yield "parent's environment", _environment_of_parent
    yield "parent's memory", lambda: os.close(os.open(f"/proc/{os.getppid()}/mem", os.O_RDONLY))
    yield "signal to parent", lambda: os.kill(os.getppid(), signal.SIGCONT)
    yield "read a secret", lambda: Path(folder, "secret").read_bytes()
    yield "read /etc/passwd", lambda: Path("/etc/passwd").read_bytes()
    yield "list home", lambda: os.listdir(Path.home())
    yield "network", lambda: socket.create_connection(("127.0.0.1", port), 2)
    yield "datagram", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    yield "abstract socket", lambda: socket.socket(socket.AF_UNIX)
    yield "new file", lambda: Path(folder, "new").touch()
    yield "overwrite", lambda: Path(folder, "secret").write_bytes(b"x")
    yield "truncate", lambda: os.truncate(Path(folder, "secret"), 0)
    yield "unlink", lambda: os.unlink(Path(folder, "secret"))
    yield "rename", lambda: os.rename(Path(folder, "secret"), Path(folder, "moved"))
    yield "chmod", lambda: os.chmod(Path(folder, "secret"), 0o777)
    yield "times", lambda: os.utime(Path(folder, "secret"))
    yield "program", lambda: subprocess.run(["/bin/true"], check=True)
    yield "fork", os.fork
    # What decoders do need.
    yield "thread", _start_a_thread
    yield "own code", lambda: Path(os.__file__).read_bytes()


def _start_a_thread():
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()


def _read(data, max_pixels, size):
    port, folder = data.decode().split(" ", 1)
    reached = []
    for name, attempt in _attempts(int(port), folder):
        try:
            attempt()
        except (OSError, KeyError, RuntimeError):
            continue
        reached.append(name)
    raise UnreadableImage("; ".join(reached))


pack = replace(parts, name="reaching", outputs=(), read=_read)
