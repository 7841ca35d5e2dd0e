"""Where a pack's verdicts go: to a line, a mailbox, another system."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.errors import ConfigError

_NAME = r"[a-z_]{1,32}\.[a-z_]{1,32}"


@dataclass(frozen=True, slots=True)
class MessageOutput:
    """One receiver of messages.

    A message is written in the transaction of its verdict and sent after it, at least once, always
    under the same id: the receiver may tell by it what it has already.

    Attributes:
        name: What it is called: the pack's name, a dot and a word.
        send: Import path ``module:function`` of ``(Message, Settings) -> None``, which returns once
            the receiver has the message. What it raises means that it is sent again later;
            ``PermanentFailure`` that a person must look.
    """

    name: str
    send: str

    def __post_init__(self) -> None:
        """Refuse what nothing could be sent to.

        Raises:
            ConfigError: The name has another form, or the path names no function.
        """
        if not re.fullmatch(_NAME, self.name) or self.send.count(":") != 1:
            raise ConfigError(
                f"The output {self.name!r} with send = {self.send!r} cannot be used; expected a "
                "name such as welds.line and a path module:function.",
                hint="Correct the MessageOutput where it is declared.",
            )
