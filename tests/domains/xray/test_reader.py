import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.decision.quality import learn_ranges, outside_ranges
from core.imaging import square
from core.imaging.sandbox import Sandbox
from core.imaging.zip_archive import incoming
from core.settings import Settings
from core.types import Frame, Reason, Unreadable
from domains.xray import pack
from domains.xray.decoding.reader import prepare
from tests.domains.xray.radiographs import a_chest as draw
from tests.domains.xray.radiographs import an_object, part10


def a_chest(seed: int = 0, side: int = 256) -> np.ndarray:
    """Draw two dark lungs beside a bright spine and heart, uint8 ``side side``."""
    rng = np.random.default_rng(seed)
    chest = np.full((side, side), 150, np.uint8)
    for x in (0.3, 0.72):
        cv2.ellipse(chest, (int(x * side), side // 2), (side // 7, side // 3), 0, 0, 360, 60, -1)
    cv2.circle(chest, (int(0.56 * side), int(0.6 * side)), side // 8, 190, -1)
    return np.clip(chest + rng.normal(0, 6, chest.shape), 0, 255).astype(np.uint8)


def a_frame(pixels: np.ndarray, bit_depth: int = 8) -> Frame:
    pixels = pixels if pixels.ndim == 3 else pixels[:, :, None]
    return Frame(pixels, bit_depth, "ab" * 32, pixels.shape[:2])


def test_grey_and_grey_stored_as_colour_are_the_same_radiograph():
    grey = a_chest()

    one, other = prepare(a_frame(grey), 224), prepare(a_frame(cv2.merge([grey] * 3)), 224)

    np.testing.assert_array_equal(one.pixels, other.pixels)
    np.testing.assert_array_equal(one.pixels[..., 0], one.pixels[..., 2])
    assert one.measures == other.measures
    assert one.findings == other.findings == ()


def test_sixteen_bits_keep_their_whole_range():
    deep = a_chest(side=224).astype(np.uint16) * 257

    np.testing.assert_array_equal(
        prepare(a_frame(deep, 16), 224).pixels, prepare(a_frame(a_chest(side=224)), 224).pixels
    )


def test_a_colour_photograph_is_not_a_radiograph():
    photo = np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8)

    (finding,) = prepare(a_frame(photo), 224).findings

    assert finding.reason is Reason.WRONG_INPUT
    assert finding.detail.startswith("not a radiograph: expected a grey picture")


def test_a_small_coloured_mark_is_turned_grey_and_does_no_harm():
    marked = cv2.merge([a_chest()] * 3)
    marked[5:45, 5:45] = (255, 200, 0)

    ready = prepare(a_frame(marked), 224)

    assert ready.findings == ()
    np.testing.assert_array_equal(ready.pixels[..., 0], ready.pixels[..., 1])


def test_the_middle_over_the_lungs_follows_its_definition():
    blocks = np.full((32, 32), 100, np.uint8)
    blocks[8:22, 14:18] = 220
    blocks[8:22, 6:12], blocks[8:22, 20:26] = 40, 60
    picture = np.kron(blocks, np.ones((7, 7), np.uint8))

    measures = prepare(a_frame(picture), 224).measures

    assert measures["middle over lungs"] == pytest.approx((220 - 50) / 255)


def test_an_inverted_radiograph_falls_out_of_what_the_upright_ones_look_like():
    chests = [prepare(a_frame(a_chest(seed)), 224).measures for seed in range(40)]
    ranges = learn_ranges({name: np.array([m[name] for m in chests]) for name in chests[0]})

    new = a_chest(41)
    details = [f.detail for f in outside_ranges(prepare(a_frame(255 - new), 224).measures, ranges)]

    assert outside_ranges(prepare(a_frame(new), 224).measures, ranges) == ()
    assert any(detail.startswith("middle over lungs") for detail in details)


def test_neither_the_shape_nor_the_size_of_the_source_is_a_matter_of_quality():
    small, wide = a_chest(side=224), cv2.resize(a_chest(side=224), (1000, 900))

    assert not set(prepare(a_frame(small), 224).measures) & set(square.SHAPE)
    assert prepare(a_frame(wide), 224).findings == ()


@pytest.mark.shared
def test_ordinary_pictures_of_the_same_hospital_pass_the_learned_quality_gate(shared_data):
    root = shared_data / "xray"
    with (root / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    measured = {
        split: [
            prepare(pack.read((root / row["file"]).read_bytes(), 10**8, 224), 224)
            for row in rows
            if row["split"] == split
        ][::step]
        for split, step in (("train", 2), ("cal", 1))
    }
    names = measured["train"][0].measures
    ranges = learn_ranges(
        {name: np.array([one.measures[name] for one in measured["train"]]) for name in names}
    )

    deferred = [
        bool(one.findings or outside_ranges(one.measures, ranges)) for one in measured["cal"]
    ]

    assert len(deferred) == 478
    assert np.mean(deferred) <= 0.02


def test_a_folder_of_dicom_files_with_and_without_a_suffix_is_read_whole(tmp_path):
    chest = draw(side=64)
    ok, png = cv2.imencode(".png", chest)
    files = {
        "IM0001": part10(an_object(chest)),
        "1.2.276.0.7230010": part10(an_object(chest)),
        "below/one.DCM": part10(an_object(chest, StudyInstanceUID="1.2.3.5")),
        "three.png": png.tobytes(),
        "notes.txt": b"no picture",
        ".hidden": b"no picture",
        "README": b"no picture either",
    }
    assert ok
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)

    with Sandbox("domains.xray:pack", 64, Settings()) as sandbox:
        samples = list(sandbox.samples(incoming([tmp_path], 10**7, pack.suffixes)))

    found = {Path(sample.id).name: sample for sample in samples}
    assert sorted(found) == ["1.2.276.0.7230010", "IM0001", "README", "one.DCM", "three.png"]
    assert isinstance(found["README"].frame, Unreadable)
    assert {name: found[name].frame.group for name in ("IM0001", "one.DCM", "three.png")} == {
        "IM0001": "1.2.3.4",
        "one.DCM": "1.2.3.5",
        "three.png": "",
    }
    assert found["IM0001"].frame.stated == {"age_years": 45.0}
    assert found["IM0001"].frame.meta["modality"] == "DX"
