"""Folders that all processes of one test run share: the first that needs one makes it."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def run_folder(factory: pytest.TempPathFactory) -> Path:
    """Return the folder of this run of the tests, which all its processes share."""
    base = factory.getbasetemp()
    # Under xdist every worker has a folder of its own below the run's.
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


def make_once(folder: Path, make: Callable[[Path], object]) -> Path:
    """Return a folder that ``make`` filled, here or in another process that was first.

    Nobody may change it: other processes read it meanwhile.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    done = folder.with_name(f"{folder.name}.done")
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # one who failed left a part of it
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


def list_files(folder: Path) -> dict[Path, tuple[int, int]]:
    """Return the size and the time of the last change, in ns, of each file below a folder."""
    found = {path: path.stat() for path in folder.rglob("*") if path.is_file()}
    return {path: (one.st_size, one.st_mtime_ns) for path, one in found.items()}
