"""Where the files that a table names lie, when it was written on another machine."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.imaging.junk import is_junk

_DRIVE = re.compile(r"[A-Za-z]:/|//")


@dataclass(frozen=True)
class FoundFiles:
    """The files of a table.

    Attributes:
        files: One a name, in order; what was not found is where the table says.
        notices: How files were found that do not lie where the table says.
    """

    files: list[Path]
    notices: tuple[str, ...]


def find_files(root: Path, names: Sequence[str]) -> FoundFiles:
    """Return the files that a table names, relative to its folder.

    A name that is no file as written is read with its backslashes as slashes; then, if that finds
    every missing one, in one folder beside the table, or without the beginning that absolute
    paths of another machine share; at last by its name without regard to capital letters and
    Unicode's forms, where that fits one file.

    Args:
        root: The table's folder.
        names: Files as the table names them; an empty one stays the folder.
    """
    found = {name: name for name in names if _is_file(root, name)}
    missing = [name for name in dict.fromkeys(names) if name and name not in found]
    notices: list[str] = []
    if missing:
        slashed = {name: name.replace("\\", "/") for name in missing}
        for step in (_as_written, _beside, _elsewhere):
            match = step(root, slashed)
            if match:
                found |= match[0]
                notices += match[1]
                break
        else:
            exact = {name: text for name, text in slashed.items() if _is_file(root, text)}
            left = {name: text for name, text in slashed.items() if name not in exact}
            folded = _match_folded(root, left)
            found |= exact | folded
            if folded:
                notices.append(_describe_folded(folded))
    return FoundFiles([root / found.get(name, name) for name in names], tuple(notices))


Match = tuple[dict[str, str], list[str]]


def _as_written(root: Path, slashed: dict[str, str]) -> Match | None:
    return (slashed, []) if all(_is_file(root, text) for text in slashed.values()) else None


def _beside(root: Path, slashed: dict[str, str]) -> Match | None:
    """Return all of them in one folder of the table's folder, if they are there."""
    for folder in _folders(root):
        files = {name: f"{folder}/{text}" for name, text in slashed.items()}
        if all(_is_file(root, file) for file in files.values()):
            return files, [f"{len(files)} files were found in {folder}/ beside the table."]
    return None


def _elsewhere(root: Path, slashed: dict[str, str]) -> Match | None:
    """Return matches without the beginning of absolute paths that leads to the table's folder."""
    if not all(text.startswith("/") or _DRIVE.match(text) for text in slashed.values()):
        return None
    parts = {name: text.lstrip("/").split("/") for name, text in slashed.items()}
    for count in range(1, min(map(len, parts.values()))):
        files = {name: "/".join(each[count:]) for name, each in parts.items()}
        if all(_is_file(root, file) for file in files.values()):
            first, each = next(iter(parts.items()))
            gone = first[: len(first) - len("/".join(each[count:]))]
            notice = f"{len(files)} paths that begin as {gone} were looked for beside the table."
            return files, [notice]
    return None


def _match_folded(root: Path, slashed: dict[str, str]) -> dict[str, str]:
    """Return matches of names, case-folded and in Unicode's composed form, where one file fits."""
    if not slashed:
        return {}
    index: dict[str, list[str]] = {}
    for at, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not is_junk(name)]
        for file in files:
            name = Path(at, file).relative_to(root).as_posix()
            index.setdefault(_key(name), []).append(name)
    matches = {name: index.get(_key(text), []) for name, text in slashed.items()}
    return {name: files[0] for name, files in matches.items() if len(files) == 1}


def _describe_folded(folded: dict[str, str]) -> str:
    return (
        f"{len(folded)} files are named in the table with other capital letters or accents than on "
        "the disk."
    )


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", os.path.normpath(name)).casefold()


def _folders(root: Path) -> Iterable[str]:
    try:
        with os.scandir(root) as listing:
            return sorted(e.name for e in listing if e.is_dir(follow_symlinks=False))
    except OSError:
        return ()


def _is_file(root: Path, name: str) -> bool:
    return bool(name) and "\0" not in name and os.path.isfile(root / name)
