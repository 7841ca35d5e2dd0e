"""What a station asks of cameras, and of whatever shows its status and sends its results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from core.errors import AssayError
from domains.parts.station.part import CapturedFrame, InspectedPart, Trigger
from domains.parts.station.plc.registers import OfflineReason
from domains.parts.station.result import LineReason

Words = tuple[int, ...]


class CameraError(AssayError):
    """A camera gives no frame."""


class CameraLost(CameraError):
    """A camera does not open, or does not answer any more."""


class NoFrame(CameraError):
    """A camera answers but gave no frame in time."""


class OutputError(AssayError):
    """A receiver does not have what it was sent; it is sent again."""


@dataclass(frozen=True, slots=True)
class CameraIdentity:
    """What tells one camera and its settings from another; None or empty where it cannot say.

    Attributes:
        serial: Serial number, or what else stays with the device.
        width: Pixels in a row, before the region of interest is cut out.
        height: Rows.
        pixel_format: As the camera names it.
        exposure_us: Exposure in microseconds.
        gain: Gain in the camera's own unit.
        channels: Order of the colours, proven by the colour reference: `RGB`, `BGR`, or `unknown`
            where the picture shows neither; empty where the recipe has no reference.
    """

    serial: str = ""
    width: int | None = None
    height: int | None = None
    pixel_format: str = ""
    exposure_us: float | None = None
    gain: float | None = None
    channels: str = ""


class Camera(Protocol):
    """One camera of a recipe. Calls come from one thread."""

    @property
    def name(self) -> str:
        """Its name in the recipe."""

    def open(self) -> CameraIdentity:
        """Return what it says of itself once it is open, or open again.

        Raises:
            CameraLost: It does not open in time.
        """

    def grab(self, not_before: float, timeout_s: float) -> CapturedFrame:
        """Return the first frame whose exposure began then or later, as far as the camera can say.

        Args:
            not_before: Seconds of the monotonic clock.
            timeout_s: Longest wait.

        Raises:
            NoFrame: None came in time.
            CameraLost: It does not answer any more.
        """

    def close(self) -> None:
        """Let it go; harmless when it is not open."""


@dataclass(frozen=True, slots=True)
class TriggerSignal:
    """Somebody says that a part is in front of the camera.

    Attributes:
        at: When, in seconds of the monotonic clock.
        part_seq: The sender's own number of the part, 0 to 65535.
        part_id: The id that came with it.
        frames: Frames that came with it.
        faults: What the trigger itself found wrong, such as two parts in view.
    """

    at: float
    part_seq: int = 0
    part_id: str = ""
    frames: tuple[CapturedFrame, ...] = ()
    faults: tuple[LineReason, ...] = ()


@dataclass(frozen=True, slots=True)
class ControlWrite:
    """A PLC wrote the control block, words H0 to H15 of the register table."""

    at: float
    words: Words


@dataclass(frozen=True, slots=True)
class Command:
    """A command that did not come through the control block.

    Attributes:
        at: When, in seconds of the monotonic clock.
        name: `recipe`, `challenge`, `release`, `stop`, `acknowledge`, `offline` or `online`.
        argument: The recipe's number, or who stopped or acknowledged.
        answer: Called once with whether it was done, and with a sentence.
    """

    at: float
    name: str
    argument: str = ""
    answer: Callable[[bool, str], None] | None = None


Signal = TriggerSignal | ControlWrite | Command
Post = Callable[[Signal], None]


class TriggerSource(Protocol):
    """What notices by itself that a part is there: a watched folder, or a picture that changes.

    It hands every trigger to the ``post`` that it was made with, from a thread of its own.
    """

    @property
    def problem(self) -> str:
        """Why it notices nothing at present, which stops the line; empty while it works."""

    @property
    def offline_reason(self) -> OfflineReason:
        """What the station is offline for while it notices nothing."""

    def open(self) -> None:
        """Start noticing.

        Raises:
            ConfigError: It cannot work as configured.
        """

    def answer(self, trigger: Trigger, *, is_recorded: bool) -> None:
        """Take note that a trigger is answered; called once for every trigger with frames.

        A source that has much to show waits for it, so that the deadline of a part does not pass
        in a queue.

        Args:
            trigger: What the source's signal became.
            is_recorded: Whether what came of it is in the store.
        """

    def close(self) -> None:
        """Stop noticing."""


class StationOutput(Protocol):
    """Where the status and the results of a station go. Calls come from one thread and return soon.

    An output that listens for triggers or commands hands them to the ``post`` that it was made
    with, from whatever thread.
    """

    @property
    def name(self) -> str:
        """What it is called in the outbox and in messages: `modbus`, `mqtt`, …."""

    def open(self) -> None:
        """Start serving or connecting; a peer that is not there yet is no error.

        Raises:
            ConfigError: It cannot work as configured, such as a port that is taken.
        """

    def show(self, words: Words, status: Mapping[str, object]) -> None:
        """Show the status block, words I0 to I23, and the same by name.

        Called at every change, and at least every 100 ms while the station lives.

        Args:
            words: I0 to I23.
            status: Their values by name; under ``Problems`` what the station has lost, as sentences
                for a person.
        """

    def send(self, part: InspectedPart, words: Words) -> bool:
        """Return whether the receiver has one result, which is on record, for sure.

        False leaves it in the outbox, from where it is sent as history. Never blocks on a peer.
        """

    def close(self) -> None:
        """Say that the station stops as planned, and let go."""


@runtime_checkable
class OutboxOutput(StationOutput, Protocol):
    """An output whose results lie in the outbox until the receiver has them.

    Its ``send`` hands a result over and returns False; the receipt comes later. What is not
    confirmed in time leaves through the outbox as history, and not through here any more.
    """

    @property
    def problem(self) -> str:
        """What keeps it from sending, as a sentence; empty while nothing does."""

    def confirmed(self) -> tuple[str, ...]:
        """Return the ids of the messages that the receiver has for sure, each one once.

        Ids as `message.message_id` makes them. Never waits.
        """
