"""``python -m dashboard``: Streamlit's server."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from streamlit.web import cli

from core.logs import Event, Word, confine
from core.settings import Settings


def main() -> None:
    """Serve the pages; arguments are those of ``streamlit run`` after the script."""
    if Settings().logs == "json":
        confine_output()
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


if __name__ == "__main__":
    main()
