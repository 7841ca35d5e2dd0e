"""Which folders are classes, which are splits, and what is refused rather than guessed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from core.errors import DataError
from core.labelled import Form, describe_data_set, read_labelled

GOOD = frozenset({"good", "ok", "*_healthy"})


def a_folder(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"\x89PNG\r\n\x1a\n" if name.endswith(".png") else b"text")
    return root


def counted(read) -> dict[tuple[str, str], int]:
    return dict(Counter((row.split, row.label) for row in read.rows))


def read(root: Path, **options):
    return read_labelled(root, min_labels=1, negative=GOOD, **options)


@pytest.mark.parametrize(
    ("names", "counts", "layout"),
    [
        pytest.param(
            ["train/good/1.png", "train/bad/2.png", "Valid/good/3.png", "test/bad/4.png"],
            {("train", "good"): 1, ("train", "bad"): 1, ("cal", "good"): 1, ("test", "bad"): 1},
            "split/class folders",
            id="what labelling platforms export",
        ),
        pytest.param(
            ["train/good/1.png", "test/good/2.png", "test/cut/3.png", "ground_truth/cut/3_m.png"],
            {("train", "good"): 1, ("test", "good"): 1, ("test", "cut"): 1},
            "split/class folders",
            id="MVTec AD",
        ),
        pytest.param(
            ["bottle/train/good/1.png", "bottle/test/cut/2.png", "bottle/ground_truth/cut/2.png"],
            {("train", "good"): 1, ("test", "cut"): 1},
            "split/class folders inside bottle",
            id="one product of MVTec AD as it is unpacked",
        ),
        pytest.param(
            ["good/train/1.png", "good/val/2.png", "bad/train/3.png", "bad/test/4.png"],
            {("train", "good"): 1, ("cal", "good"): 1, ("train", "bad"): 1, ("test", "bad"): 1},
            "class/split folders",
            id="splits inside classes",
        ),
        pytest.param(
            ["dataset/dataset/good/1.png", "dataset/dataset/bad/2.png"],
            {("", "good"): 1, ("", "bad"): 1},
            "class folders inside dataset/dataset",
            id="a zip with a folder around",
        ),
        pytest.param(
            ["images/Tomato_healthy/1.png", "images/Tomato_mould/lot 1/2.png"],
            {("", "Tomato_healthy"): 1, ("", "Tomato_mould"): 1},
            "class folders inside images",
            id="a holder of class folders",
        ),
        pytest.param(["good/lot 1/1.png"], {("", "good"): 1}, "class folders", id="good alone"),
        pytest.param(
            ["good/1.png", "bad/@eaDir/1.png/THUMB.png", "bad/thumbs/2.png", "bad/2.png"],
            {("", "good"): 1, ("", "bad"): 1},
            "class folders",
            id="thumbnails of a NAS",
        ),
        pytest.param(
            ["train/good/1.png", "train/bad/2.png"],
            {("train", "good"): 1, ("train", "bad"): 1},
            "split/class folders",
            id="training alone",
        ),
    ],
)
def test_common_layouts_are_read(tmp_path, names, counts, layout):
    found = read(a_folder(tmp_path, *names))

    assert counted(found) == counts
    assert found.layout == layout


def test_masks_are_left_out_and_counted(tmp_path):
    a_folder(tmp_path, "train/good/1.png", "test/cut/2.png", "ground_truth/cut/2.png")

    assert read(tmp_path).notices == ("1 masks beside the split folders were left out.",)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["train/good/1.png", "good/2.png"], "train are named like splits and lie beside good"),
        (["good/train/1.png", "bad/2.png"], "in good folders are named like splits, in bad some"),
        (["good/test/1.png", "good/2.png", "bad/3.png"], "in bad, good some are not"),
        (["train/1.png", "test/2.png"], "test, train are named like splits and hold no class"),
        (["train/test/1.png", "train/good/2.png"], "test are named like splits inside train"),
        (["a/train/good/1.png", "b/train/good/2.png"], "look like several data sets"),
        (["stuff/x/1.png", "stuff/y/2.png"], "stuff/, which may be the one class or hold"),
        (["line 1/good/1.png", "line 2/good/2.png"], "but good inside them does"),
        (["good/1.png", "bad/2.png", "runs/3.png"], "runs beside bad, good does not look like"),
        (["good/1.png", "masks/2.png"], "masks beside good does not look like a class"),
    ],
)
def test_folders_that_fit_two_readings_are_refused_with_the_way_out(tmp_path, names, message):
    a_folder(tmp_path, *names)

    with pytest.raises(DataError) as caught:
        read(tmp_path)

    assert message in caught.value.message
    assert "--layout class" in caught.value.hint


def test_a_person_says_which_folders_are_classes(tmp_path):
    a_folder(tmp_path, "train/1.png", "bus/1.png", "car/test/1.png")

    assert {row.label for row in read(tmp_path, form=Form.CLASS).rows} == {"train", "bus", "car"}

    other = a_folder(tmp_path / "b", "first half/a/1.png", "train/a/2.png")
    assert counted(read(other, form=Form.SPLIT_CLASS)) == {
        ("first half", "a"): 1,
        ("train", "a"): 1,
    }


def test_a_known_class_is_a_class_whatever_its_name_suggests(tmp_path):
    a_folder(tmp_path, "output/1.png", "good/2.png")

    assert counted(read(tmp_path, known=("good", "output"))) == {("", "good"): 1, ("", "output"): 1}


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["images/1.png", "labels/1.txt"], "YOLO"),
        (["train/images/1.png", "train/labels/1.txt", "data.yaml"], "YOLO"),
        (["train/1.png", "train/_annotations.coco.json"], "COCO"),
        (["JPEGImages/1.png", "Annotations/1.xml"], "Pascal VOC"),
    ],
)
def test_marked_objects_are_no_classes(tmp_path, names, kind):
    a_folder(tmp_path, *names)

    with pytest.raises(DataError, match=rf"finding objects \({kind}\): 1 files such as"):
        read(tmp_path)


@pytest.mark.parametrize("root", ["", "images/"])
def test_a_table_beside_the_pictures_labels_them(tmp_path, root):
    a_folder(tmp_path, "images/1.png", "images/2.png", "notes.csv")
    (tmp_path / "labels.csv").write_text(f"image,label\n{root}1.png,good\n{root}2.png,bad\n")

    found = read(tmp_path)

    assert counted(found) == {("", "good"): 1, ("", "bad"): 1}
    assert found.layout == "table labels.csv"
    assert all(row.file.is_file() for row in found.rows)
    assert any("in images/" in result for result in found.notices) == (not root)


def test_a_table_beside_class_folders_and_two_tables_are_refused(tmp_path):
    table = "image,label\ngood/1.png,good\nbad/2.png,bad\n"
    a_folder(tmp_path, "good/1.png", "bad/2.png")
    (tmp_path / "labels.csv").write_text(table)

    with pytest.raises(DataError, match=r"both a table of files and labels, labels\.csv") as caught:
        read(tmp_path)
    assert f"Give {tmp_path / 'labels.csv'}" in caught.value.hint
    assert len(read(tmp_path, form=Form.CLASS).rows) == 2
    (tmp_path / "again.csv").write_text(table)
    with pytest.raises(DataError, match=r"several tables of files and labels: again\.csv, labels"):
        read(tmp_path)


def test_what_assay_wrote_is_no_class(tmp_path):
    a_folder(tmp_path, "good/1.png", "bad/2.png", "b1/probe/3.png", "b1/bundle.json")
    a_folder(tmp_path, "b1/SHA256SUMS", "home/assay.sqlite", "home/blobs/ab/abc.png")

    found = read(tmp_path)

    assert counted(found) == {("", "good"): 1, ("", "bad"): 1}
    assert found.notices == ("Left out, written by Assay and no data: b1, home.",)
    with pytest.raises(DataError, match="is a bundle or a home of Assay"):
        read(tmp_path / "b1")


def test_what_cannot_be_looked_into_is_a_fault_with_its_cause(tmp_path):
    a_folder(tmp_path, "set/good/1.png", "set/bad/2.png", "nas/dent/3.png")
    (tmp_path / "set/dent").symlink_to(tmp_path / "nas/dent")
    (tmp_path / "set/bad/more.zip").write_bytes(b"PK")

    with pytest.raises(DataError) as caught:
        read(tmp_path / "set")

    assert f"dent is a link to {tmp_path / 'nas/dent'}" in caught.value.message
    assert "bad/more.zip is an archive: unpack it" in caught.value.message


def test_a_folder_whose_name_is_no_text_is_named(tmp_path):
    a_folder(tmp_path, "good/1.png")
    odd = Path(str(tmp_path) + "/gr\udcf6\udcdf")
    odd.mkdir()
    (odd / "2.png").write_bytes(b"\x89PNG\r\n\x1a\n")

    with pytest.raises(DataError, match="is no UTF-8 text; rename it"):
        read(tmp_path)


def test_how_a_data_set_was_read_is_said_with_counts(tmp_path):
    a_folder(tmp_path, "train/good/1.png", "test/cut/2.png", "test/good/.x.png", "readme.txt")

    result = describe_data_set(read(tmp_path).to_json())

    assert result == [
        "Read as split/class folders: 2 pictures.",
        "  test: cut 1",
        "  train: good 1",
        f"1 not read, no pictures by name or content: {tmp_path / 'readme.txt'}.",
        f"1 ignored, hidden or left by the system: {tmp_path / 'test/good/.x.png'}.",
    ]
