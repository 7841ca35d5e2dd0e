"""What the first page needs, made ready while the browser still loads Streamlit's own files."""

from __future__ import annotations

import ast
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, cast

import streamlit as st

if TYPE_CHECKING:
    from core.packs import DomainPack

_HERE = Path(__file__).parent


@asynccontextmanager
async def prepare(_app: st.App) -> AsyncIterator[None]:
    """Yield while the server runs, which answers at once; the imports go on beside it."""
    Thread(target=_make_ready, name="first page", daemon=True).start()
    yield


def _make_ready() -> None:
    import_frame()
    for pack in _packs():
        warm_up(pack)
    import_pages()


def import_pages() -> None:
    """Import what the frame, the queue and the packs' own queues import.

    The first page would import it all later. What fails here fails there again, and is shown.
    """
    import_frame()
    # Streamlit walks the stack, with every module's file, when it first draws: 0.3 s.
    inspect.stack()
    for pack in _packs():
        if pack.has_own_review:
            _import_like(pack.pages[0])


def import_frame() -> None:
    """Import what the frame and the queue import."""
    for script in (_HERE / "app.py", _HERE / "views" / "review.py"):
        _import_like(script)


def _packs() -> Iterator[DomainPack]:
    yield from import_module("core.packs").installed().values()


def warm_up(pack: DomainPack) -> None:
    """Start what the pack's first page waits for, unless that fails, as it will there again."""
    from core.errors import AssayError
    from core.packs import import_path

    if pack.warm_up:
        with suppress(AssayError):
            cast("Callable[[], None]", import_path(pack.warm_up))()


def _import_like(script: Path) -> None:
    """Run the imports at the top of a page's script, and nothing else of it."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    tree.body = [one for one in tree.body if isinstance(one, ast.Import | ast.ImportFrom)]
    exec(compile(tree, str(script), "exec"), {"__name__": script.stem})
