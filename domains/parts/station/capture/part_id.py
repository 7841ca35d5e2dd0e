"""A part's id from what was read or sent: one answer that everything agrees on, or none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from domains.parts.station.part_id_options import PartIdOptions
from domains.parts.station.result import LineReason

ID_GROUP = "(?P<id>"
_REPLACED = "\N{REPLACEMENT CHARACTER}"
LONGEST_TEXT = 256
WEAK_FORMATS = frozenset(
    {
        *("ITF", "Codabar", "Code39", "Code39Std", "Code39Ext", "DXFilmEdge"),
        *("PDF417", "CompactPDF417", "MicroPDF417"),
    }
)
"""Formats of which a damaged code can read as a shorter or longer text.

Bar codes without a check of their own, and PDF417, whose correction was wrong once in 1,500 damaged
codes here.
"""


@dataclass(frozen=True, slots=True)
class ReadId:
    """The id of a part, or why there is none.

    Attributes:
        part_id: The id; empty where none was read.
        reasons: Why not.
    """

    part_id: str
    reasons: tuple[LineReason, ...] = ()


@dataclass(frozen=True, slots=True)
class CodeReading:
    """One code that one decoding of one picture gave.

    Attributes:
        text: What it says.
        format: Its format, by zxing-cpp's name.
        source: Which picture and which way of decoding it.
    """

    text: str
    format: str
    source: str


def identify(
    options: PartIdOptions,
    readings: Sequence[CodeReading],
    trigger_id: str,
    file_names: Sequence[str],
) -> ReadId:
    """Return a part's id, or ID_UNREAD; and ID_MISMATCH where the trigger says another.

    Args:
        options: Where the id comes from, and what it must look like.
        readings: The codes in the part's pictures.
        trigger_id: The id that came with the trigger; empty where none did.
        file_names: Names of the part's files, without extensions.
    """
    match options.source:
        case "none":
            is_text = is_plain(trigger_id)
            return ReadId(trigger_id) if is_text else ReadId("", (LineReason.ID_UNREAD,))
        case "trigger":
            found = {id_in(trigger_id, options)}
        case "file_name":
            found = {id_in(name, options) for name in file_names}
        case "code":
            found = _agreed(readings, options)
    part_id = found.pop() if len(found) == 1 else ""
    if not part_id:
        return ReadId("", (LineReason.ID_UNREAD,))
    if trigger_id and options.source != "trigger" and id_in(trigger_id, options) != part_id:
        return ReadId(part_id, (LineReason.ID_MISMATCH,))
    return ReadId(part_id)


def part_in_file(name: str, camera: str, pattern: str) -> str:
    """Return what names the part in the file of one of several cameras.

    `17-top.png` and `17_side.png` of the cameras top and side are views of the part 17. Where the
    pattern says by its group `id` what the id is, the name is left to it.

    Args:
        name: The file's name.
        camera: The camera's name.
        pattern: The recipe's pattern of ids.
    """
    stem = PurePath(name).stem
    for ending in () if ID_GROUP in pattern else (f"-{camera}", f"_{camera}"):
        if stem.casefold().endswith(ending.casefold()) and len(stem) > len(ending):
            return stem[: -len(ending)]
    return stem


def is_plain(text: str) -> bool:
    """Return whether a text can be shown and compared: no control characters, none replaced.

    A PLC's bytes that are no ASCII come as replacement characters: two ids would be the same.
    """
    return text.isprintable() and _REPLACED not in text


def id_in(text: str, options: PartIdOptions) -> str:
    """Return the id in a text: all of it, or the pattern's group `id`; empty where it does not fit.

    Args:
        text: What was read.
        options: The pattern that it must match as a whole, and the check digit.
    """
    if len(text) > LONGEST_TEXT or not is_plain(text):
        return ""
    match = re.fullmatch(options.pattern, text)
    if match is None:
        return ""
    part_id = match.groupdict().get("id", text) or ""
    return part_id if has_check_digit(part_id, options.check_digit) else ""


def has_check_digit(part_id: str, kind: str) -> bool:
    """Return whether an id ends in the check digit that it must have.

    GS1: from the right, the digits before it count 3, 1, 3, …, and all sum up to a multiple of 10
    (GS1 General Specifications 7.9). Luhn: every second digit counts double, less 9 from 10 on
    (ISO/IEC 7812-1, annex B).

    Args:
        part_id: The id.
        kind: `none`, `gs1` or `luhn`.
    """
    if kind == "none":
        return True
    if len(part_id) < 2 or not (part_id.isascii() and part_id.isdigit()):
        return False
    weight = 3 if kind == "gs1" else 2
    products = [int(d) * (weight if i % 2 else 1) for i, d in enumerate(reversed(part_id))]
    if kind == "luhn":
        products = [product - 9 if product > 9 else product for product in products]
    return sum(products) % 10 == 0


def is_settled(readings: Iterable[CodeReading], options: PartIdOptions) -> bool:
    """Return whether enough decodings agree on one id, so that no further one is needed."""
    return len(_agreed(list(readings), options)) == 1


def _agreed(readings: Sequence[CodeReading], options: PartIdOptions) -> set[str]:
    """Return the ids that fit, all of them where one has too few decodings or there are several."""
    sources: dict[str, set[str]] = {}
    for reading in readings:
        part_id = id_in(reading.text, options)
        if part_id and _is_whole(reading, options):
            sources.setdefault(part_id, set()).add(reading.source)
    if len(sources) == 1 and len(next(iter(sources.values()))) < options.agree:
        return set()
    return set(sources)


def _is_whole(reading: CodeReading, options: PartIdOptions) -> bool:
    """Return whether a code is no longer or shorter one: it has a check, or a fixed length."""
    if reading.format not in WEAK_FORMATS or options.check_digit != "none":
        return True
    text = reading.text
    shorter = [text[:end] for end in range(1, len(text))]
    shorter += [text[start:] for start in range(1, len(text))]
    others = [*shorter, text + text[-1:], text[:1] + text, text + text]
    return not any(re.fullmatch(options.pattern, other) for other in others)
