"""What a long survey has judged so far, so that it goes on where it was stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Self

JUDGED = "judged.jsonl"


class Journal:
    """Verdicts by photo, a line each, kept in a file until the survey is whole; a context manager.

    Args:
        path: The file, in a folder that exists or not.
        key: What judges. A file of another key is begun anew.

    Attributes:
        known: What was judged before, by the photo's digest and name; nothing of what is added.
    """

    def __init__(self, path: Path, key: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.known = _read(path, key)
        self._file = path.open("w", encoding="utf-8", buffering=1)
        self._line(key)
        for entry in self.known.items():
            self._line(entry)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the file, which stays."""
        self._file.close()

    def add(self, photo: str, verdict: Any) -> None:  # noqa: ANN401 - JSON
        """Keep a verdict.

        Raises:
            OSError: It cannot be written.
        """
        self._line((photo, verdict))

    def _line(self, content: Any) -> None:  # noqa: ANN401 - JSON
        self._file.write(json.dumps(content, ensure_ascii=False) + "\n")


def name_photo(name: str, sha256: str) -> str:
    """Return the name of a photo in a journal: a file that changed since is another one."""
    return f"{sha256} {name}"


def _read(path: Path, key: str) -> dict[str, Any]:
    """Return what a file holds of the key; a line that was cut short is left out."""
    found: dict[str, Any] = {}
    if not path.exists():
        return found
    with path.open(encoding="utf-8") as file:
        try:
            if json.loads(file.readline()) != key:
                return found
            for line in file:
                photo, verdict = json.loads(line)
                found[photo] = verdict
        except ValueError:
            pass
    return found
