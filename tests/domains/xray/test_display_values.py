"""Stored values become display values: encodings, polarity, windows and tables."""

from io import BytesIO

import cv2
import highdicom
import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

from domains.xray.decoding.reader import prepare, read
from tests.domains.xray.radiographs import (
    MAX_PIXELS,
    a_chest,
    an_object,
    display_values,
    encodings,
    part10,
)


@pytest.mark.shared
def test_copies_of_one_radiograph_in_other_encodings_look_the_same(shared_data):
    folder = shared_data / "xray" / "dicom"
    legs = [
        display_values(path.read_bytes()) for path in sorted(folder.glob("leg_cr_*lossless*.dcm"))
    ]
    lossy, near = (
        display_values((folder / f"chest_cr_{name}.dcm").read_bytes())
        for name in ("jpeg2000_mono1_15bit", "jpegls_nearlossless_mono1_15bit")
    )

    assert len(legs) == 3
    np.testing.assert_array_equal(legs[0], legs[1])
    np.testing.assert_array_equal(legs[0], legs[2])
    # Stored values differ by up to 401 of a window of 30,000.
    assert np.abs(lossy - near).max() <= 402 / 29_999


@pytest.mark.parametrize(("bits", "signed"), [(8, False), (12, False), (16, False), (12, True)])
def test_one_phantom_in_every_encoding_is_the_same_picture(bits, signed):
    chest = a_chest(bits=bits)
    chest = chest.astype(np.uint8) if bits == 8 else chest
    stored = (chest - 2.0 ** (bits - 1)).astype(np.int16) if signed else chest
    files = encodings(
        stored, bits, WindowCenter=0 if signed else 2 ** (bits - 1), WindowWidth=2**bits
    )

    pictures = {name: display_values(file) for name, file in files.items()}

    assert len(pictures) == 7
    np.testing.assert_allclose(pictures["RLE"], chest / (2**bits - 1), atol=1 / 4095)
    for name, picture in pictures.items():
        np.testing.assert_array_equal(picture, pictures["RLE"], err_msg=name)


def test_the_prepared_picture_and_its_measures_do_not_depend_on_the_encoding():
    ready = [prepare(read(file, MAX_PIXELS, 224), 224) for file in encodings(a_chest()).values()]

    assert len({(one.pixels.tobytes(), tuple(one.measures.items())) for one in ready}) == 1
    assert all(one.findings == () for one in ready)


@pytest.mark.parametrize("bits", [8, 9, 10, 11, 12, 13, 14, 15, 16])
def test_without_a_window_the_stored_bits_span_black_to_white(bits):
    ramp = np.linspace(0, 2**bits - 1, 256 * 256).round().reshape(256, 256).astype(np.uint16)

    frame = read(part10(an_object(ramp, bits)), MAX_PIXELS, 224)

    np.testing.assert_allclose(frame.pixels[:, :, 0] / 65_535, ramp / (2**bits - 1), atol=1e-5)
    assert frame.meta["window"] == "none: full range of the stored bits"


@pytest.mark.parametrize(
    "inverse",
    [
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"},
        {"PresentationLUTShape": "INVERSE"},
    ],
)
def test_monochrome1_of_the_negative_shows_what_monochrome2_shows(inverse):
    chest = a_chest()
    window = {"WindowWidth": 3000, "VOILUTFunction": "LINEAR_EXACT"}

    upright = display_values(part10(an_object(chest, WindowCenter=1800, **window)))
    turned = display_values(
        part10(an_object(4095 - chest, WindowCenter=4095 - 1800, **window, **inverse))
    )

    np.testing.assert_allclose(turned, upright, atol=1.01 / 65_535)


WINDOWS = {
    "linear": {"WindowCenter": 1000, "WindowWidth": 1500},
    "step": {"WindowCenter": 1000, "WindowWidth": 1},
    "first of two": {"WindowCenter": [700, 100], "WindowWidth": [900, 50]},
    "exact": {"WindowCenter": 900.5, "WindowWidth": 1100, "VOILUTFunction": "LINEAR_EXACT"},
    "sigmoid": {"WindowCenter": 900, "WindowWidth": 700, "VOILUTFunction": "SIGMOID"},
}


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("intercept", [None, "-900"])
@pytest.mark.parametrize("window", ["linear", "first of two", "exact", "sigmoid", "table"])
def test_windows_agree_with_highdicom(window, intercept, signed, photometric):
    first = -300 if signed or intercept else 200
    tags = WINDOWS.get(window) or {"VOILUTSequence": [a_lut(900, first, 16)]}
    if intercept:
        tags = {**tags, "RescaleSlope": "1", "RescaleIntercept": intercept}
    file = part10(an_object(half_range(signed), PhotometricInterpretation=photometric, **tags))

    theirs = highdicom.Image.from_dataset(dcmread(BytesIO(file))).get_frame(
        1, apply_voi_transform=True, apply_presentation_lut=True
    )

    np.testing.assert_allclose(display_values(file), theirs, atol=1 / 65_535)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("window", WINDOWS)
def test_a_window_after_a_rescale_agrees_with_pydicom(window, signed):
    # highdicom folds the slope into the window's width, which is off by up to 0.0005 then.
    slope, intercept, lowest = 1.7, -900.0, -2048 if signed else 0
    dataset = an_object(
        half_range(signed), RescaleSlope=slope, RescaleIntercept=intercept, **WINDOWS[window]
    )
    file = part10(dataset)

    theirs = apply_voi_lut(apply_modality_lut(half_range(signed), dataset), dataset)

    black = lowest * slope + intercept
    np.testing.assert_allclose(
        display_values(file), (theirs - black) / (4095 * slope), atol=1 / 65_535
    )


def half_range(signed: bool) -> np.ndarray:
    chest = a_chest(side=64)
    return (chest - 2048.0).astype(np.int16) if signed else chest


def a_lut(length: int, first: int, bits: int) -> Dataset:
    """Draw a rising curve as a LUT item."""
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if first < 0 else "US", [length, first, bits])
    curve = np.sqrt(np.linspace(0, 1, length)) * (2**bits - 1)
    item.add_new("LUTData", "OW", curve.round().astype("<u2").tobytes())
    return item


def test_a_modality_table_comes_before_the_window():
    chest = a_chest()
    file = part10(
        an_object(
            chest, ModalityLUTSequence=[a_lut(4096, 0, 12)], WindowCenter=2048, WindowWidth=4096
        )
    )

    roots = np.round(np.sqrt(np.linspace(0, 1, 4096)) * 4095)[chest]

    np.testing.assert_allclose(display_values(file), roots / 4095, atol=1 / 65_535)


def test_bits_that_are_not_stored_do_not_count():
    chest = a_chest()
    noise = np.random.default_rng(0).integers(0, 16, chest.shape, np.uint16)

    above = an_object(chest | noise << 12)
    below = an_object(chest << 4 | noise, HighBit=15)

    expected = display_values(part10(an_object(chest)))
    np.testing.assert_array_equal(display_values(part10(above)), expected)
    np.testing.assert_array_equal(display_values(part10(below)), expected)


def test_sixteen_bits_reach_the_network_s_square_unharmed():
    rng = np.random.default_rng(0)
    faint = rng.integers(30_000, 30_257, (448, 448), np.uint16)  # one grey level out of 256

    ready = prepare(read(part10(an_object(faint, 16)), MAX_PIXELS, 224), 224)

    averages = cv2.resize(faint.astype(np.float32), (224, 224), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(ready.pixels[:, :, 0], np.round(averages / 257))
    assert len(np.unique(ready.pixels)) > 1


def test_an_overlay_is_noted_and_not_drawn():
    plain, laid_over = an_object(a_chest()), an_object(a_chest())
    laid_over.add_new((0x6000, 0x0010), "US", 256)
    laid_over.add_new((0x6000, 0x3000), "OW", b"\xff" * (256 * 256 // 8))

    np.testing.assert_array_equal(display_values(part10(laid_over)), display_values(part10(plain)))
    assert read(part10(laid_over), MAX_PIXELS, 224).meta["overlays"] == "1"
