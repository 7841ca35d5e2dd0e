"""What systems leave beside pictures, and what of a folder was not read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

PEEK = 32
_JUNK = frozenset(
    {
        "thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir", "@tmp", "$recycle.bin",
        "lost+found", "system volume information", "#recycle", "@recycle", "#snapshot", "thumbs",
        "_thumbs", "thumbnails", "_thumbnails",
    }
)  # fmt: skip
_MOST_NAMED = 5
_KINDS = {
    "others": "not read, no pictures by name or content",
    "system": "ignored, hidden or left by the system",
}


@dataclass
class Skipped:
    """Files that a search of folders and archives came upon and did not read.

    Attributes:
        system: Hidden files and folders, and what operating systems leave behind.
        others: Everything else that is no picture by its name or its first bytes.
    """

    system: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def describe(self) -> list[str]:
        """Return a line a kind that occurred, with numbers and the first few names."""
        return describe_skipped(self.to_json())

    def to_json(self) -> dict[str, dict[str, Any]]:
        """Return the number and the first few names of each kind."""
        kinds = {"others": self.others, "system": self.system}
        return {
            kind: {"count": len(names), "first": names[:_MOST_NAMED]}
            for kind, names in kinds.items()
        }

    def __bool__(self) -> bool:
        """Return whether anything was not read."""
        return bool(self.system or self.others)


def describe_skipped(kinds: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a line a kind that occurred, from what ``Skipped.to_json`` gave."""
    lines = []
    for kind, phrase in _KINDS.items():
        count, first = kinds[kind]["count"], kinds[kind]["first"]
        more = f" and {count - len(first)} more" if first and count > len(first) else ""
        if count:
            lines.append(f"{count} {phrase}{': ' if first else ''}{', '.join(first)}{more}.")
    return lines


def add_skipped(
    many: Iterable[Mapping[str, Mapping[str, Any]]],
) -> dict[str, dict[str, Any]]:
    """Return the sum of what ``Skipped.to_json`` gave for parts of a source."""
    total: dict[str, dict[str, Any]] = {kind: {"count": 0, "first": []} for kind in _KINDS}
    for kinds in many:
        for kind, added in total.items():
            added["count"] += kinds[kind]["count"]
            added["first"] = [*added["first"], *kinds[kind]["first"]][:_MOST_NAMED]
    return total


def is_junk(name: str) -> bool:
    """Return whether a file or folder of this name is hidden or left by an operating system."""
    return name.startswith(".") or name.casefold() in _JUNK
