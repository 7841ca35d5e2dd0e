"""Places that a person gave to photos of a field: picked on the map, or confirmed.

They are kept beside the listing, so that they stay when the photos are looked at again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from core.files import write_atomic
from core.people import Person, Role
from domains.crops.fields.folder import FieldFolder
from domains.crops.photos.place import place_by_hand

FILE = "places.json"
_ACTION = "say where a photo was taken"

Line = Mapping[str, Any]


def pick_place(
    field: FieldFolder, cases: Iterable[str], latitude: float, longitude: float, *, by: Person
) -> None:
    """Keep the place that a person picked for photos.

    Raises:
        PermissionDenied: The person may not say where a photo was taken.
        ValueError: It is no position on earth.
    """
    by.require(Role.REVIEWER, _ACTION)
    place = asdict(place_by_hand(latitude, longitude))
    _keep(field, dict.fromkeys(cases, place))


def confirm_place(field: FieldFolder, line: Line, *, by: Person) -> None:
    """Keep the place that a photo states and that was doubted.

    Args:
        field: Whose photo.
        line: The photo as it was listed.
        by: Who confirms it.

    Raises:
        PermissionDenied: The person may not say where a photo was taken.
        ValueError: There is nothing to confirm.
    """
    by.require(Role.REVIEWER, _ACTION)
    if line["candidate"] is None:
        raise ValueError(f"{line['case']}: expected a place to confirm, got none")
    _keep(field, {line["case"]: line["candidate"]})


def forget_place(field: FieldFolder, case: str, *, by: Person) -> None:
    """Take the place that a person gave to a photo away again; nothing where there is none.

    Raises:
        PermissionDenied: The person may not say where a photo was taken.
    """
    by.require(Role.REVIEWER, _ACTION)
    left = {name: place for name, place in _kept(field).items() if name != case}
    write_atomic(field.folder / FILE, json.dumps(left, ensure_ascii=False))


def with_places(field: FieldFolder, lines: Sequence[Line]) -> list[Line]:
    """Return the listed photos of a field, at the places that a person gave them."""
    kept = _kept(field)
    return [
        {**line, "place": kept[line["case"]], "reason": None, "by_hand": True}
        if line["case"] in kept
        else {**line, "by_hand": False}
        for line in lines
    ]


def _keep(field: FieldFolder, places: Mapping[str, Any]) -> None:
    content = {**_kept(field), **places}
    write_atomic(field.folder / FILE, json.dumps(content, ensure_ascii=False))


def _kept(field: FieldFolder) -> dict[str, Any]:
    file = field.folder / FILE
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}
