"""What the first page will need, imported while the browser still loads Streamlit's own files."""

from __future__ import annotations

import ast
import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from threading import Thread

import streamlit as st

_HERE = Path(__file__).parent


@asynccontextmanager
async def prepare(_app: st.App) -> AsyncIterator[None]:
    """Yield while the server runs, which answers at once; the imports go on beside it."""
    Thread(target=import_pages, name="imports", daemon=True).start()
    yield


def import_pages() -> None:
    """Import what the frame, the queue and the packs' own queues import.

    The first page would import it all later. What fails here fails there again, and is shown.
    """
    for script in (_HERE / "app.py", _HERE / "views" / "review.py"):
        _import_like(script)
    # Streamlit asks for pandas when it first mounts a component, and walks the stack, with every
    # module's file, when it first draws: 0.6 and 0.3 s.
    import_module("pandas")
    inspect.stack()
    for pack in import_module("core.packs").installed().values():
        if pack.has_own_review:
            _import_like(pack.pages[0])


def _import_like(script: Path) -> None:
    """Run the imports at the top of a page's script, and nothing else of it."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    tree.body = [one for one in tree.body if isinstance(one, ast.Import | ast.ImportFrom)]
    exec(compile(tree, str(script), "exec"), {"__name__": script.stem})
