"""Which pictures come of one, by the names that cameras and augmenting tools give."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from core.imaging.sniff import SUFFIXES

_EXTENSIONS = "|".join(sorted(one.removeprefix(".") for one in SUFFIXES))
_EXTENSION = re.compile(rf"\.(?:{_EXTENSIONS})$", re.IGNORECASE)
# Roboflow exports part12_jpg.rf.1f0c….jpg, with as many hashes as the picture was augmented.
_EXPORTED = re.compile(rf"(?:[_.-](?:{_EXTENSIONS}))?\.rf\.[0-9a-z]{{16,}}$", re.IGNORECASE)
# Augmentor writes FOLDER_original_part12.jpg_UUID.
_AUGMENTOR = re.compile(
    rf"^.*_original_(?P<origin>.+?)(?:\.(?:{_EXTENSIONS}))?_[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}"
    r"-[0-9a-f]{12}$",
    re.IGNORECASE,
)
# Words for what was done to a picture, behind a name with a number: part12_aug_3, part12-hflip.
# Words that also name defects, diseases or lights (rot, dark, noise, blur) are not among them.
_DONE = re.compile(
    r"^(?P<origin>.*?\d.*?)(?:[ _.-]+(?:aug(?:mented|mentation)?[ _.-]?\d*|[hv]?flip(?:ped)?|"
    r"flip[ _.-]?(?:h|v|lr|ud|x|y)|mirror(?:ed)?|rotated|rot(?:ate)?[ _.-]?(?:90|180|270)|"
    r"invert(?:ed)?))+$",
    re.IGNORECASE,
)


def sets_by_name(files: Sequence[Path]) -> list[list[int]]:
    """Return the sets of pictures that come of one by their names, as places in ascending order."""
    places: dict[str, list[int]] = defaultdict(list)
    for at, file in enumerate(files):
        places[named_origin(file)].append(at)
    return [one for one in places.values() if len(one) > 1]


def named_origin(file: Path) -> str:
    """Return what the pictures of one folder that come of one picture have in common.

    A camera's pair (IMG_1.HEIC and IMG_1.JPG) has one name; Roboflow and Augmentor, and whoever
    names what was done to a copy, keep the name of what was augmented in those of its copies. A
    name that says nothing of the kind stands for itself, without its extension.

    Args:
        file: A picture's path.
    """
    name = _EXPORTED.sub("", _EXTENSION.sub("", file.name))
    for pattern in (_AUGMENTOR, _DONE):
        if found := pattern.match(name):
            name = found["origin"]
    return str(file.parent / name.casefold())
