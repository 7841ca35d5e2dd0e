"""deliver: one message of the outbox to its output."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import cast

from core.errors import AssayError
from core.packs import import_path, output_named
from core.records.connection import Store
from core.records.outbox import Message, message
from core.settings import Settings

REST_S = 30.0

Send = Callable[[Message, Settings], None]

# Until when an output that could not be reached is left alone: a thousand messages that wait for it
# must not take the time, a connection timeout each, in which others could have theirs.
_resting: dict[str, float] = {}


class Unreachable(AssayError):
    """A receiver does not answer at all; raised by an output's ``send``."""


def deliver(message_id: str, store: Store, settings: Settings) -> str:
    """Send a message, and return the name of its output once that has it.

    Args:
        message_id: Its id.
        store: The store.
        settings: Handed to the output.

    Raises:
        Unreachable: The receiver does not answer, or did not a moment ago.
        PermanentFailure: The receiver refuses it, and would again.
        ConfigError: No installed pack has that output, or it does not import.
        StoreError: There is no such message, or the database failed.
        Exception: Whatever the output's function raises: it is sent again later.
    """
    one = message(store, message_id)
    output = output_named(one.output)
    if monotonic() < _resting.get(output.name, 0.0):
        raise Unreachable(
            f"The output {output.name} was out of reach a moment ago.",
            hint="It is tried again by itself.",
        )
    try:
        cast("Send", import_path(output.send))(one, settings)
    except Unreachable:
        _resting[output.name] = monotonic() + REST_S
        raise
    return output.name
