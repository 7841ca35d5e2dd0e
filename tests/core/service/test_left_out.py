"""A table that parts copies is refused, and what it parts can be left out."""

import csv
import shutil

import cv2
import pytest

from core.errors import DataError
from core.service.progress import silent
from core.service.training.model_card import list_data_remarks
from core.service.training.train import TrainSpec
from core.service.training.training_set import read_training_set


@pytest.fixture(scope="module")
def divided(tiny_product, tmp_path_factory):
    """The plates, and of three training plates a copy each in cal, mirrored and saved again."""
    folder = shutil.copytree(tiny_product.data, tmp_path_factory.mktemp("divided") / "plates")
    with (folder / "manifest.csv").open("a", newline="") as file:
        table = csv.writer(file)
        for number, picture in enumerate(tiny_product.pictures("train", "good")[:6:2]):
            again = cv2.imread(str(picture))[:, ::-1]
            cv2.imwrite(str(folder / f"copy-{number}.jpg"), again, [cv2.IMWRITE_JPEG_QUALITY, 85])
            table.writerow([f"copy-{number}.jpg", "good", "cal", f"copy-{number}"])
    return folder


def ignore(_line):
    """Drop the line."""


def test_copies_that_a_table_parts_are_refused_before_anything_is_learned(
    divided, tiny_product, tmp_path
):
    spec = TrainSpec("parts", divided, tmp_path / "bundle")
    with pytest.raises(DataError, match=r"3 sets .*copy-0\.jpg \(cal\) and .*\(train\)") as refused:
        read_training_set(spec, tiny_product.settings, silent, ignore)
    assert "--leave-out-copies" in refused.value.hint


def test_left_out_they_neither_train_nor_certify_and_the_bundle_says_so(
    divided, tiny_product, tmp_path
):
    spec = TrainSpec("parts", divided, tmp_path / "bundle", leave_out_copies=True)
    training_set = read_training_set(spec, tiny_product.settings, silent, ignore)
    assert {row.file.name for row in training_set.left_out} == {f"copy-{n}.jpg" for n in range(3)}
    assert {row.file for row in training_set.rows} == {
        divided / file.relative_to(tiny_product.data)
        for split in ("train", "cal")
        for file in tiny_product.pictures(split)
    }
    remark = list_data_remarks(training_set.kept, ("group",), training_set.left_out)["left_out"]
    assert remark == "Left out, being of one origin with an earlier split: 3 of split 'cal'."


def test_a_picture_turned_a_little_and_cropped_is_known_for_its_original(tiny_product, tmp_path):
    folder = shutil.copytree(tiny_product.data, tmp_path / "turned")
    picture = cv2.imread(str(tiny_product.pictures("train", "good")[3]))
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 4.0, 1.0)
    again = cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
    cv2.imwrite(str(folder / "again.png"), again[height // 20 :, : -width // 20])
    with (folder / "manifest.csv").open("a", newline="") as file:
        csv.writer(file).writerow(["again.png", "good", "cal", "again"])
    spec = TrainSpec("parts", folder, tmp_path / "bundle")
    with pytest.raises(DataError, match=r"1 sets .*again\.png \(cal\) and .*\(train\)"):
        read_training_set(spec, tiny_product.settings, silent, ignore)
