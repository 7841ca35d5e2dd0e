"""What looks the same to a person is one class."""

from __future__ import annotations

import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from core.errors import DataError
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


def a_grouped_table(root: Path, rows: list[tuple[str, str]]) -> Path:
    for i in range(len(rows)):
        (root / f"{i}.png").write_bytes(b"never opened")
    lines = "".join(
        f"{i}.png,{'bad' if i else 'good'},{split},{group}\n"
        for i, (split, group) in enumerate(rows)
    )
    (root / "manifest.csv").write_text(f"file,label,split,group\n{lines}")
    return root


@pytest.mark.parametrize(
    ("written", "kept", "named"),
    [
        (("P7", "p7", "p7", "q"), ("p7", "p7", "p7", "q"), "P7 and p7"),
        (("5", "5.0", "05", "5"), ("5", "5", "5", "5"), "05 and 5 and 5.0"),
        (("00", "0", "10", "0"), ("0", "0", "10", "0"), "0 and 00"),
    ],
)
def test_groups_that_differ_in_spelling_alone_are_one_and_that_is_said(
    tmp_path, written, kept, named
):
    read = read_labelled(a_grouped_table(tmp_path, [("", one) for one in written]))
    assert [row.group for row in read.rows] == list(kept)
    (notice,) = [one for one in read.notices if one.startswith("Groups that differ")]
    assert notice.endswith(f"alone are one: {named}.")


def test_groups_that_are_no_spellings_of_one_stay_apart(tmp_path):
    written = ["5.1", "5.10", "5", "50", "P05", "P5", "5.0.0", "-5"]
    read = read_labelled(a_grouped_table(tmp_path, [("", one) for one in written]))
    assert [row.group for row in read.rows] == written
    assert not [one for one in read.notices if "alone are one" in one]


@pytest.mark.parametrize(("one", "other"), [("P7", "p7"), ("07", "7")])
def test_one_part_under_two_spellings_is_refused_in_two_splits(tmp_path, one, other):
    table = a_grouped_table(tmp_path, [("train", one), ("cal", other), ("train", "q")])
    with pytest.raises(DataError, match=f"splits cal, train; .* are one: {one} and {other}"):
        read_labelled(table)


def test_files_that_nobody_grouped_keep_their_own_names(tmp_path):
    for name in ("good/A.png", "good/a.png", "bad/b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"never opened")
    rows = read_labelled(tmp_path).rows
    assert len({row.group for row in rows}) == 3
