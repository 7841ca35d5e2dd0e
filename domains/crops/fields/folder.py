"""The fields of a farm: a folder each, with what was sent and what came of it."""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from core.errors import DataError, InputError
from core.files import write_atomic
from core.people import Person, Role

_ID = re.compile(r"[0-9a-f]{16}")
_MAX_NAME = 80
_FILE = "field.json"


@dataclass(frozen=True, slots=True)
class FieldFolder:
    """A field.

    Attributes:
        id: Names it in an address.
        name: As the farmer calls it.
        crop: What grows there, as the farmer says; may be empty.
        made: When it was made.
        folder: Where its files lie.
    """

    id: str
    name: str
    crop: str
    made: datetime
    folder: Path

    @property
    def uploads(self) -> Path:
        """Where files lie as they arrive."""
        return self.folder / "upload"

    def survey_of(self, upload_id: str) -> Path:
        """Return the folder of the survey of an uploaded mosaic."""
        return self.folder / "surveys" / upload_id

    def indices_of(self, upload_id: str) -> Path:
        """Return the folder of the index maps of an uploaded mosaic."""
        return self.folder / "indices" / upload_id


def make_field(home: Path, name: str, crop: str, at: datetime, *, by: Person) -> FieldFolder:
    """Return a new field.

    Raises:
        PermissionDenied: The person may not begin a field.
        InputError: It has no name, or one that is too long.
    """
    by.require(Role.REVIEWER, "begin a field")
    name, crop = " ".join(name.split()), " ".join(crop.split())
    if not 0 < len(name) <= _MAX_NAME or len(crop) > _MAX_NAME:
        raise InputError(
            f"The name of a field has 1 to {_MAX_NAME} characters, got {len(name)}.",
            hint="Give it a short name.",
        )
    made = FieldFolder(secrets.token_hex(8), name, crop, at, Path())
    folder = _root(home) / made.id
    folder.mkdir(parents=True)
    content = {"name": name, "crop": crop, "made": at.astimezone(UTC).isoformat()}
    write_atomic(folder / _FILE, json.dumps(content, ensure_ascii=False))
    return FieldFolder(made.id, name, crop, at, folder)


def open_field(home: Path, field_id: str) -> FieldFolder | None:
    """Return a field; None where there is none of that id.

    Raises:
        DataError: Its file was altered beyond reading.
    """
    folder = _root(home) / field_id
    if not _ID.fullmatch(field_id) or not (folder / _FILE).exists():
        return None
    try:
        content = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        made = datetime.fromisoformat(content["made"])
        return FieldFolder(field_id, str(content["name"]), str(content["crop"]), made, folder)
    except (ValueError, KeyError, TypeError) as exc:
        raise DataError(
            f"{folder / _FILE} does not describe a field: {exc}.", hint="Make the field anew."
        ) from exc


def fields(home: Path) -> Iterator[FieldFolder]:
    """Yield every field, the newest first."""
    if _root(home).exists():
        found = (open_field(home, path.name) for path in _root(home).iterdir())
        yield from sorted((one for one in found if one), key=lambda one: one.made, reverse=True)


def delete_field(field: FieldFolder, *, by: Person) -> None:
    """Delete a field with all that was sent of it; what was decided on its photos stays on record.

    Raises:
        PermissionDenied: The person may not delete a field.
        OSError: A file cannot be deleted.
    """
    by.require(Role.LEAD, "delete a field")
    # First the file that makes it a field: what is left of an interrupted deletion is none.
    (field.folder / _FILE).unlink(missing_ok=True)
    shutil.rmtree(field.folder)


def _root(home: Path) -> Path:
    return home / "fields"
