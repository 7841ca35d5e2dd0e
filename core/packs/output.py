"""Where a pack's verdicts go: to a line, a mailbox, another system."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.errors import ConfigError

_NAME = r"[a-z_]{1,32}\.[a-z_]{1,32}"


@dataclass(frozen=True, slots=True)
class MessageOutput:
    """A way by which messages reach one or several receivers.

    A message is written in the transaction of its verdict and sent after it, at least once, always
    under the same id: the receiver may tell by it what it has already.

    Attributes:
        name: What it is called: the pack's name, a dot and a word.
        send: Import path ``module:function`` of ``(Message, Settings) -> None``, which returns once
            the receiver has the message. Of a message with parts it may instead yield ``(Part,
            PartResult)`` for each of ``Message.missing``, as the receiver answers: what it took is
            not sent again. What it raises means that the message is sent again later;
            ``Unreachable`` that its receiver is left alone for a while; ``PermanentFailure`` that a
            person must look.
        needs_decisions: Whether it gets a message of every decision of a worker; else the pack's
            own jobs put the messages into the outbox.
        max_tries: A message that failed so often waits for a person; None sends it for ever. By
            the back-off the default is about three days.
        way_out: What a person can do where a receiver refuses a part for good, as a sentence.
    """

    name: str
    send: str
    needs_decisions: bool = True
    max_tries: int | None = 450
    way_out: str = ""

    def __post_init__(self) -> None:
        """Refuse what nothing could be sent to.

        Raises:
            ConfigError: The name has another form, the path names no function, or it would never
                be tried.
        """
        problems = []
        if not re.fullmatch(_NAME, self.name):
            problems.append("expected a name such as welds.line")
        if self.send.count(":") != 1:
            problems.append(f"send {self.send!r} is no path module:function")
        if self.max_tries is not None and self.max_tries < 1:
            problems.append(f"max_tries is {self.max_tries}")
        if problems:
            raise ConfigError(
                f"The output {self.name!r} cannot be used: {'; '.join(problems)}.",
                hint="Correct the MessageOutput where it is declared.",
            )
