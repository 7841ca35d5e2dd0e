"""DICOM files of all kinds, real, torn and hostile: what each ends as, and what is refused."""

import csv
import os
import struct
import subprocess
import sys
import time

import cv2
import numpy as np
import psutil
import pytest
from openjpeg.utils import encode_array
from pydicom.config import disable_value_validation
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
)

from core.errors import UnreadableImage
from core.imaging.attempt import attempt
from core.imaging.files import open_file, wrap_bytes
from core.imaging.sandbox import Sandbox
from core.settings import Settings
from core.types import Prepared, Unreadable
from domains.xray import pack
from domains.xray.decoding.reader import read
from domains.xray.decoding.streams import describe
from tests.domains.xray.radiographs import CANARY, MAX_PIXELS, a_chest, an_object, encodings, part10

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
        samples = sandbox.samples(open_file(folder / name, MAX_PIXELS) for name in names)
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


def test_the_camera_of_a_radiograph_is_a_column_and_is_watched_for_drift():
    dataset = an_object(
        a_chest(),
        Manufacturer="ACME",
        ManufacturerModelName="Flat 3",
        StationName="ROOM 2",
        DetectorID="D-17",
        DeviceSerialNumber="S-4711",
        OperatorsName="Somebody^Else",
    )
    prepared, _ = attempt(pack, part10(dataset), 64, MAX_PIXELS)
    assert isinstance(prepared, Prepared)
    assert prepared.meta["camera"] == prepared.traits["camera"] == "ACME Flat 3 ROOM 2 D-17"
    bare = an_object(a_chest(), Manufacturer="ACME\x1b\n", ManufacturerModelName="ACME")
    prepared, _ = attempt(pack, part10(bare), 64, MAX_PIXELS)
    assert prepared.meta["camera"] == "ACME"


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

    frame = read(file, MAX_PIXELS, 224)

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
        read(part10(dataset, JPEG2000Lossless), MAX_PIXELS, 224)


def test_a_deflated_data_set_is_refused_without_inflating_it():
    dataset = an_object(np.zeros((4096, 4096), np.uint16))
    bomb = part10(dataset, DeflatedExplicitVRLittleEndian)
    assert len(bomb) < 100_000

    cut = bomb[:400]  # what was inflated would be found to be cut short

    for file in (bomb, cut):
        with pytest.raises(UnreadableImage, match="got Deflated Explicit VR Little Endian"):
            read(file, MAX_PIXELS, 224)


@pytest.mark.parametrize("cut", [200, 400, 900, 5000])
def test_a_file_that_is_cut_short_has_a_sentence_and_no_value_in_it(cut):
    for name, file in encodings(a_chest(side=64)).items():
        with pytest.raises(UnreadableImage) as caught:
            read(file[:cut], MAX_PIXELS, 224)
        assert CANARY not in str(caught.value), name
        assert caught.value.__cause__ is None


def test_a_data_set_without_a_file_header_is_named_as_such():
    whole = part10(an_object(a_chest(side=64)))
    start = whole.index(b"\x08\x00\x16\x00")

    for data in (whole[start:], whole[132:]):
        with pytest.raises(UnreadableImage, match="without the header of a DICOM file"):
            read(data, MAX_PIXELS, 224)


def test_text_that_is_no_picture_is_not_quoted():
    with pytest.raises(UnreadableImage) as caught:
        read(f"{CANARY}, Jane; 1961".encode() * 20, MAX_PIXELS, 224)

    assert CANARY not in str(caught.value)


def test_a_picture_file_is_read_beside_dicom():
    ok, png = cv2.imencode(".png", a_chest(bits=16))
    assert ok

    frame = read(png.tobytes(), MAX_PIXELS, 224)

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
            yield wrap_bytes("mutated", bytes(file[: rng.integers(end, len(file) + 1)]))

    with Sandbox(ENTRY, 224, Settings(decode_timeout_s=20)) as sandbox:
        for sample in sandbox.samples(mutated()):
            outcomes[type(sample.frame)] += 1
            if isinstance(sample.frame, Unreadable):
                found = [sample.frame.message]
            else:
                found = [f.detail for f in sample.frame.findings]
            assert not [text for text in found if CANARY in text.upper()]
        (last,) = sandbox.samples([wrap_bytes("good", seeds[0])])

    assert isinstance(last.frame, Prepared)
    assert min(outcomes.values()) > 0
