"""Commands and dashboards forked from a process that has imported what they import.

Each is a process of its own, with its own arguments, environment, output and exit code, and with
warnings as errors; it only starts at once. What a start imports by itself, and that nothing warns
there, is for those tests to show that start a process anew.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from multiprocessing.context import ForkServerProcess
from multiprocessing.forkserver import ensure_running
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from core.service.review import server as review_server
from core.settings import Settings

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.preloaded"])


def start(
    module: str, arguments: Sequence[str], environment: Mapping[str, str], out: Path, err: Path
) -> ForkServerProcess:
    """Start ``main`` of a module; what it prints is added to two files."""
    with patch.dict(os.environ, PYTHONWARNINGS="error"):
        ensure_running()
    given = (module, list(arguments), {**os.environ, **environment}, out, err)
    process = _CONTEXT.Process(target=_run, args=given, daemon=True)
    process.start()
    return process


def _run(
    module: str, arguments: Sequence[str], environment: Mapping[str, str], out: Path, err: Path
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    for descriptor, path in ((1, out), (2, err)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, descriptor)
        os.close(file)
    sys.argv = ["assay", *arguments]
    import_module(module).main()


def start_dashboard(
    settings: Settings, port: int, log: Path = Path(os.devnull)
) -> ForkServerProcess:
    """Start the dashboard as `assay review` does."""
    arguments = review_server.serve_command(port)
    assert arguments[:3] == [sys.executable, "-m", "dashboard"]
    environment = review_server.environment(settings)
    return start("dashboard.__main__", arguments[3:], environment, log, log)


def end(server: ForkServerProcess) -> None:
    """End a dashboard as `assay review` does: it is asked to stop, and killed when it does not."""
    server.terminate()
    server.join(review_server.STOP_S)
    server.kill()
    server.join()


def fork_assay(*words: object, home: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, as ``tests.commands.run_assay``."""
    with TemporaryDirectory() as folder:
        out, err = (Path(folder) / name for name in ("out", "err"))
        for file in (out, err):
            file.touch()
        command = list(map(str, words))
        process = start("core.cli.app", command, {"ASSAY_HOME": str(home)}, out, err)
        process.join(240)
        done = subprocess.CompletedProcess(
            command, process.exitcode, out.read_text(), err.read_text()
        )
    assert done.returncode == code, done.stderr
    return done
