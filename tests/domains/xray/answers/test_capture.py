"""Captures, decoded by other code than those that drew them."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from io import BytesIO

import cv2
import numpy as np
from pydicom import dcmread

from core.imaging.overlay import DENSEST_WARM, WARM
from core.types import Disposition, Finding, Reason
from domains.xray.answers.answer import JudgedImage
from domains.xray.answers.capture import capture, render
from domains.xray.answers.objects import NOTICE, encode
from tests.domains.xray.answers.answers import (
    NAMES,
    a_decision,
    a_source,
    an_answer,
    an_explanation,
)

GREY = 100
IMAGE = JudgedImage(1, a_decision(), a_source())


def written(image: JudgedImage = IMAGE, **tags: str) -> bytes:
    study = a_source(**tags)
    answer = an_answer(replace(image, source=study), study=study)
    return encode(capture(answer, answer.images[0], an_explanation(), NAMES))


def test_the_picture_stands_on_the_left_and_the_heat_map_over_it_on_the_right():
    pixels = dcmread(BytesIO(written())).pixel_array
    # 900 x 700 shown 720 pixels high is 560 wide; 8 pixels lie between the two.
    left, right = pixels[:720, :560], pixels[:720, 568:1128]
    assert (left == GREY).all()
    warm = GREY * (1 - DENSEST_WARM) + WARM * DENSEST_WARM
    assert np.abs(right[150:200, 100:180] - warm).max() <= 1
    assert (right[400:, 300:] == GREY).all()


def test_dcmtk_decodes_the_same_pixels(dcmtk, tmp_path):
    (tmp_path / "capture.dcm").write_bytes(written())
    command = ["dcm2pnm", str(tmp_path / "capture.dcm"), str(tmp_path / "capture.ppm")]
    done = subprocess.run(command, capture_output=True, check=True)
    assert done.stderr == b""
    picture = cv2.imread(str(tmp_path / "capture.ppm"))[:, :, ::-1]
    assert (picture == dcmread(tmp_path / "capture.dcm").pixel_array).all()


def test_a_capture_says_what_it_is_and_where_it_comes_from():
    dataset = dcmread(BytesIO(written(LossyImageCompression="01")))
    assert dataset.BurnedInAnnotation == "YES"
    assert dataset.ImageType[:2] == ["DERIVED", "SECONDARY"]
    assert NOTICE in dataset.DerivationDescription
    assert len(dataset.DerivationDescription) <= 1024
    assert dataset.StudyInstanceUID == "1.2.3.4"
    assert dataset.SourceImageSequence[0].ReferencedSOPInstanceUID == "1.2.3.4.1"
    assert dataset.LossyImageCompression == "01"
    assert "LossyImageCompression" not in dcmread(BytesIO(written()))
    assert len(dataset.PixelData) == dataset.Rows * dataset.Columns * 3


def test_the_words_below_depend_on_the_verdict_and_on_nothing_of_the_patient():
    one = dcmread(BytesIO(written())).pixel_array
    other = dcmread(BytesIO(written(PatientName="Somebody^Else", PatientID="X"))).pixel_array
    assert (one == other).all()
    negative = replace(IMAGE, decision=a_decision(p=0.01, disposition=Disposition.NEGATIVE))
    assert (one[720:] != dcmread(BytesIO(written(negative))).pixel_array[720:]).any()


def test_all_words_are_within_the_picture_however_narrow_it_is():
    long = Finding(Reason.WRONG_INPUT, "a lateral view of something else " * 9)
    image = JudgedImage(1, a_decision("a", None, Disposition.DEFER, *[long] * 3), a_source())
    pixels = render(image, an_explanation((2000, 300)))
    assert pixels.shape[1] >= 640
    words = pixels[720:]
    assert words.max() == 255
    assert not words[:, -8:].any()
    assert not words[-8:].any()
    assert not words[:, :8].any()


def test_a_capture_made_again_is_the_same_whatever_joins_the_case():
    second = JudgedImage(2, a_decision("c", minute=5), a_source(2, PatientName="Doe^J"))
    joined = an_answer(IMAGE, second, version=2, predecessor="2.25.1")
    again = capture(joined, IMAGE, an_explanation(), NAMES)
    assert encode(again) == written()
    assert NAMES.capture(joined, second) != NAMES.capture(joined, IMAGE)
