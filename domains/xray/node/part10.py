"""DICOM files made of received parts, and taken apart again, without reading the data set.

The same data set gives the same bytes whichever way it came: zero preamble, and a file meta group
of the six elements that PS3.10 section 7.1 demands and nothing else. What a sender adds there
(its name, private information, a picture in the preamble) is dropped.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Literal

from core.errors import UnreadableImage

IMPLEMENTATION_UID = "2.25.281109092088238156900742597325167123984"
"""Derived once from a random UUID, as PS3.5 annex B.2 allows."""

BIG_ENDIAN = "1.2.840.10008.1.2.2"
DEFLATED = frozenset({"1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.8.1"})
"""A small deflated file may hold gigabytes."""

SOP_INSTANCE_TAG = (0x0008, 0x0018)
STUDY_TAG = (0x0020, 0x000D)

_PREFIX = 128
_META = b"\x02\x00"
_MOST_META = 64 * 1024
_LONGEST_UID = 128  # with padding
_PADDING = b" \x00"
_UID = re.compile(rb"[0-9]+(?:\.[0-9]+)+")
_LONG = frozenset({b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UC", b"UN", b"UR", b"UT"})


@dataclass(frozen=True, slots=True)
class Part10:
    """One object between two transports.

    Attributes:
        sop_class: SOP Class UID.
        sop_instance: SOP Instance UID.
        transfer_syntax: How the data set is encoded.
        dataset: The encoded data set, untouched.
    """

    sop_class: str
    sop_instance: str
    transfer_syntax: str
    dataset: bytes

    def file(self) -> bytes:
        """Return the canonical file of it."""
        return part10(self.sop_class, self.sop_instance, self.transfer_syntax, self.dataset)

    def names(self, tag: tuple[int, int], uid: str) -> bool:
        """Return whether the data set holds this UID under this tag, by its bytes alone.

        It may stand in a nested item just as well: enough to catch a message whose envelope names
        another object, without a parser in a process that must not fall over.
        """
        return uid in self.uids(tag)

    def uids(self, tag: tuple[int, int]) -> list[str]:
        """Return the UIDs that stand anywhere under this tag, by its bytes alone, as ``names``.

        Blanks and NULs around a UID are padding, however many there are.
        """
        order: Literal["big", "little"] = "little"
        if self.transfer_syntax == BIG_ENDIAN:
            order = "big"
        head = b"".join(half.to_bytes(2, order) for half in tag)
        found, at = set(), self.dataset.find(head)
        while at >= 0:
            start = at + len(head) + 4
            length = self.dataset[start - 4 : start].removeprefix(b"UI")
            end = start + int.from_bytes(length, order)
            value = self.dataset[start : min(end, start + _LONGEST_UID)].strip(_PADDING)
            if _UID.fullmatch(value):
                found.add(value.decode("ascii"))
            at = self.dataset.find(head, at + 1)
        return sorted(found)


def is_uid(text: str) -> bool:
    """Return whether text is a UID: numbers between dots, 64 characters at most.

    PS3.5 section 9.1 also forbids leading zeros, which real devices write all the same.
    """
    return len(text) <= 64 and bool(_UID.fullmatch(text.encode("ascii", "replace")))


def part10(sop_class: str, sop_instance: str, transfer_syntax: str, dataset: bytes) -> bytes:
    """Return the canonical file of a data set: equal parts give equal bytes.

    Raises:
        ValueError: One of the names is no UID.
    """
    for uid in (sop_class, sop_instance, transfer_syntax):
        if not is_uid(uid):
            raise ValueError("part10: expected three UIDs")
    meta = b"".join(
        (
            struct.pack("<HH2sHI", 2, 0x0001, b"OB", 0, 2) + b"\x00\x01",
            _element(0x0002, sop_class),
            _element(0x0003, sop_instance),
            _element(0x0010, transfer_syntax),
            _element(0x0012, IMPLEMENTATION_UID),
        )
    )
    length = struct.pack("<HH2sHI", 2, 0x0000, b"UL", 4, len(meta))
    return b"".join((bytes(_PREFIX), b"DICM", length, meta, dataset))


def parse_part10(file: bytes) -> Part10:
    """Return a file's meta group; the rest is left alone.

    A file without preamble that begins with the meta group is taken as well: dicomweb-client sends
    such ones.

    Raises:
        UnreadableImage: It is no DICOM file, or its meta group is torn or lacks one of the names.
    """
    if file[_PREFIX : _PREFIX + 4] == b"DICM":
        found, start = _meta(file, _PREFIX + 4)
    elif file[:2] == _META:
        found, start = _meta(file, 0)
    else:
        raise UnreadableImage(
            "This is no DICOM file: 'DICM' is not at byte 128.",
            hint="Send files as PS3.10 describes them.",
        )
    names = [found.get(element, b"").strip(_PADDING) for element in (0x0002, 0x0003, 0x0010)]
    if not all(len(name) <= 64 and _UID.fullmatch(name) for name in names):
        raise UnreadableImage(
            "The file's meta group does not name SOP class, SOP instance and transfer syntax.",
            hint="Send files as PS3.10 describes them.",
        )
    sop_class, sop_instance, syntax = (name.decode("ascii") for name in names)
    return Part10(sop_class, sop_instance, syntax, file[start:])


def _element(element: int, uid: str) -> bytes:
    value = uid.encode("ascii") + b"\x00" * (len(uid) % 2)
    return struct.pack("<HH2sH", 2, element, b"UI", len(value)) + value


def _meta(file: bytes, at: int) -> tuple[dict[int, bytes], int]:
    """Return the values of group 2, always explicit little endian, and where the data starts.

    The group length is not believed: files exist whose length is wrong or missing, and the group
    ends where another one begins.
    """
    values: dict[int, bytes] = {}
    while file[at : at + 2] == _META:
        if at > _PREFIX + _MOST_META or len(file) < at + 12:
            raise _truncated()
        _, element, vr, short, long = struct.unpack_from("<HH2sHI", file, at)
        start, length = (at + 12, long) if vr in _LONG else (at + 8, short)
        if start + length > min(len(file), _PREFIX + _MOST_META):
            raise _truncated()
        values.setdefault(element, file[start : start + length])
        at = start + length
    return values, at


def _truncated() -> UnreadableImage:
    return UnreadableImage("The file's meta group is torn.", hint="Send the file again.")
