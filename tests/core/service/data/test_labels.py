"""Labels of a data set, one or several a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import DataError
from core.labelled import Row
from core.service.data.labels import (
    classes_of,
    format_labels,
    has_multilabel,
    refuse_mixed,
    refuse_multilabel,
    targets_of,
)

SIDES = {"classes": ("dent", "good", "stain"), "positive": (True, False, True)}


def a_row(label: str, name: str = "a.png") -> Row:
    return Row(Path(name), label, "", name)


def test_classes_are_single_labels_and_targets_tell_who_has_them():
    rows = [a_row("stain | dent"), a_row("good"), a_row("dent|dent|")]
    assert classes_of(rows) == ("dent", "good", "stain")
    expected = [[True, False, True], [False, True, False], [True, False, False]]
    np.testing.assert_array_equal(targets_of(rows, classes_of(rows)), expected)
    assert [format_labels(row) for row in rows] == ["dent|stain", "good", "dent"]


def test_no_rows_give_targets_of_no_pictures():
    assert targets_of([], ("a", "b")).shape == (0, 2)


@pytest.mark.parametrize(("label", "is_multilabel"), [("a|b", True), ("a", False), ("a|", False)])
def test_one_picture_with_two_labels_makes_all_pictures_judged_label_by_label(label, is_multilabel):
    assert has_multilabel([a_row("good"), a_row(label)]) is is_multilabel


def test_nothing_wrong_beside_something_wrong_is_refused_by_name():
    refuse_mixed([a_row("stain|dent"), a_row("good")], **SIDES)
    with pytest.raises(DataError, match=r"1 pictures .* b\.png: good\|stain"):
        refuse_mixed([a_row("dent"), a_row("good|stain", "b.png")], **SIDES)


def test_pictures_with_several_labels_are_refused_where_only_one_is_given():
    refuse_multilabel([a_row("dent"), a_row("good")])
    with pytest.raises(DataError, match=r"1 pictures .* c\.png: dent\|stain"):
        refuse_multilabel([a_row("dent"), a_row("dent|stain", "c.png")])
