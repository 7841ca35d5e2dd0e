"""Units for systemd and a container file, with the paths of this installation filled in."""

from __future__ import annotations

import getpass
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import core
from core.errors import ConfigError
from core.files import write_atomic
from core.settings import Settings

_FOLDER = Path(core.__file__).parents[1] / "data" / "deployment"
_PLAIN = re.compile(r"[^\s%\\\"']+")


def list_units() -> list[str]:
    """Return the names of the files."""
    return sorted(path.name for path in _FOLDER.iterdir())


def render_unit(name: str, settings: Settings, backup: Path) -> str:
    """Return one file with this installation's paths.

    Args:
        name: One of `list_units`.
        settings: The home folder.
        backup: Where the nightly backup goes.

    Raises:
        ConfigError: There is no such file, or a path cannot stand in a unit.
    """
    if name not in list_units():
        raise ConfigError(
            f"There is no unit {name!r}.", hint=f"There are {', '.join(list_units())}."
        )
    text = (_FOLDER / name).read_text()
    for mark, value in _values(settings, backup).items():
        if mark in text:
            text = text.replace(mark, _checked(value))
    return text


def write_units(folder: Path, settings: Settings, backup: Path) -> list[Path]:
    """Return the units for systemd, written into a folder.

    Raises:
        ConfigError: A path cannot stand in a unit, or the folder cannot be written.
    """
    names = [name for name in list_units() if name.endswith((".service", ".timer"))]
    texts = {folder / name: render_unit(name, settings, backup) for name in names}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            write_atomic(path, text)
    except OSError as exc:
        raise ConfigError(
            f"The units cannot be written to {folder}: {exc.strerror}.",
            hint="Choose a folder that is yours, then copy them to /etc/systemd/system as root.",
        ) from exc
    return list(texts)


def _values(settings: Settings, backup: Path) -> Mapping[str, str]:
    beside = Path(sys.executable).with_name("assay")
    found = str(beside) if beside.exists() else shutil.which("assay") or "assay"
    return {
        "@ASSAY@": found,
        "@HOME@": str(settings.home.absolute()),
        "@USER@": getpass.getuser(),
        "@BACKUP@": str(backup.absolute()),
    }


def _checked(value: str) -> str:
    # systemd would split or expand it.
    if not _PLAIN.fullmatch(value):
        raise ConfigError(
            f"{value!r} cannot stand in a unit.",
            hint="Use paths without spaces, quotes, backslashes and percent signs.",
        )
    return value
