"""Places that a person gave to photos of a field: picked on the map, or confirmed.

They are kept beside the listing, so that they stay when the photos are looked at again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from core.files import write_atomic
from domains.crops.fields.folder import FieldFolder
from domains.crops.photos.place import place_by_hand

FILE = "places.json"

Line = Mapping[str, Any]


def pick_place(field: FieldFolder, cases: Iterable[str], latitude: float, longitude: float) -> None:
    """Keep the place that a person picked for photos.

    Raises:
        ValueError: It is no position on earth.
    """
    place = asdict(place_by_hand(latitude, longitude))
    _keep(field, dict.fromkeys(cases, place))


def confirm_place(field: FieldFolder, line: Line) -> None:
    """Keep the place that a photo states and that was doubted.

    Args:
        field: Whose photo.
        line: The photo as it was listed.

    Raises:
        ValueError: There is nothing to confirm.
    """
    if line["candidate"] is None:
        raise ValueError(f"{line['case']}: expected a place to confirm, got none")
    _keep(field, {line["case"]: line["candidate"]})


def forget_place(field: FieldFolder, case: str) -> None:
    """Take the place that a person gave to a photo away again; nothing where there is none."""
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
