import csv
from collections import Counter
from io import BytesIO

import pydicom

from core.labelled import read_labelled
from domains.xray import pack
from domains.xray.demo.ct.data_set import write
from domains.xray.demo.ct.studies import FINDINGS
from tests.xray_phantom import SMALL, phantom_chest

COUNTS = {"train": 8, "cal": 6}


def written(folder, seed=0):
    write(folder, phantom_chest(), COUNTS, seed, SMALL)
    return {file.name: file.read_bytes() for file in (folder / "images").iterdir()}


def test_it_is_a_labelled_folder_with_every_second_picture_abnormal(tmp_path):
    written(tmp_path)
    rows = read_labelled(tmp_path, pack.group_columns).rows
    assert Counter(row.split for row in rows) == COUNTS
    assert Counter((row.split, row.label) for row in rows) == {
        (split, label): count / 2 for split, count in COUNTS.items()
        for label in ("normal", "abnormal")
    }  # fmt: skip
    assert len({row.group for row in rows}) == len(rows)
    with (tmp_path / "manifest.csv").open(newline="") as file:
        findings = {row["finding"]: row["label"] for row in csv.DictReader(file)}
    assert findings == {"none": "normal"} | dict.fromkeys(FINDINGS, "abnormal")


def test_every_picture_is_an_object_marked_as_computed_under_a_name_of_its_own(tmp_path):
    files = written(tmp_path)
    objects = [pydicom.dcmread(BytesIO(content)) for content in files.values()]
    assert len({one.SOPInstanceUID for one in objects}) == sum(COUNTS.values())
    assert {tuple(one.ImageType)[:2] for one in objects} == {("DERIVED", "SECONDARY")}
    assert "no figure on these pictures is evidence" in (tmp_path / "SOURCE.md").read_text()


def test_the_same_seed_writes_the_same_files(tmp_path):
    assert written(tmp_path / "one") == written(tmp_path / "two")
    assert written(tmp_path / "one") != written(tmp_path / "three", seed=5)
