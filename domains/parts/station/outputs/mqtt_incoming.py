"""What comes in by MQTT: triggers and commands, of which only fresh ones count."""

from __future__ import annotations

import re
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from domains.parts.station.ports import Command, Signal, TriggerSignal

MAX_BYTES = 4096
MAX_HOLD_S = 60.0
"""A message that claims to hold for longer is refused: the clock of its sender is wrong."""

_REMEMBERED = 10_000

Text = Annotated[str, Field(max_length=64, pattern=r"^[ -~]*$")]


class RefusedMessage(Exception):
    """A message that nothing follows from; its text is one word in capitals, for the log."""


class _Incoming(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: Annotated[str, Field(min_length=1, max_length=64)]
    valid_until: AwareDatetime


class IncomingTrigger(_Incoming):
    """What is published to `…/trigger`."""

    part_seq: int = Field(default=0, ge=0, le=65535)
    part_id: Text = ""


class IncomingCommand(_Incoming):
    """What is published to `…/command`."""

    name: Literal["recipe", "challenge", "stop", "acknowledge", "offline", "online"]
    argument: Text = ""

    @model_validator(mode="after")
    def _names_a_recipe(self) -> Self:
        if self.name == "recipe" and not re.fullmatch(r"[0-9]{1,3}", self.argument, re.ASCII):
            raise ValueError("argument: expected the number of a recipe")
        return self


class IncomingMessages:
    """Tells the messages that count from those that are stale, stored, repeated or no message.

    A broker hands a message over again where it did not hear of its receipt: one id counts once.
    """

    def __init__(self) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()

    def accept(
        self, kind: str, payload: bytes, *, is_retained: bool, now: datetime, at: float
    ) -> tuple[str, Signal]:
        """Return a message's id and the signal that it stands for.

        Args:
            kind: `trigger` or `command`, the last level of its topic.
            payload: Its bytes.
            is_retained: Whether the broker keeps it for whoever subscribes later.
            now: The time, UTC.
            at: The time in seconds of the monotonic clock.

        Raises:
            RefusedMessage: Nothing follows from it.
        """
        message = _parse(kind, payload, is_retained)
        if message.valid_until < now:
            raise RefusedMessage("STALE")
        if message.valid_until - now > timedelta(seconds=MAX_HOLD_S):
            raise RefusedMessage("HOLDS_TOO_LONG")
        if message.id in self._ids:
            raise RefusedMessage("REPEATED")
        self._ids[message.id] = None
        while len(self._ids) > _REMEMBERED:
            self._ids.popitem(last=False)
        if isinstance(message, IncomingTrigger):
            return message.id, TriggerSignal(at, message.part_seq, message.part_id)
        return message.id, Command(at, message.name, message.argument)


def _parse(kind: str, payload: bytes, is_retained: bool) -> IncomingTrigger | IncomingCommand:
    if is_retained:
        raise RefusedMessage("RETAINED")
    if len(payload) > MAX_BYTES:
        raise RefusedMessage("TOO_LARGE")
    form = IncomingTrigger if kind == "trigger" else IncomingCommand
    try:
        return form.model_validate_json(payload)
    except ValidationError:
        raise RefusedMessage("MALFORMED") from None


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)
