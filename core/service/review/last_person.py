"""Who used this machine's dashboard last, in single-user mode: a file in the home folder.

It names nobody by proof: it saves typing a name that stands on the screen, and is replaced by one
click. Where people sign in it is not read.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

_NAME = "last_person.json"
_LONGEST = 80


@dataclass(frozen=True, slots=True)
class LastPerson:
    """What is kept from one start of the dashboard to the next.

    Attributes:
        name: The name that verdicts were signed with; empty for none.
        pack: Name of the pack that was chosen; empty for none.
    """

    name: str = ""
    pack: str = ""


def read_last_person(home: Path) -> LastPerson:
    """Return what was kept; nothing where the file is missing or no such file."""
    try:
        found = json.loads((home / _NAME).read_text("utf-8"))
        name, pack = str(found["name"]), str(found["pack"])
    except (OSError, ValueError, KeyError, TypeError):
        return LastPerson()
    return LastPerson(name.strip()[:_LONGEST], pack[:_LONGEST])


def keep_last_person(home: Path, last: LastPerson) -> None:
    """Keep it, unless the folder cannot be written: the name is then asked for again."""
    part = home / f".{_NAME}.{os.getpid()}"
    try:
        part.write_text(json.dumps(asdict(last)), "utf-8")
        part.replace(home / _NAME)
    except OSError:
        part.unlink(missing_ok=True)
