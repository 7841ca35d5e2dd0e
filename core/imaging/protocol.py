"""What parent and disposable process send each other: lines of JSON, and memory both can see.

The parent starts ``python -m core.imaging.child SPEC``. Both map one file in memory, divided into
two slots, so that the child works on one batch while the next already waits:

    | inbox 0 | outbox 0 | inbox 1 | outbox 1 |

A command line names the slot, and the start and length of each file in its inbox, with the number
of the function to run on it. The child answers with one line a file, in order; the arrays of file
i lie in the outbox at i. Nothing that comes back is believed before its type and size were
checked, and nothing is ever unpickled.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.imaging.functions import Output
from core.types import Unreadable

BATCH = 16
SLOTS = 2

_KINDS = ("|u1", "<u2", "<f4", "<f8", "<i8")
_MOST_AXES = 4
_ALIGNED = 8


@dataclass(frozen=True, slots=True)
class Spec:
    """Everything that a disposable process gets when it starts.

    Attributes:
        functions: Import paths of the functions that it runs.
        arguments: JSON that every one of them is called with.
        inbox_bytes: Room for the files of one batch.
        outbox_bytes: Room for the arrays of one file.
        memory_mb: Limit of its address space.
        timeout_s: Longest time for one file.
        character_set: Of texts in files that name none.
        entry: Import path of the pack that the functions call; empty for none.
        inherited: Descriptors of open files that the functions read.
        batch: Most files of one batch; fewer leave room for larger arrays.
    """

    functions: tuple[str, ...]
    arguments: Mapping[str, Any]
    inbox_bytes: int
    outbox_bytes: int
    memory_mb: int
    timeout_s: float
    character_set: str
    entry: str = ""
    inherited: tuple[int, ...] = ()
    batch: int = BATCH

    @property
    def slot_bytes(self) -> int:
        """Bytes of one inbox with its outbox."""
        return self.inbox_bytes + self.batch * self.outbox_bytes

    @property
    def memory_bytes(self) -> int:
        """Bytes of the memory that both processes map."""
        return SLOTS * self.slot_bytes

    def inbox_at(self, slot: int) -> int:
        """Return where the files of a slot start."""
        return slot * self.slot_bytes

    def outbox_at(self, slot: int, index: int) -> int:
        """Return where the arrays of one file of a slot start."""
        return slot * self.slot_bytes + self.inbox_bytes + index * self.outbox_bytes

    def to_json(self) -> str:
        """Return it as the child's argument."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Request:
    """One file on its way to a disposable process.

    Attributes:
        data: The whole file; its beginning where only its header is asked for.
        sha256: Digest of the whole file.
        function: Which of the spec's functions is to run.
    """

    data: bytes
    sha256: str
    function: int = 0


def command(slot: int, places: list[tuple[int, int, int]]) -> bytes:
    """Return the line that asks for one batch: for each file start, length and function."""
    return json.dumps({"slot": slot, "places": places}).encode() + b"\n"


def align(length: int) -> int:
    """Return a length rounded up to where the next array may start."""
    return -(-length // _ALIGNED) * _ALIGNED


def bytes_of(arrays: Iterable[NDArray[Any]]) -> int:
    """Return the bytes that arrays take in an outbox."""
    return sum(align(array.nbytes) for array in arrays)


def answer(outcome: Output | Unreadable, elapsed_ms: float) -> bytes:
    """Return the line that answers for one file; its arrays travel beside it."""
    sent: dict[str, object] = {"ms": elapsed_ms}
    if isinstance(outcome, Unreadable):
        sent["error"] = outcome.message
    else:
        sent["record"] = dict(outcome.record)
        sent["arrays"] = [[n, a.dtype.str, a.shape] for n, a in outcome.arrays.items()]
    return json.dumps(sent).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class ArrayPlace:
    """Where one array lies in its file's outbox."""

    name: str
    kind: np.dtype[Any]
    shape: tuple[int, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Answer:
    """A checked answer: an error, or the record and where the arrays lie."""

    elapsed_ms: float
    error: str = ""
    record: Mapping[str, Any] = field(default_factory=dict)
    arrays: tuple[ArrayPlace, ...] = ()


def parse_answer(line: bytes, outbox_bytes: int) -> Answer:
    """Return one answer, read and checked.

    Args:
        line: What the process wrote.
        outbox_bytes: Room that its arrays have.

    Raises:
        ValueError: It is not an answer; the process that wrote it is not to be trusted further.
    """
    try:
        sent = json.loads(line)
        elapsed_ms = _duration(sent["ms"])
        if "error" in sent:
            return Answer(elapsed_ms, _text(sent["error"]) or "The reader gave no reason.")
        if not isinstance(sent["record"], dict):
            raise TypeError("expected an object")
        return Answer(elapsed_ms, "", sent["record"], _places(sent["arrays"], outbox_bytes))
    except (KeyError, TypeError, AttributeError, RecursionError, OverflowError) as exc:
        raise ValueError(f"no answer: {type(exc).__name__}") from exc


def _places(listed: object, outbox_bytes: int) -> tuple[ArrayPlace, ...]:
    if not isinstance(listed, list):
        raise TypeError("expected a list")
    places, at = [], 0
    for name, kind, shape in listed:
        if kind not in _KINDS or not 1 <= len(shape) <= _MOST_AXES:
            raise ValueError("no array")
        axes = tuple(_count(length) for length in shape)
        place = ArrayPlace(_text(name), np.dtype(kind), axes, at)
        places.append(place)
        at += align(math.prod(axes) * place.kind.itemsize)
        if at > align(outbox_bytes):
            raise ValueError("arrays beyond the outbox")
    return tuple(places)


def _duration(value: object) -> float:
    if type(value) is not float and type(value) is not int:
        raise TypeError("expected a number")
    if not 0 <= value < math.inf:
        raise ValueError("ms is no duration")
    return float(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("expected text")
    return value


def _count(value: object) -> int:
    if type(value) is not int or not 0 < value < 2**32:
        raise TypeError("expected a count")
    return value
