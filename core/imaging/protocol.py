"""What parent and decoder process say to each other: lines of JSON, and memory both can see.

The parent starts ``python -m core.imaging.child SPEC``. Both map one file in memory, divided into
two slots, so that the child works on one batch while the next already waits:

    | inbox 0 | outbox 0 | inbox 1 | outbox 1 |

A command line names the slot, and the start and length of each picture in its inbox, and whether
only what it says of itself is asked for. The child answers with one line a picture, in order; the
pixels of picture i lie in the outbox at i. Nothing
that comes back is believed before its type and size were checked, and nothing is ever unpickled.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from core.types import Finding, Prepared, Reason, Unreadable

BATCH = 16
SLOTS = 2


@dataclass(frozen=True, slots=True)
class Spec:
    """Everything a decoder process is told when it starts.

    Attributes:
        entry: Import path of the pack, ``module:attribute``.
        size: Side in pixels of the prepared square.
        max_pixels: Largest picture decoded.
        inbox_bytes: Room for the files of one batch.
        memory_mb: Limit of its address space.
        timeout_s: Longest time for one picture.
        character_set: Of texts in files that name none.
        depths: Bits that the data of each source use; None while they are being measured.
    """

    entry: str
    size: int
    max_pixels: int
    inbox_bytes: int
    memory_mb: int
    timeout_s: float
    character_set: str
    depths: Mapping[str, int] | None = None

    @property
    def picture_bytes(self) -> int:
        """Bytes of one prepared picture."""
        return self.size * self.size * 3

    @property
    def slot_bytes(self) -> int:
        """Bytes of one inbox with its outbox."""
        return self.inbox_bytes + BATCH * self.picture_bytes

    @property
    def memory_bytes(self) -> int:
        """Bytes of the memory that both processes map."""
        return SLOTS * self.slot_bytes

    def inbox_at(self, slot: int) -> int:
        """Where the files of a slot start."""
        return slot * self.slot_bytes

    def outbox_at(self, slot: int, index: int) -> int:
        """Where the pixels of one picture of a slot start."""
        return slot * self.slot_bytes + self.inbox_bytes + index * self.picture_bytes

    def to_json(self) -> str:
        """Write it as the child's argument."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Request:
    """One file on its way to a decoder process.

    Attributes:
        data: The whole file; its beginning where only its description is asked for.
        sha256: Digest of the whole file.
        is_whole: Whether the picture is asked for, else only what the file says of itself.
    """

    data: bytes
    sha256: str
    is_whole: bool = True


def command(slot: int, places: list[tuple[int, int, bool]]) -> bytes:
    """Write the line that asks for one batch: for each file of it start, length, ``is_whole``."""
    return json.dumps({"slot": slot, "places": places}).encode() + b"\n"


def answer(outcome: Prepared | Unreadable, elapsed_ms: float) -> bytes:
    """Write the line that answers for one picture; its pixels travel beside it."""
    said: dict[str, object] = {
        "ms": elapsed_ms,
        "meta": dict(outcome.meta),
        "group": outcome.group,
    }
    if isinstance(outcome, Unreadable):
        said["error"] = outcome.message
    if isinstance(outcome, Prepared):
        said["size"] = outcome.source_size
        said["findings"] = [(f.reason.value, f.detail, f.check) for f in outcome.findings]
        said["measures"] = {name: float(value) for name, value in outcome.measures.items()}
        said["stated"] = {name: float(value) for name, value in outcome.stated.items()}
        said["source"], said["peak"] = outcome.source, outcome.peak
    return json.dumps(said).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """A checked answer: an error, or what belongs to the pixels in the outbox."""

    elapsed_ms: float
    error: str
    source_size: tuple[int, int] = (0, 0)
    findings: tuple[Finding, ...] = ()
    measures: Mapping[str, float] = field(default_factory=dict)
    meta: Mapping[str, str] = field(default_factory=dict)
    stated: Mapping[str, float] = field(default_factory=dict)
    group: str = ""
    source: str = ""
    peak: int = 0


def parse_answer(line: bytes) -> Answer:
    """Check and read one answer.

    Raises:
        ValueError: It is not an answer; the process that wrote it is not to be trusted further.
    """
    try:
        said = json.loads(line)
        elapsed_ms = _number(said["ms"])
        if not 0 <= elapsed_ms < math.inf:
            raise ValueError("ms is no duration")
        meta = {name: _text(value) for name, value in said["meta"].items()}
        group = _text(said["group"])
        if "error" in said:
            error = _text(said["error"]) or "The reader gave no reason."
            return Answer(elapsed_ms, error, meta=meta, group=group)
        height, width = said["size"]
        return Answer(
            elapsed_ms,
            error="",
            source_size=(_count(height), _count(width)),
            findings=tuple(
                Finding(Reason(code), _text(text), _text(check))
                for code, text, check in said["findings"]
            ),
            measures={name: _number(value) for name, value in said["measures"].items()},
            meta=meta,
            stated={name: _number(value) for name, value in said["stated"].items()},
            group=group,
            source=_text(said["source"]),
            peak=_value(said["peak"]),
        )
    except (KeyError, TypeError, AttributeError, RecursionError, OverflowError) as exc:
        raise ValueError(f"no answer: {type(exc).__name__}") from exc


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("expected text")
    return value


def _number(value: object) -> float:
    if type(value) is not float and type(value) is not int:
        raise TypeError("expected a number")
    return float(value)


def _value(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**16:
        raise TypeError("expected a value of 16 bits")
    return value


def _count(value: object) -> int:
    if type(value) is not int or not 0 < value < 2**32:
        raise TypeError("expected a count")
    return value
