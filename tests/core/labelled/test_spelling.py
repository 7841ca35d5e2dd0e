"""What looks the same to a person is one class."""

from __future__ import annotations

import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from core.labelled import read_labelled
from core.labelled.spelling import plain, plain_labels

GROSS = "Kratzer groß é"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (" good\t", "good"),
        ("go\u200bod", "good"),
        ("\ufeffgood", "good"),
        ("good\u00a0", "good"),
        ("deep\u00a0 \nscratch", "deep scratch"),
        (unicodedata.normalize("NFD", GROSS), GROSS),
    ],
)
def test_invisible_differences_are_taken_away(written, read):
    assert plain(written) == read


def test_each_of_several_labels_is_taken_in_its_plain_form():
    assert plain_labels(" a\u200b | b |  | ") == "a|b"


def a_table(root: Path, labels: list[str], column: str = "label", groups: str = "") -> Path:
    for i in range(len(labels)):
        (root / f"{i}.png").write_bytes(b"never opened")
    lines = "".join(f"{i}.png,{label}{groups}\n" for i, label in enumerate(labels))
    (root / "labels.csv").write_text(f"file,{column}\n{lines}")
    return root / "labels.csv"


def test_composed_and_decomposed_labels_are_one_class(tmp_path):
    both = [GROSS, unicodedata.normalize("NFD", GROSS), "good"]

    found = read_labelled(a_table(tmp_path, both))

    assert [row.label for row in found.rows] == [GROSS, GROSS, "good"]


def test_capital_letters_make_no_class_and_are_told(tmp_path):
    found = read_labelled(a_table(tmp_path, ["good", "Good", "good", "BAD", "bad", "bad|Good"]))

    assert Counter(row.label for row in found.rows) == {"Good": 3, "bad": 2, "bad|Good": 1}
    assert found.notices == (
        "BAD (1) and bad (2): labels that differ in capital letters alone are one class, bad.",
        "Good (2) and good (2): labels that differ in capital letters alone are one class, Good.",
    )


def test_a_bundles_spelling_counts(tmp_path):
    found = read_labelled(a_table(tmp_path, ["good", "SCRATCH"]), known=("Good", "scratch"))

    assert [row.label for row in found.rows] == ["Good", "scratch"]
    assert len(found.notices) == 2


def test_folders_of_one_name_to_a_person_are_one_class(tmp_path):
    for name in ("good", "good ", "Good", unicodedata.normalize("NFD", "é"), "é"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(b"never opened")

    found = read_labelled(tmp_path)

    assert Counter(row.label for row in found.rows) == {"good": 3, "é": 2}


def test_groups_of_one_name_to_a_person_are_one_group(tmp_path):
    table = a_table(tmp_path, ["good", "bad", "bad"])
    table.write_text("file,label,group\n0.png,good,pàrt 1\n1.png,bad,pa\u0300rt  1\n2.png,bad,x\n")

    assert [row.group for row in read_labelled(table).rows] == ["pàrt 1", "pàrt 1", "x"]
