"""``python -m dashboard``: Streamlit's server, and beside it what the first page will import."""

from __future__ import annotations

import inspect
import logging
import os
import sys
from importlib import import_module
from pathlib import Path
from threading import Thread

from streamlit.web import cli

from core.logs import Event, Word, confine
from core.settings import Settings


def main() -> None:
    """Serve the pages; arguments are those of ``streamlit run`` after the script."""
    if Settings().logs == "json":
        confine_output()
    Thread(target=_import_pages, name="imports", daemon=True).start()
    app = Path(__file__).with_name("asgi.py")
    cli.main(["run", str(app), *sys.argv[1:]], prog_name="streamlit")


def confine_output() -> None:
    """Let nothing out but events, as JSON lines on stderr; what Streamlit prints is dropped.

    Streamlit logs the tracebacks of pages, and these may quote the names of people.
    """
    confine()
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.close(nothing)
    logging.getLogger("dashboard").info(Event(Word.STARTED, {"pid": os.getpid()}))


def _import_pages() -> None:
    # While the browser loads Streamlit's own files: the first page would import it all later. What
    # fails here fails there again, and is shown.
    import_module("dashboard.review_keys")
    import_module("core.packs").installed()
    # Streamlit asks for pandas when it first mounts a component, and walks the stack, with every
    # module's file, when it first draws: 0.6 and 0.3 s.
    import_module("pandas")
    inspect.stack()


if __name__ == "__main__":
    main()
