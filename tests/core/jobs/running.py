"""Workers on a thread of their own, and packs that are installed for a test."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from core import packs
from core.jobs.worker import work
from core.model.bundle.bundle import Bundle
from core.records import queue
from core.records.connection import Store, writing
from core.records.values import name_of, now
from core.settings import Settings


def write_pack(folder: Path, name: str, source: str) -> Path:
    """Write a pack as pip would have installed it, its module called ``{name}_pack``."""
    info = folder / f"{name}_pack-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / f"{name}_pack.py").write_text(source)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-pack\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[assay.domains]\n{name} = {name}_pack:pack\n")
    return folder


@contextmanager
def installed_pack(folder: Path, name: str) -> Iterator[None]:
    """Let a pack that was written be installed for this process and its children."""
    sys.path.insert(0, str(folder))
    packs.entries.cache_clear()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        packs.entries.cache_clear()
        sys.modules.pop(f"{name}_pack", None)


def ask(store: Store, pack: str, kind: str, key: str, **payload: str) -> str:
    """Queue a job and return its id."""
    with writing(store) as connection:
        queue.add(connection, kind, key, pack=pack, payload=payload, at=now())
    return name_of(kind, key)


def work_once(
    store: Store, settings: Settings, *bundles: Bundle, lanes: Sequence[str] = ()
) -> None:
    """Do what can be done now."""
    work(bundles, store, settings, stop=threading.Event(), once=True, lanes=lanes)


@contextmanager
def working(
    store: Store, settings: Settings, *bundles: Bundle, lanes: Sequence[str] = ()
) -> Iterator[None]:
    """Run a worker on a thread of its own, as the command does on the main one."""
    stop = threading.Event()
    given = {"stop": stop, "idle_s": 0.05, "lanes": lanes}
    thread = threading.Thread(target=work, args=(bundles, store, settings), kwargs=given)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()


def until(condition: Callable[[], object], seconds: float = 90) -> None:
    """Wait until something is so."""
    end = monotonic() + seconds
    while not condition():
        assert monotonic() < end, "it did not happen in time"
        threading.Event().wait(0.05)
