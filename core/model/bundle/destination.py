"""Where output may go: nothing that a person keeps is replaced; checked before the work."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from core.errors import BundleError, ConfigError
from core.model.bundle import bundle as layout

_POLICY_SUFFIXES = frozenset({".json", ".sig", ""})
_MOST_NAMED = 5
_NEAR = 64 * 1024


def check_bundle_destination(path: Path) -> None:
    """Refuse a destination at which a bundle would replace anything but a bundle.

    A folder may be replaced when every file in it is one that its sums name, the sums themselves,
    a signature, or a policy; content is not compared, so that a damaged bundle can be trained
    again.

    Raises:
        BundleError: A file, or a folder that is no bundle or holds more than one.
        ConfigError: The folder cannot be made there.
    """
    check_parent(path)
    if path.exists() and not path.is_dir():
        raise BundleError(
            f"{path} is a file; expected a folder to make.", hint="Choose another folder for -o."
        )
    if not path.exists() or not any(path.iterdir()):
        return
    kept = _strays(path)
    if kept is None:
        raise BundleError(
            f"{path} exists and is not a bundle; nothing was written.",
            hint="Choose another folder for -o.",
        )
    if kept:
        raise BundleError(
            f"{path} holds files that are not the bundle's: {list_names(kept)}; a new bundle would "
            "delete them. Nothing was written.",
            hint="Move them elsewhere, or choose another folder for -o.",
        )


def check_file_destination(path: Path, mark: bytes) -> None:
    """Refuse a destination at which a file would replace anything but an earlier output.

    Args:
        path: The file to write.
        mark: Bytes that every output of this kind has near its start or its end.

    Raises:
        ConfigError: A folder, another file, or a place where no file can be written.
    """
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; expected a file to write.", hint="Name a file.")
    folder = path.absolute().parent
    if not folder.is_dir():
        raise ConfigError(
            f"{path} cannot be written: there is no folder {folder}.", hint="Make the folder first."
        )
    check_parent(path)
    if path.exists() and path.stat().st_size and not _has_mark(path, mark):
        raise ConfigError(
            f"{path} exists and is not an earlier output of this command; nothing was written.",
            hint="Choose another file, or move that one elsewhere.",
        )


def check_export_destination(path: Path, known: frozenset[str], graph: str, mark: bytes) -> None:
    """Refuse a folder that is not empty and not an earlier export with nothing else in it.

    Args:
        path: The folder to write.
        known: Every file that an export has, relative to its folder.
        graph: That one of them by which an export is recognised.
        mark: Bytes that every such file of ours has near its start or its end.

    Raises:
        ConfigError: A file, a folder with other content, or a place where none can be made.
    """
    check_parent(path)
    if path.exists() and not path.is_dir():
        raise ConfigError(f"{path} is a file; expected a folder.", hint="Choose another -o.")
    if not path.exists() or not any(path.iterdir()):
        return
    if not _has_mark(path / graph, mark):
        raise ConfigError(
            f"{path} exists and is no export; nothing was written.", hint="Choose another -o."
        )
    others = [name for name in files_below(path) if name not in known]
    kept = sorted(name for name in others if Path(name).parent.name != "__pycache__")
    if kept:
        raise ConfigError(
            f"{path} holds files that are not the export's: {list_names(kept)}; "
            "nothing was written.",
            hint="Move them elsewhere, or choose another -o.",
        )


def check_folder_destination(path: Path, known: frozenset[str]) -> None:
    """Refuse a folder in which anything lies beside files of the known names.

    Args:
        path: The folder to write.
        known: Names directly below it that an earlier output may have left there.

    Raises:
        ConfigError: A file, a folder with other content, or a place where none can be made.
    """
    check_parent(path)
    if path.exists() and not path.is_dir():
        raise ConfigError(f"{path} is a file; expected a folder.", hint="Choose another folder.")
    kept = sorted(p.name for p in path.iterdir() if p.name not in known) if path.exists() else []
    if kept:
        raise ConfigError(
            f"{path} holds other files: {list_names(kept)}; nothing was written.",
            hint="Choose an empty folder.",
        )


def check_parent(path: Path) -> None:
    """Refuse a path below a file, or below a folder that may not be written.

    Raises:
        ConfigError: Which folder it is.
    """
    above = path.absolute().parent
    while not os.path.lexists(above):
        above = above.parent
    if not above.is_dir():
        raise ConfigError(
            f"{path} cannot be made: {above} is no folder.", hint="Choose another path."
        )
    if not os.access(above, os.W_OK | os.X_OK):
        raise ConfigError(
            f"{path} cannot be made: {above} may not be written.",
            hint="Choose a folder that is yours.",
        )


def files_below(folder: Path) -> Iterator[str]:
    """Yield every file and link below a folder, relative to it; links are not followed."""
    for at, folders, files in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(at, name))]
        for name in [*files, *links]:
            yield Path(at, name).relative_to(folder).as_posix()


def list_names(names: list[str]) -> str:
    """Return the first few names, and how many more there are."""
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _has_mark(path: Path, mark: bytes) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        near = file.read(_NEAR)
        file.seek(max(0, path.stat().st_size - _NEAR))
        return mark in near + file.read()


def _strays(path: Path) -> list[str] | None:
    """Return the files that are not the bundle's; None where there is no bundle."""
    try:
        metadata = json.loads((path / layout.METADATA).read_bytes())
        lines = (path / layout.SUMS).read_text().splitlines()
    except (OSError, ValueError):
        return None
    if not isinstance(metadata, dict) or not str(metadata.get("schema")).startswith(
        "assay.bundle/"
    ):
        return None
    known = {line.partition("  ")[2] for line in lines} | {layout.SUMS, layout.SIGNATURE}
    return sorted(n for n in files_below(path) if n not in known and not _is_policy(n))


def _is_policy(name: str) -> bool:
    file = Path(name)
    return file.parent == Path(layout.POLICIES) and file.suffix.lower() in _POLICY_SUFFIXES
