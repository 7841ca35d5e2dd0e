"""What systems leave beside pictures, and what of a folder was not read."""

from __future__ import annotations

from dataclasses import dataclass, field

PEEK = 32
_JUNK = frozenset(
    {
        "thumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin", "lost+found",
        "system volume information", "#recycle", "ehthumbs.db",
    }
)  # fmt: skip
_MOST_NAMED = 5


@dataclass
class Skipped:
    """Files that a search of folders and archives came upon and did not read.

    Attributes:
        system: Hidden files and folders, and what operating systems leave behind.
        others: Everything else that is no picture by its name or its first bytes.
    """

    system: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def words(self) -> list[str]:
        """Return a line a kind that occurred, with numbers and the first few names."""
        kinds = {
            "not read, no pictures by name or content": self.others,
            "ignored, hidden or left by the system": self.system,
        }
        return [f"{len(names)} {kind}: {_first(names)}." for kind, names in kinds.items() if names]


def is_junk(name: str) -> bool:
    """Whether a file or folder of this name is hidden or left by an operating system."""
    return name.startswith(".") or name.casefold() in _JUNK


def _first(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
