import csv
import os
import struct
import subprocess
import sys
import time
from io import BytesIO

import cv2
import highdicom
import numpy as np
import psutil
import pytest
from openjpeg.utils import encode_array
from pydicom import Dataset, dcmread
from pydicom.config import disable_value_validation
from pydicom.encaps import encapsulate
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
)

from core.errors import UnreadableImage
from core.imaging.files import open_file, received
from core.imaging.sandbox import Sandbox
from core.settings import Settings
from core.types import Prepared, Unreadable
from domains.xray.decoding.reader import prepare, read
from domains.xray.decoding.streams import describe
from tests.domains.xray.radiographs import CANARY, a_chest, an_object, encodings, part10

PIXELS = 10**8
ENTRY = "domains.xray:pack"

# What each of the shared files ends as: the checks that fail, or what its sentence says.
ENDS = {
    "chest_cr_jpegbaseline_mono2_8bit.dcm": set(),
    "chest_cr_mono1_tag_wrong.dcm": {"inverted"},
    "chest_cr_jpeg2000_mono1_15bit.dcm": set(),
    "chest_cr_jpegls_nearlossless_mono1_15bit.dcm": set(),
    "chest_cr_uncompressed_mono1_10bit.dcm": set(),
    "chest_dx_implicit_8bit_ok.dcm": set(),
    "chest_dx_wrong_bodypart_ribcage.dcm": {"body part"},
    "chest_ct_modality_wrong.dcm": {"modality"},
    "chest_dx_position_odd.dcm": {"view"},
    "hip_cr_jpeg2000_10bit.dcm": {"body part"},
    "leg_cr_jpegls_lossless_mono1.dcm": {"body part"},
    "leg_cr_jpeglossless_sv1_mono1.dcm": {"body part"},
    "leg_cr_jpeg2000_lossless_mono1.dcm": {"body part"},
    "leg_cr_jpegextended12_malformed.dcm": "JPEG Extended of 12 bits is not read",
    "ct_chest_jpeglossless_sv1.dcm": {"modality"},
    "ct_jpeg_lossless_p14_57.dcm": {"modality"},
    "ct_jpeg_extended12_51.dcm": "JPEG Extended of 12 bits is not read",
    "ct_jpeg_progressive_55_unsupported.dcm": "got JPEG Full Progression",
    "ct_rle.dcm": {"modality"},
    "ct_deflated.dcm": "got Deflated Explicit VR Little Endian",
    "ct_fragmented_2frame_jpeg51.dcm": "JPEG Extended of 12 bits is not read",
    "us_htj2k_lossless_rgb.dcm": {"photometric", "colour"},
    "us_jpeg_30frames_ybr.dcm": {"modality", "frames", "photometric"},
    "us_palette_color.dcm": {"modality", "photometric"},
    "mr_multiframe_rle.dcm": {"modality", "body part", "frames", "size"},
    "mr_multiframe_j2k_too_short.dcm": "The DICOM file is cut short",
    "mr_bigendian.dcm": {"modality", "size"},
    "mr_pixels_truncated.dcm": "cut short: expected 8192 bytes, got 8130",
    "ct_no_preamble.dcm": "neither a DICOM file nor a picture",
    "meta_missing_tsyntax.dcm": "does not say how it is encoded",
    "j2k_embedded_delimiter.dcm": "contradicts itself",
    "j2k_pixelrep_mismatch.dcm": {"modality", "body part"},
    "bad_vr_frames_1A.dcm": "whole numbers above 0 in NumberOfFrames",
    "sr_no_pixels.dcm": "holds no pixels",
    "rtplan_truncated.dcm": "holds no pixels",
    "ecg_waveform.dcm": "holds no pixels",
    "voi_lut_8bit.dcm": {"modality"},
    "html_saved_as.dcm": "neither a DICOM file nor a picture",
}


def shown(file: bytes) -> np.ndarray:
    """Give the display values, ``h w``, from 0 to 1."""
    frame = read(file, PIXELS, 224)
    assert frame.pixels.dtype == np.uint16
    assert frame.bit_depth == 16
    return frame.pixels[:, :, 0] / 65_535


def decoder_pids() -> set[int]:
    children = psutil.Process().children(recursive=True)
    return {child.pid for child in children if "core.imaging.child" in child.cmdline()}


@pytest.mark.shared
def test_each_shared_file_ends_as_it_should_and_one_process_survives_them_all(shared_data):
    folder = shared_data / "xray" / "dicom"
    with (folder / "expected.csv").open(newline="") as table:
        names = [row["file"] for row in csv.DictReader(table)]
    assert set(names) == set(ENDS)

    others = decoder_pids()
    with Sandbox(ENTRY, 224, Settings()) as sandbox:
        samples = sandbox.samples(open_file(folder / name, PIXELS) for name in names)
        frames = {names[0]: next(samples).frame}
        before = decoder_pids() - others
        frames |= {name: sample.frame for name, sample in zip(names[1:], samples, strict=True)}
        assert decoder_pids() - others == before
        assert len(before) == 1

    for name, end in ENDS.items():
        frame = frames[name]
        if isinstance(end, str):
            assert isinstance(frame, Unreadable), name
            assert end in frame.message, name
        else:
            assert isinstance(frame, Prepared), (name, frame)
            checks = {finding.check for finding in frame.findings}
            assert checks >= end, name
            assert bool(checks) == bool(end), (name, checks)


@pytest.mark.shared
def test_copies_of_one_radiograph_in_other_encodings_look_the_same(shared_data):
    folder = shared_data / "xray" / "dicom"
    legs = [shown(path.read_bytes()) for path in sorted(folder.glob("leg_cr_*lossless*.dcm"))]
    lossy, near = (
        shown((folder / f"chest_cr_{name}.dcm").read_bytes())
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

    pictures = {name: shown(file) for name, file in files.items()}

    assert len(pictures) == 7
    np.testing.assert_allclose(pictures["RLE"], chest / (2**bits - 1), atol=1 / 4095)
    for name, picture in pictures.items():
        np.testing.assert_array_equal(picture, pictures["RLE"], err_msg=name)


def test_the_prepared_picture_and_its_measures_do_not_depend_on_the_encoding():
    ready = [prepare(read(file, PIXELS, 224), 224) for file in encodings(a_chest()).values()]

    assert len({(one.pixels.tobytes(), tuple(one.measures.items())) for one in ready}) == 1
    assert all(one.findings == () for one in ready)


@pytest.mark.parametrize("bits", [8, 9, 10, 11, 12, 13, 14, 15, 16])
def test_without_a_window_the_stored_bits_span_black_to_white(bits):
    ramp = np.linspace(0, 2**bits - 1, 256 * 256).round().reshape(256, 256).astype(np.uint16)

    frame = read(part10(an_object(ramp, bits)), PIXELS, 224)

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

    upright = shown(part10(an_object(chest, WindowCenter=1800, **window)))
    turned = shown(part10(an_object(4095 - chest, WindowCenter=4095 - 1800, **window, **inverse)))

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

    np.testing.assert_allclose(shown(file), theirs, atol=1 / 65_535)


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
    np.testing.assert_allclose(shown(file), (theirs - black) / (4095 * slope), atol=1 / 65_535)


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

    np.testing.assert_allclose(shown(file), roots / 4095, atol=1 / 65_535)


def test_bits_that_are_not_stored_do_not_count():
    chest = a_chest()
    noise = np.random.default_rng(0).integers(0, 16, chest.shape, np.uint16)

    above = an_object(chest | noise << 12)
    below = an_object(chest << 4 | noise, HighBit=15)

    expected = shown(part10(an_object(chest)))
    np.testing.assert_array_equal(shown(part10(above)), expected)
    np.testing.assert_array_equal(shown(part10(below)), expected)


def test_sixteen_bits_reach_the_network_s_square_unharmed():
    rng = np.random.default_rng(0)
    faint = rng.integers(30_000, 30_257, (448, 448), np.uint16)  # one grey level out of 256

    ready = prepare(read(part10(an_object(faint, 16)), PIXELS, 224), 224)

    averages = cv2.resize(faint.astype(np.float32), (224, 224), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(ready.pixels[:, :, 0], np.round(averages / 257))
    assert len(np.unique(ready.pixels)) > 1


def test_the_header_is_kept_as_plain_text_and_the_study_is_the_group():
    dataset = an_object(
        a_chest(),
        PixelSpacing=[0.139, 0.14],
        RequestedProcedurePriority="STAT",
        BurnedInAnnotation="YES",
        StudyDescription=None,
    )
    with disable_value_validation():
        dataset.StationName = "A\x1bB\nC"
        dataset.StudyDescription = "x" * 500
        file = part10(dataset)

    frame = read(file, PIXELS, 224)

    assert frame.group == "1.2.3.4"
    assert frame.stated == {"age_years": 45.0}
    assert frame.findings == ()
    assert frame.meta["patient_name"] == f"{CANARY}^NAME"
    assert frame.meta["station"].isprintable()
    assert frame.meta["study_description"] == "x" * 128
    assert frame.meta["spacing_mm"] == "0.139 x 0.14"
    assert frame.meta["priority"] == "STAT"
    assert frame.meta["burned_in"] == "YES"
    assert frame.meta["transfer_syntax"] == ExplicitVRLittleEndian
    assert "" not in frame.meta.values()


def test_an_overlay_is_noted_and_not_drawn():
    plain, laid_over = an_object(a_chest()), an_object(a_chest())
    laid_over.add_new((0x6000, 0x0010), "US", 256)
    laid_over.add_new((0x6000, 0x3000), "OW", b"\xff" * (256 * 256 // 8))

    np.testing.assert_array_equal(shown(part10(laid_over)), shown(part10(plain)))
    assert read(part10(laid_over), PIXELS, 224).meta["overlays"] == "1"


def test_a_huge_size_is_refused_before_anything_is_decoded():
    dataset = an_object(a_chest(), Rows=60_000, Columns=60_000)

    with pytest.raises(UnreadableImage, match="too large: expected at most 64000000 pixels"):
        read(part10(dataset), 64_000_000, 224)


def test_a_stream_that_is_larger_than_its_header_says_is_refused():
    dataset = an_object(a_chest(side=64))
    stream = bytearray(encode_array(a_chest(side=64), bits_stored=12, photometric_interpretation=2))
    stream[8:16] = struct.pack(">II", 60_000, 60_000)
    dataset.PixelData = encapsulate([bytes(stream)])

    with pytest.raises(UnreadableImage, match="its data \\(60000, 60000, 1\\)"):
        read(part10(dataset, JPEG2000Lossless), PIXELS, 224)


def test_a_deflated_data_set_is_refused_without_inflating_it():
    dataset = an_object(np.zeros((4096, 4096), np.uint16))
    bomb = part10(dataset, DeflatedExplicitVRLittleEndian)
    assert len(bomb) < 100_000

    cut = bomb[:400]  # what was inflated would be found to be cut short

    for file in (bomb, cut):
        with pytest.raises(UnreadableImage, match="got Deflated Explicit VR Little Endian"):
            read(file, PIXELS, 224)


@pytest.mark.parametrize("cut", [200, 400, 900, 5000])
def test_a_file_that_is_cut_short_has_a_sentence_and_no_value_in_it(cut):
    for name, file in encodings(a_chest(side=64)).items():
        with pytest.raises(UnreadableImage) as caught:
            read(file[:cut], PIXELS, 224)
        assert CANARY not in str(caught.value), name
        assert caught.value.__cause__ is None


def test_a_data_set_without_a_file_header_is_named_as_such():
    whole = part10(an_object(a_chest(side=64)))
    start = whole.index(b"\x08\x00\x16\x00")

    for data in (whole[start:], whole[132:]):
        with pytest.raises(UnreadableImage, match="without the header of a DICOM file"):
            read(data, PIXELS, 224)


def test_text_that_is_no_picture_is_not_quoted():
    with pytest.raises(UnreadableImage) as caught:
        read(f"{CANARY}, Jane; 1961".encode() * 20, PIXELS, 224)

    assert CANARY not in str(caught.value)


def test_a_picture_file_is_read_beside_dicom():
    ok, png = cv2.imencode(".png", a_chest(bits=16))
    assert ok

    frame = read(png.tobytes(), PIXELS, 224)

    np.testing.assert_array_equal(frame.pixels[:, :, 0], a_chest(bits=16))
    assert frame.meta == {"format": "PNG"}


def test_the_size_of_a_codestream_is_read_from_its_header():
    ok, jpeg = cv2.imencode(".jpg", a_chest(bits=8).astype(np.uint8)[:100])
    assert ok
    j2k = encode_array(a_chest(side=80)[:48], bits_stored=12, photometric_interpretation=2)

    for stream, expected in ((jpeg.tobytes(), (100, 256, 1, 8)), (j2k, (48, 80, 1, 12))):
        found = describe(stream)
        assert (found.rows, found.columns, found.samples, found.bits) == expected
        for cut in (2, 20, len(stream) - 2):
            with pytest.raises(ValueError, match=r"cut short|missing|no codestream|no frame"):
                describe(stream[:cut])


def test_pydicom_is_imported_only_when_a_dicom_file_comes():
    code = (
        "import sys, domains.xray as x, cv2, numpy as np\n"
        "png = cv2.imencode('.png', np.eye(64, dtype=np.uint8))[1].tobytes()\n"
        "x.pack.prepare(x.pack.read(png, 10**8, 32), 32)\n"
        "print(sorted({n.split('.')[0] for n in sys.modules} & {'pydicom', 'gdcm', 'openjpeg'}))"
    )

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


@pytest.mark.slow
def test_mutated_files_leave_the_parent_alive_and_say_nothing_of_the_patient():
    seconds = float(os.environ.get("FUZZ_SECONDS", "5"))
    rng = np.random.default_rng(20261121)
    seeds = list(encodings(a_chest(side=64), WindowCenter=2000, WindowWidth=3000).values())
    deadline = time.monotonic() + seconds
    outcomes = {Prepared: 0, Unreadable: 0}

    def mutated():
        while time.monotonic() < deadline:
            file = bytearray(seeds[rng.integers(len(seeds))])
            end = min(len(file), int(10 ** rng.uniform(2.2, 5)))  # mostly in the header
            for _ in range(rng.integers(1, 12)):
                file[rng.integers(128, end)] = rng.integers(256)
            yield received("mutated", bytes(file[: rng.integers(end, len(file) + 1)]))

    with Sandbox(ENTRY, 224, Settings(decode_timeout_s=20)) as sandbox:
        for sample in sandbox.samples(mutated()):
            outcomes[type(sample.frame)] += 1
            if isinstance(sample.frame, Unreadable):
                found = [sample.frame.message]
            else:
                found = [f.detail for f in sample.frame.findings]
            assert not [text for text in found if CANARY in text.upper()]
        (last,) = sandbox.samples([received("good", seeds[0])])

    assert isinstance(last.frame, Prepared)
    assert min(outcomes.values()) > 0
