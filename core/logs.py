"""The log of long-lived commands: known events with harmless values, one line of JSON each.

Untrusted files hold names of people, and so may the messages of whatever reads or stores them.
Between `confined` and the end of the process nothing reaches stderr but events named here, with
fields named here whose values match the pattern given here. Exception texts, tracebacks, warnings
and prints of libraries, native ones included, are dropped; of a record of our own that is no event
only the logger, the level and the type of the exception are kept.
"""

from __future__ import annotations

import json
import logging
import math
import os
import re
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TextIO

_CORE_LOGGERS = ("core", "dashboard", "domains", "__main__")
_WORD = r"[a-z][a-z -]{0,31}"
_FIELD = r"[a-z][a-z_]{0,31}"
_NUMBER = "number"
WITHHELD = "withheld"

logger = logging.getLogger(__name__)


class Word(StrEnum):
    """Every event that a log can contain."""

    STARTED = "started"
    STOPPED = "stopped"
    FAILED = "failed"
    LISTENING = "listening"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    REFUSED = "refused"
    RECEIVED = "received"
    KNOWN = "known"
    CONFLICT = "conflict"
    SET_ASIDE = "set aside"
    OWN = "own came back"
    NOT_KEPT = "not kept"
    JUDGED = "judged"
    TRIED_AGAIN = "tried again"
    GIVEN_UP = "given up"
    CANCELLED = "cancelled"
    DONE = "done"
    SENT = "sent"
    ALARM = "alarm"
    NEW_POLICY = "new policy"
    NOT_JUDGING = "not judging"
    NOT_WATCHING = "not watching"
    STORE_FAILED = "store failed"
    LOGGED = "logged"


FIELDS: Mapping[str, str] = {
    # Numbers, and numbers alone.
    "bytes": _NUMBER,
    "count": _NUMBER,
    "done": _NUMBER,
    "elapsed_ms": _NUMBER,
    "pid": _NUMBER,
    "port": _NUMBER,
    "tries": _NUMBER,
    "wait_s": _NUMBER,
    "waiting": _NUMBER,
    # Values of our own making; untrusted text matches none of these patterns but by chance.
    "bundle": r"[\w.-]{1,64}@[0-9a-f]{12}",
    "code": r"0x[0-9A-F]{4}|[0-9]{3}|[A-Z][A-Z_]{0,31}",
    "error": r"[A-Za-z_]\w{0,63}",
    "job": r"[0-9a-f]{20}",
    "kind": r"[a-z_]{1,32}(\.[a-z_]{1,32})?",
    "logger": r"[a-z_]\w{0,31}(\.\w{1,32}){0,8}",
    "output": r"[a-z_]{1,32}\.[a-z_]{1,32}",
    "pack": r"[a-z][a-z0-9_]{0,31}",
    "peer": r"[A-Za-z0-9_-]{1,32}",
    "policy": r"[0-9a-f]{16}",
    "transport": r"folder",
}
"""The fields an event may have, and the pattern of their values.

``peer`` is a name from our own configuration, never one that the peer sent. ``transport`` is how an
object came; packs add the ways of their own listeners.
"""

_ENUMERATIONS = frozenset({"transport"})
_CHOICES = rf"{_WORD}(\|{_WORD})*"


_loggers: set[str] = set(_CORE_LOGGERS)
_words: set[str] = set(Word)
_fields: dict[str, str] = dict(FIELDS)


def declare_logger(name: str) -> None:
    """Let what is logged under the name of a pack's top-level package through; safe to repeat."""
    _loggers.add(name)


def declare(words: Collection[str], fields: Mapping[str, str]) -> None:
    """Let a pack log with words and fields of its own; safe to repeat.

    Args:
        words: What may have happened, in small letters.
        fields: Fields of its events, each with the form of its values: ``number`` or a regular
            expression; of ``transport`` the further values, parted by ``|``.

    Raises:
        ValueError: A word or a field has another form, or a field is known with another one.
    """
    for name in words:
        if not re.fullmatch(_WORD, name):
            raise ValueError(f"word: expected the form {_WORD}, got {name!r}")
    for name, form in fields.items():
        _check_field(name, form)
    _words.update(words)
    for name, form in fields.items():
        choices = {*form.split("|"), *_fields[name].split("|")} if name in _ENUMERATIONS else {form}
        _fields[name] = "|".join(sorted(choices))


def _check_field(name: str, form: str) -> None:
    if not re.fullmatch(_FIELD, name):
        raise ValueError(f"field: expected the form {_FIELD}, got {name!r}")
    if name in _ENUMERATIONS:
        if not re.fullmatch(_CHOICES, form):
            raise ValueError(f"field {name}: expected words parted by |, got {form!r}")
    elif _fields.get(name, form) != form:
        raise ValueError(f"field {name}: expected the known form {_fields[name]}, got {form}")
    try:
        re.compile(form)
    except re.error as exc:
        raise ValueError(f"field {name}: {form!r} is no regular expression: {exc}") from exc


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; log it as the message: ``logger.info(Event(Word.SENT, {...}))``.

    A value that does not match the pattern of its field is withheld.

    Attributes:
        word: What happened: a ``Word``, or one that a pack has declared.
        fields: The circumstances, each a field of ``FIELDS`` or one that a pack has declared.
    """

    word: str
    fields: Mapping[str, float | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse an unknown word or field, which is a programmer's error.

        Raises:
            ValueError: The word or a field is not declared.
        """
        if self.word not in _words:
            raise ValueError(f"word: expected one of {sorted(_words)}, got {self.word!r}")
        if unknown := self.fields.keys() - _fields.keys():
            raise ValueError(f"fields: expected some of {sorted(_fields)}, got {sorted(unknown)}")

    def to_json(self) -> dict[str, float | str]:
        """Return the event with its fields, unsafe values withheld."""
        harmless = {name: _harmless(name, value) for name, value in self.fields.items()}
        return {"event": str(self.word), **harmless}

    def __str__(self) -> str:
        """Return the event as one line of JSON, for any handler."""
        return json.dumps(self.to_json())


@contextmanager
def confined() -> Iterator[None]:
    """Yield while nothing but events reaches stderr, to the end of the process.

    What ends the command is logged by its type alone, whatever ``--debug`` says, and ends the
    process with exit code 1.

    Raises:
        SystemExit: Something was raised inside.
    """
    confine()
    try:
        yield
    except Exception as exc:
        # An exception's text may quote untrusted input, so only its type is logged.
        logger.error(Event(Word.FAILED, {"error": type(exc).__name__}))
        raise SystemExit(1) from None


def confine() -> None:
    """Reserve stderr for the log for good, native code and children included."""
    own = os.fdopen(os.dup(2), "w", buffering=1, encoding="ascii")
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    os.close(nothing)
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(Lines(own))
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    threading.excepthook = _thread_ended


def outlet() -> int:
    """Return the descriptor that events go to, for a child that confines itself as well."""
    confined_to = [one for one in logging.getLogger().handlers if isinstance(one, Lines)]
    return confined_to[0].fileno() if confined_to else 2


class Lines(logging.Handler):
    """Writes one line of JSON a record, of our own loggers and from INFO on.

    Args:
        stream: Where to.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(logging.INFO)
        self._stream = stream

    def fileno(self) -> int:
        """Return the descriptor that the lines go to."""
        return self._stream.fileno()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record with unsafe values withheld; never fails."""
        if record.name.partition(".")[0] not in _loggers:
            return
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "level": record.levelname, **_event_of(record).to_json()}
        try:
            self._stream.write(json.dumps(line) + "\n")
        except (OSError, ValueError):
            # Nobody reads on: that is no reason to stop working.
            return


def _event_of(record: logging.LogRecord) -> Event:
    if isinstance(record.msg, Event):
        return record.msg
    raised = record.exc_info[0] if record.exc_info else None
    error = {"error": raised.__name__} if raised else {}
    return Event(Word.LOGGED, {"logger": record.name, **error})


def _harmless(name: str, value: float | str) -> float | str:
    pattern = _fields[name]
    if pattern == _NUMBER:
        return value if isinstance(value, int | float) and math.isfinite(value) else WITHHELD
    return value if isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII) else WITHHELD


def _thread_ended(ended: threading.ExceptHookArgs) -> None:
    logger.error(Event(Word.FAILED, {"error": ended.exc_type.__name__}))
