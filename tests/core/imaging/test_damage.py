"""A damaged JPEG is refused, a whole one with a trailer is read; a BMP's unused byte is unused."""

import io
import struct
import time

import cv2
import numpy as np
import pytest
from PIL import Image

from core.errors import UnreadableImage
from core.imaging.decode import decode
from core.types import FURTHER

MOST = 10**7


@pytest.fixture(scope="module")
def picture():
    noise = np.random.default_rng(0).integers(0, 256, (61, 83, 3)).astype(np.uint8)
    return cv2.resize(noise, (640, 480), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="module")
def jpeg(picture):
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def _damaged(jpeg):
    half, foreign = len(jpeg) // 2, np.random.default_rng(1).integers(1, 255, 9000)
    return {
        "a lost block": jpeg[:half] + jpeg[half + 600 :],
        "zeros for a block": jpeg[:half] + bytes(512) + jpeg[half + 512 :],
        "a foreign tail": jpeg[:half] + foreign.astype(np.uint8).tobytes() + b"\xff\xd9",
        "cut, with an end": jpeg[:half] + b"\xff\xd9",
    }


@pytest.mark.parametrize("min_side", [0, 100])
@pytest.mark.parametrize(
    "what", ["a lost block", "zeros for a block", "a foreign tail", "cut, with an end"]
)
def test_a_jpeg_with_damaged_data_is_refused(jpeg, what, min_side):
    with pytest.raises(UnreadableImage, match="damaged or cut short"):
        decode(_damaged(jpeg)[what], MOST, min_side)


@pytest.mark.parametrize("options", [[], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]])
@pytest.mark.parametrize("min_side", [0, 60, 100, 200])
def test_a_whole_jpeg_is_what_opencv_decodes(picture, options, min_side):
    for image in (picture, picture[:, :, 0], picture[:477, :635]):
        data = cv2.imencode(".jpg", np.ascontiguousarray(image), options)[1].tobytes()
        factor = next(f for f in (8, 4, 2, 1) if f == 1 or image.shape[0] // f >= (min_side or 9e9))
        flags = {1: 1, 2: 17, 4: 33, 8: 65}[factor]
        expected = cv2.imdecode(np.frombuffer(data, np.uint8), flags)[:, :, ::-1]

        got = decode(data, MOST, min_side).pixels

        assert got.shape[2] == (1 if image.ndim == 2 else 3)
        np.testing.assert_array_equal(np.broadcast_to(got, expected.shape), expected)


def test_what_cameras_append_to_a_whole_jpeg_plays_no_part(picture, jpeg):
    whole = decode(jpeg, MOST, 0).pixels
    preview = cv2.imencode(".jpg", cv2.resize(picture, (160, 120)))[1].tobytes()
    trailers = {
        "a preview": jpeg + preview,
        "a vendor's block": jpeg + b"SEFH" + bytes(range(256)) + b"SEFT",
        "zeros": jpeg + bytes(4096),
        "fill before the end": jpeg[:-2] + bytes(100) + b"\xff\xd9",
    }
    for what, data in trailers.items():
        np.testing.assert_array_equal(decode(data, MOST, 0).pixels, whole, err_msg=what)


def _pillow(picture, *further, kind="JPEG", **options):
    first, *others = (Image.fromarray(one) for one in (picture, *further))
    file = io.BytesIO()
    frames = {"save_all": True, "append_images": others} if others else {}
    first.save(file, kind, **frames, **options)
    return file.getvalue()


@pytest.mark.parametrize("progressive", [False, True])
def test_two_jpegs_one_behind_the_other_are_refused(picture, progressive):
    one, other = (_pillow(two, progressive=progressive) for two in (picture, 255 - picture))
    for data in (one + other, one + other + other):
        with pytest.raises(UnreadableImage, match="two pictures, one behind the other"):
            decode(data, MOST, 0)
    assert FURTHER not in decode(one, MOST, 0).meta


def test_of_two_views_in_one_file_the_first_is_read_and_the_other_is_named(picture):
    data = _pillow(picture, 255 - picture, kind="MPO", quality=90)
    frame = decode(data, MOST, 0)
    with Image.open(io.BytesIO(data)) as expected:
        np.testing.assert_array_equal(frame.pixels, np.asarray(expected))
    assert frame.meta[FURTHER] == "not looked at"


def test_a_smaller_picture_that_a_jpeg_names_is_a_preview(picture):
    data = _pillow(picture, cv2.resize(picture, (320, 240)), kind="MPO")
    assert FURTHER not in decode(data, MOST, 0).meta


def test_a_tail_of_false_beginnings_costs_little(jpeg):
    began = time.process_time()
    decode(jpeg + b"\xff\xd8\xff\xe0" * 1_000_000, MOST, 0)
    assert time.process_time() - began < 3.0


def _bmp32(picture, fourth, masks, alpha=None):
    height, width = picture.shape[:2]
    size = 40 if alpha is None else 56
    extra = struct.pack("<III", 0xFF0000, 0xFF00, 0xFF) if masks else b""
    extra += b"" if alpha is None else struct.pack("<I", alpha)
    body = np.dstack([picture[::-1], np.full((height, width), fourth, np.uint8)]).tobytes()
    at = 54 + len(extra)
    kind = 3 if masks else 0
    head = struct.pack("<IiiHHIIiiII", size, width, height, 1, 32, kind, len(body), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", at + len(body), 0, 0, at) + head + extra + body


@pytest.mark.parametrize("fourth", [0, 37, 255])
@pytest.mark.parametrize(("masks", "alpha"), [(False, None), (True, None), (True, 0)])
def test_the_unused_fourth_byte_of_a_bmp_is_no_alpha(picture, fourth, masks, alpha):
    data = _bmp32(picture, fourth, masks, alpha)

    np.testing.assert_array_equal(decode(data, MOST, 0).pixels, picture[:, :, ::-1])


def test_the_alpha_of_a_bmp_that_names_it_counts(picture):
    pixels = decode(_bmp32(picture, 0, masks=True, alpha=0xFF000000), MOST, 0).pixels

    assert pixels.min() == 255


def test_a_colour_bmp_of_os2_keeps_its_colours(picture):
    height, width = picture.shape[:2]
    body = picture[::-1].tobytes()
    head = struct.pack("<IHHHH", 12, width, height, 1, 24)
    data = b"BM" + struct.pack("<IHHI", 26 + len(body), 0, 0, 26) + head + body

    np.testing.assert_array_equal(decode(data, MOST, 0).pixels, picture[:, :, ::-1])
