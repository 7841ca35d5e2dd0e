"""What keeps results from being lost: messages in the outbox until their receivers have them.

A message is written with its part's row. The station sends it at once by its own outputs, and
`StationOutbox` notes what arrived. What has not arrived in time leaves through the functions below,
from a worker of the `deliver` lane: as history, under the same id.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Iterable
from contextlib import closing
from functools import lru_cache

from sqlalchemy import Connection

from core.errors import ConfigError, StoreError
from core.logs import Event, Word
from core.records import outbox
from core.records.connection import Store, writing
from core.records.outbox import Message
from core.records.values import name_of, now
from core.settings import Settings
from domains.parts.station.message import message_id, message_of
from domains.parts.station.options import CsvOptions, OutputOptions
from domains.parts.station.outputs.csv_file import DayFiles
from domains.parts.station.outputs.mqtt import publish_history
from domains.parts.station.outputs.sender import LIVE_S
from domains.parts.station.outputs.webhook import WebhookClient
from domains.parts.station.part import InspectedPart
from domains.parts.station.recipe import kept_station

PACK = "parts"
_SPARE_S = 5.0
_EVERY_S = 1.0
_REMEMBERED = 10_000

logger = logging.getLogger(__name__)


class StationOutbox:
    """The outbox as one station uses it.

    Args:
        store: The store.
        station: Name of the station.
        options: Its outputs.
    """

    def __init__(self, store: Store, station: str, options: OutputOptions) -> None:
        self._store = store
        self._station = station
        self._wait_s = seconds_before_history(options)
        self._noted: deque[str] = deque()
        self._confirmed: OrderedDict[str, None] = OrderedDict()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def start(self) -> None:
        """Start to note what arrived."""
        self._thread.start()

    def put(self, connection: Connection, part: InspectedPart) -> None:
        """Put the messages about a part into the outbox, in the transaction of its row.

        One about the same part that has not left is withdrawn: the part got another verdict.
        """
        body, subject = message_of(self._station, part), f"{self._station}/{part.trigger.number}"
        for name, wait_s in self._wait_s.items():
            outbox.withdraw(connection, PACK, name, subject, part.recorded_at)
            if self._key(name, str(body["id"])) in self._confirmed:
                # It left before it could be put on record, and has arrived.
                continue
            outbox.put(
                connection,
                name,
                str(body["id"]),
                pack=PACK,
                receiver=self._station,
                subject=subject,
                body=body,
                at=part.recorded_at,
                wait_s=wait_s,
            )

    def note(self, output: str, part: InspectedPart) -> None:
        """Note that an output's receiver has the message about a part; never waits."""
        self.note_ids(output, [message_id(self._station, part)])

    def note_ids(self, output: str, message_ids: Iterable[str]) -> None:
        """Note what an output has `confirmed`; never waits for the store."""
        noted = [self._key(f"{PACK}.{output}", one) for one in message_ids]
        if noted:
            self._noted.extend(noted)
            self._wake.set()

    def stop(self, wait_s: float) -> None:
        """Note the rest, and wait so long for it; what is not noted is sent once more."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(wait_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait()
            self._wake.clear()
            if not self._flush():
                self._wake.set()
            # What arrives in a second is written at once: each write holds the parts' rows up.
            self._stopping.wait(_EVERY_S)
        self._flush()

    def _flush(self) -> bool:
        """Return whether nothing is left to write after what was noted is on disk."""
        ids = list(self._noted)
        for one in ids:
            self._confirmed[one] = None
        while len(self._confirmed) > _REMEMBERED:
            self._confirmed.popitem(last=False)
        try:
            if ids:
                with writing(self._store) as connection:
                    outbox.confirm(connection, ids, now())
        except StoreError as exc:
            logger.warning(Event(Word.STORE_FAILED, {"error": type(exc).__name__}))
            return False
        for _ in ids:
            self._noted.popleft()
        return True

    def _key(self, output: str, key: str) -> str:
        return name_of(output, self._station, key)


def seconds_before_history(options: OutputOptions) -> dict[str, float]:
    """Return for each output with an outbox how long its messages may be under way to it.

    Args:
        options: Outputs of a station; names come as the pack declares them.
    """
    seconds = {}
    if options.mqtt is not None:
        seconds["parts.mqtt"] = options.mqtt.valid_s + _SPARE_S
    if options.webhook is not None:
        # Sent over a connection that was closed meanwhile, it is sent twice.
        seconds["parts.webhook"] = LIVE_S + 2 * options.webhook.timeout_s + _SPARE_S
    if options.csv is not None:
        seconds["parts.csv"] = LIVE_S + _SPARE_S
    return seconds


def send_mqtt(message: Message, settings: Settings) -> None:
    """Publish a result as history.

    Raises:
        Unreachable: The broker does not answer.
        OutputError: It does not take the message.
        ConfigError: The station publishes nothing any more.
    """
    options = kept_station(settings.home, message.receiver).outputs.mqtt
    if options is None:
        raise _no_such_output(message)
    publish_history(options.of_station(message.receiver), message.body)


def send_webhook(message: Message, settings: Settings) -> None:
    """Post a result.

    Raises:
        Unreachable: The receiver does not answer, or takes no messages now.
        PermanentFailure: It refuses the message.
        OutputError: It does not take the message now.
        ConfigError: The station posts nothing any more.
    """
    options = kept_station(settings.home, message.receiver).outputs.webhook
    if options is None:
        raise _no_such_output(message)
    with closing(WebhookClient(options)) as client:
        client.post(message.body)


def send_csv(message: Message, settings: Settings) -> None:
    """Append a result to the file of its day, unless it is there.

    Raises:
        OutputError: It cannot be written.
        ConfigError: The station writes no files any more.
    """
    options = kept_station(settings.home, message.receiver).outputs.csv
    if options is None:
        raise _no_such_output(message)
    _day_files(message.receiver, options).append([message.body])


@lru_cache(maxsize=8)
def _day_files(station: str, options: CsvOptions) -> DayFiles:
    """Return files that remember what they have read of themselves."""
    return DayFiles(station, options)


def _no_such_output(message: Message) -> ConfigError:
    return ConfigError(
        f"A result waits for {message.output} of the station {message.receiver}, which has no such "
        "output any more.",
        hint="Enter the output again in the station file, and start the station.",
    )
