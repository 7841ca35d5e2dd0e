import json
import pkgutil
import subprocess
from io import BytesIO

import cv2
import numpy as np
import pydicom
import pytest

from domains.xray.demo.ct.detector import WHITE
from domains.xray.demo.ct.dx_objects import MARK, Label, digital_xray
from tests.xray_phantom import SMALL, phantom_dx, phantom_pixels, phantom_study


def read(encoded):
    return pydicom.dcmread(BytesIO(encoded))


def run(*words):
    return subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False)


def test_the_pixels_and_their_depth_come_back_as_they_were():
    data = read(phantom_dx(4, "effusion"))
    assert np.array_equal(data.pixel_array, phantom_pixels(phantom_study(4, "effusion")))
    assert (data.BitsStored, data.HighBit, data.PixelRepresentation) == (12, 11, 0)
    assert [float(x) for x in data.ImagerPixelSpacing] == [SMALL.pitch_mm] * 2


def test_every_object_says_that_it_was_computed():
    for projection in ("PA", "AP", "LL"):
        data = read(phantom_dx(projection=projection))
        assert list(data.ImageType)[:2] == ["DERIVED", "SECONDARY"]
        assert data.StudyDescription == data.SeriesDescription == MARK
        assert "never evidence" in data.DerivationDescription
        assert str(data.PatientName).startswith("COMPUTED^")
        assert data.BurnedInAnnotation == "NO"
        assert data.ViewPosition == projection


@pytest.mark.parametrize("projection", ["PA", "AP", "LL"])
def test_nothing_that_the_standard_requires_of_a_digital_x_ray_is_missing(projection):
    standard = {
        name: json.loads(pkgutil.get_data("highdicom", f"_standard/{name}.json"))
        for name in ("iod_module_map", "module_attribute_map")
    }
    data = read(phantom_dx(projection=projection))
    needed = [
        (attribute["keyword"], attribute["type"])
        for module in standard["iod_module_map"]["digital-x-ray-image"]
        if module["usage"] == "M"
        for attribute in standard["module_attribute_map"][module["key"]]
        if not attribute["path"] and attribute["type"] in ("1", "2")
    ]
    assert len(needed) > 40
    missing = {word for word, _ in needed if word not in data}
    empty = {word for word, kind in needed if kind == "1" and data.get(word, "") in ("", None)}
    assert (missing, empty) == (set(), set())


def test_dcmtk_reads_it_without_a_warning_and_shows_the_same_picture(tmp_path):
    file, shown = tmp_path / "one.dcm", tmp_path / "one.png"
    file.write_bytes(phantom_dx(2, "opacity", priority="STAT"))
    dumped = run("dcmdump", "+L", file)
    assert (dumped.returncode, dumped.stderr) == (0, "")
    assert "DigitalXRayImageStorageForPresentation" in dumped.stdout
    assert "[STAT]" in dumped.stdout
    drawn = run("dcm2pnm", "--write-png", "--use-window", "1", file, shown)
    assert (drawn.returncode, drawn.stderr) == (0, "")
    eight = cv2.imread(str(shown), cv2.IMREAD_GRAYSCALE).astype(float)
    twelve = phantom_pixels(phantom_study(2, "opacity")) / WHITE * 255
    assert np.abs(eight - twelve).max() <= 1


def test_the_same_label_gives_the_same_names_and_another_gives_others():
    labels = [Label("0", 1), Label("0", 1), Label("0", 2), Label("1", 1)]
    studies = [label.study_uid for label in labels]
    assert studies[0] == studies[1]
    assert len(set(studies)) == 3
    second = Label("0", 1, image=2)
    assert second.study_uid == studies[0]
    assert second.sop_uid != labels[0].sop_uid
    assert all(pydicom.uid.UID(uid).is_valid for uid in [*studies, second.sop_uid])


def test_a_routine_study_states_no_priority():
    pixels = phantom_pixels(phantom_study())
    assert "RequestedProcedurePriority" not in read(digital_xray(pixels, 1.0, Label("0", 1)))
