from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from core.checking.result import Level
from core.cli import admin
from core.errors import DataError
from core.service.data.check import check, summarise_check
from core.settings import Settings

SIDE = 96


@pytest.fixture(scope="module")
def plates(tmp_path_factory) -> Path:
    """40 plates: the scratched ones lie in better light, one file is torn, one is there twice."""
    folder = tmp_path_factory.mktemp("plates")
    rng = np.random.default_rng(4)
    rows = []
    for number in range(80):
        label = ("good", "scratched")[number % 2]
        grey = rng.normal(100 + 40 * (number % 2), 5) + rng.normal(0, 12, (SIDE, SIDE))
        name = f"{label}-{number:02}.png"
        cv2.imwrite(str(folder / name), np.clip(grey, 0, 255).astype(np.uint8))
        rows.append([name, label, ("train", "cal", "test")[number // 2 % 3], f"plate-{number}"])
    (folder / "torn.png").write_bytes((folder / "good-00.png").read_bytes()[:200])
    (folder / "again.png").write_bytes((folder / "good-00.png").read_bytes())
    rows += [["torn.png", "good", "train", "t"], ["again.png", "scratched", "test", "a"]]
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["file", "label", "split", "group"], *rows])
    return folder


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("home"))


def kinds(found, *levels):
    return {alarm.kind for alarm in found.alarms if alarm.level in levels}


def test_files_are_read_and_what_is_wrong_with_them_is_said(plates, settings):
    result = []
    found = check("parts", plates, settings, progress=lambda *step: result.append(step))
    assert (found.pictures, found.groups) == (82, 81)  # one file is there twice
    assert kinds(found, Level.STRONG) == {"leak", "conflict", "shortcut"}
    (torn,) = [alarm for alarm in found.alarms if alarm.kind == "unreadable"]
    assert list(torn.figures["files"]) == [str(plates / "torn.png")]
    assert ("Looking at the pictures", 82, 82) in result
    lines = summarise_check(found)
    assert lines[0] == "82 pictures in 81 groups."
    assert lines[1] == "Read as table manifest.csv: 82 pictures."
    assert found.to_json()["read"]["counts"]["cal"] == {"good": 13, "scratched": 13}
    assert lines[-1].split() == ["scratched", "14", "13", "14"]


def test_copies_count_once_in_what_could_be_certified(tmp_path, settings):
    rng = np.random.default_rng(7)
    for label in ("good", "scratched"):
        (tmp_path / label).mkdir()
        for number in range(6):
            grain = cv2.resize(rng.normal(120, 40, (24, 24)), (SIDE, SIDE))
            plate = np.clip(grain, 0, 255).astype(np.uint8)
            for name, again in (("a", plate), ("b", plate[:, ::-1]), ("c", plate[::-1])):
                cv2.imwrite(str(tmp_path / label / f"{number}{name}.png"), again)
    found = check("parts", tmp_path, settings)
    assert (found.pictures, found.groups) == (36, 12)
    assert any(
        "the whole set, of which cal takes a part, has 6." in a.sentence for a in found.alarms
    )


def test_what_could_be_certified_is_counted_where_training_takes_cal_from(tmp_path, settings):
    rng = np.random.default_rng(8)
    for split, count in (("train", 4), ("test", 5)):
        for label in ("good", "scratched"):
            (tmp_path / split / label).mkdir(parents=True)
            for number in range(count):
                grain = rng.normal(120, 40, (SIDE, SIDE)).clip(0, 255).astype(np.uint8)
                cv2.imwrite(str(tmp_path / split / label / f"{number}.png"), grain)
    sentences = [alarm.sentence for alarm in check("parts", tmp_path, settings).alarms]
    has = "the split train, of which cal takes a part, has 4."
    assert sum(has in sentence for sentence in sentences) == 2


def test_the_command_prints_one_json_object_and_ends_well_with_alarms(plates, monkeypatch):
    monkeypatch.setenv("ASSAY_HOME", str(plates / "home"))
    answer = CliRunner().invoke(admin.data, ["check", "parts", str(plates), "--json"])
    assert answer.exit_code == 0
    result = json.loads(answer.stdout)
    assert result["schema"] == "assay.check/1"
    assert result["balance"]["good"] == {"train": 15, "cal": 13, "test": 13}
    words = CliRunner().invoke(admin.data, ["check", "parts", str(plates)])
    assert all(alarm["sentence"] in words.stdout for alarm in result["alarms"])


def test_the_labels_named_on_the_command_line_are_the_negative_ones(plates, settings):
    found = check("parts", plates, settings, negative=frozenset({"nothing"}))
    assert "--negative" in " ".join(alarm.sentence for alarm in found.alarms)
    assert "shortcut" not in kinds(found, *Level)


def test_a_data_set_that_cannot_be_read_as_one_is_an_error(tmp_path, settings):
    with pytest.raises(DataError, match="no labelled data"):
        check("parts", tmp_path / "nothing", settings)


def a_part_of(source: Path, folder: Path, keep_row) -> Path:
    """Copy the rows of a manifest that are wanted, with their pictures."""
    with (source / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if keep_row(row)]
    for row in rows:
        (folder / row["file"]).parent.mkdir(parents=True, exist_ok=True)
        (folder / row["file"]).write_bytes((source / row["file"]).read_bytes())
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def shortcuts(found):
    return {
        (alarm.figures["nuisance"], one["where"])
        for alarm in found.alarms
        if alarm.kind == "shortcut"
        for one in alarm.figures["found"]
    }


LIGHT, BORDER = "brightness, contrast and colour", "the border of the picture"


@pytest.mark.shared
def test_the_light_on_the_ball_screw_and_the_toy_is_found(shared_data, settings):
    for name in ("ball_screw", "toy_figure"):
        found = check("parts", shared_data / "parts" / name, settings)
        assert (LIGHT, "") in shortcuts(found)
        # Two photographs of one broken figure lie in two splits of the toy figures.
        assert ("leak" in kinds(found, *Level)) is (name == "toy_figure")


@pytest.mark.shared
def test_tiles_and_screws_have_no_shortcut_and_are_not_taken_for_copies(shared_data, settings):
    for name in ("magnetic_tile", "screw_block"):
        found = check("parts", shared_data / "parts" / name, settings)
        assert not shortcuts(found)
        # All screws sit in one block of wood: the same four in the same state, taken again from
        # another place, with splits between them.
        leaks = [a.figures["pictures"] for a in found.alarms if a.kind == "leak"]
        assert leaks == ([36] if name == "screw_block" else [])
        copies = [a.figures["pictures"] for a in found.alarms if a.kind == "duplicate"]
        assert sum(copies) <= (0.04 if name == "screw_block" else 0.02) * found.pictures


@pytest.mark.shared
def test_leaf_colour_and_backgrounds_are_found_within_each_crop(shared_data, settings, tmp_path):
    wanted = {("rice", "bench"), ("tomato", "lab")}
    part = a_part_of(
        shared_data / "crops", tmp_path, lambda row: (row["crop"], row["site"]) in wanted
    )
    found = shortcuts(check("crops", part, settings))
    assert {where for name, where in found if name == BORDER} >= {"crop=rice", "site=lab"}
    assert {where for name, where in found if name == LIGHT} >= {"crop=rice", "site=lab"}


@pytest.mark.shared
def test_the_patient_number_of_a_held_out_hospital_is_found(shared_data, settings, tmp_path):
    part = a_part_of(shared_data / "xray", tmp_path, lambda row: row["split"].startswith("ext"))
    found = shortcuts(check("xray", part, settings))
    assert ("the number in the group's name", "") in found
