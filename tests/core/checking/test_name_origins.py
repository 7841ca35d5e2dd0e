"""Pictures that an augmenting tool made of one, known by the names that it gave them."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from core.checking.leaks import copy_alarms
from core.checking.name_origins import named_origin, sets_by_name
from core.checking.origins import Copies, join_origins

NONE = Copies([], [])


def exported(stem, number):
    """Return a name as Roboflow writes it."""
    return f"{stem}_jpg.rf.{hashlib.md5(f'{stem}{number}'.encode()).hexdigest()}.jpg"


def augmented(stem):
    """Return a name as Augmentor writes it."""
    return f"cracked_original_{stem}.png_{uuid.uuid5(uuid.NAMESPACE_URL, stem)}.png"


@pytest.mark.parametrize(
    "names",
    [
        [exported("part12", 0), exported("part12", 1), "part12.jpg"],
        [augmented("part12"), "part12.png"],
        ["IMG_0012.HEIC", "IMG_0012.JPG"],
        ["part12.png", "part12_aug_3.png", "part12-hflip.png", "part12_rot90_flipped.png"],
    ],
)
def test_names_of_one_picture_s_copies_have_one_origin(names):
    assert len({named_origin(Path("lot", one)) for one in names}) == 1


@pytest.mark.parametrize(
    "names",
    [
        [exported("part12", 0), exported("part13", 0)],
        ["1.2.840.1.5", "1.2.840.1.6"],  # DICOM files without an extension
        ["apple1_rot_01.jpg", "apple1_rot_02.jpg"],  # a disease
        ["line1_dark_001.png", "line1_dark_002.png"],
        ["aug_1.png", "aug_2.png"],  # nothing is left that names a picture
        ["augmented/part1.png", "part1.png"],  # another folder has its own numbers
    ],
)
def test_names_of_different_pictures_stay_apart(names):
    assert sets_by_name([Path("lot", one) for one in names]) == []


def test_what_was_augmented_is_one_group_and_is_named_by_the_check(drawn):
    pictures = [one.facts() for one in drawn(160)[:6]]
    names = [exported(f"part{at // 3}", at) for at in range(6)]
    rows = [
        replace(
            one.row, file=Path("lot", name), label="scratch", group=name, grouped=False, split=""
        )
        for one, name in zip(pictures, names, strict=True)
    ]
    pictures = [replace(one, row=row) for one, row in zip(pictures, rows, strict=True)]
    assert len({row.group for row in join_origins(pictures, NONE)}) == 2
    (alarm,) = copy_alarms(pictures, NONE)
    assert alarm.figures["sets"] == 2
    assert alarm.sentence.startswith("2 sets of pictures of one origin by their names within")
