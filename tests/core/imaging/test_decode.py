import io

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from core.errors import UnreadableImage
from core.imaging.decode import decode
from tests.core.imaging.pictures import encoded, png_claiming, quadrants, smooth, stored

ALL = 10**8
RGB = quadrants()
RGB16 = RGB.astype(np.uint16) * 257
GREY = np.ascontiguousarray(RGB[..., 0])
EXACT = {
    "PNG": encoded(RGB, "PNG"),
    "PNG with a palette": encoded(Image.fromarray(RGB).quantize(4), "PNG"),
    "PNG with opaque alpha": encoded(Image.fromarray(RGB).convert("RGBA"), "PNG"),
    "BMP": encoded(RGB, "BMP"),
    "TIFF": encoded(RGB, "TIFF"),
    "TIFF, LZW": encoded(RGB, "TIFF", compression="tiff_lzw"),
    "TIFF, big-endian": encoded(RGB, "TIFF", big_endian=True),
    "TIFF, zip": encoded(RGB, "TIFF", compression="tiff_adobe_deflate"),
    "TIFF with opaque alpha": encoded(Image.fromarray(RGB).convert("RGBA"), "TIFF"),
    "WebP, lossless": encoded(RGB, "WEBP", lossless=True),
}


def a_tiff(pixels: np.ndarray, **options) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, pixels, **options)
    return stream.getvalue()


EXACT["TIFF, tiled"] = a_tiff(RGB, photometric="rgb", tile=(64, 64))


@pytest.mark.parametrize("name", EXACT)
def test_the_same_colours_come_out_of_every_lossless_format(name):
    frame = decode(EXACT[name], ALL, 0)

    np.testing.assert_array_equal(frame.pixels, RGB)
    assert frame.bit_depth == 8
    assert frame.source_size == (40, 64)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_formats_come_out_close_to_the_known_colours(kind):
    frame = decode(encoded(RGB, kind, quality=95), ALL, 0)

    assert np.abs(frame.pixels[4:16, 4:28] - np.int64([200, 30, 30])).max() <= 6
    assert np.abs(frame.pixels[24:36, 36:60] - np.int64([220, 220, 10])).max() <= 6


GREYS = {
    "PNG": encoded(GREY, "PNG"),
    "JPEG": encoded(GREY, "JPEG", quality=100),
    "TIFF": encoded(GREY, "TIFF"),
    "TIFF, white is zero": a_tiff(255 - GREY, photometric="miniswhite"),
    "BMP": encoded(GREY, "BMP"),
}


@pytest.mark.parametrize("name", GREYS)
def test_grey_pictures_stay_grey_with_one_channel(name):
    frame = decode(GREYS[name], ALL, 0)

    assert frame.pixels.shape == (40, 64, 1)
    np.testing.assert_allclose(frame.pixels[..., 0], GREY, atol=2)


SIXTEEN = {
    "PNG, grey": (encoded(RGB16[..., 0], "PNG"), RGB16[..., :1]),
    "TIFF, grey": (encoded(RGB16[..., 0], "TIFF"), RGB16[..., :1]),
    "PNG, RGB": (cv2.imencode(".png", RGB16[..., ::-1])[1].tobytes(), RGB16),
    "TIFF, RGB": (a_tiff(RGB16, photometric="rgb"), RGB16),
}


@pytest.mark.parametrize("name", SIXTEEN)
def test_sixteen_bits_survive(name):
    data, expected = SIXTEEN[name]

    frame = decode(data, ALL, 0)

    assert frame.bit_depth == 16
    np.testing.assert_array_equal(frame.pixels, expected)


def test_one_bit_becomes_black_and_white():
    bits = Image.fromarray(GREY).point(lambda v: 255 * (v > 100)).convert("1")

    for kind in ("PNG", "TIFF", "BMP"):
        pixels = decode(encoded(bits, kind), ALL, 0).pixels
        np.testing.assert_array_equal(pixels[..., 0], 255 * (GREY > 100))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparent_pixels_are_laid_on_white(kind):
    alpha = np.full((40, 64, 1), 255, np.uint8)
    alpha[:, :32] = 0
    alpha[:, 32:48] = 128
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    data = encoded(np.concatenate([RGB, alpha], axis=2), kind, **options)

    pixels = decode(data, ALL, 0).pixels

    half = np.rint(np.float64([30, 200, 30]) * 128 / 255 + 255 * (127 / 255))
    assert (pixels[:, :32] == 255).all()
    np.testing.assert_allclose(pixels[5, 40], half, atol=1)
    assert pixels[5, 60].tolist() == [30, 200, 30]


def test_sixteen_bit_transparency_is_laid_on_white_too():
    alpha = np.zeros((40, 64, 1), np.uint16)
    alpha[:20] = 65535
    bgra = np.concatenate([RGB16[..., ::-1], alpha], axis=2)

    pixels = decode(cv2.imencode(".png", bgra)[1].tobytes(), ALL, 0).pixels

    np.testing.assert_array_equal(pixels[:20], RGB16[:20])
    assert (pixels[20:] == 65535).all()


def test_a_cmyk_jpeg_shows_the_colours_that_pillow_shows():
    data = encoded(Image.fromarray(RGB).convert("CMYK"), "JPEG", quality=95)

    shown = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))

    np.testing.assert_allclose(decode(data, ALL, 0).pixels, shown, atol=4)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("shape", [(40, 64), (48, 48)])
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "JPEG"])
def test_all_eight_orientations_give_the_same_upright_picture(kind, shape, orientation):
    upright = quadrants(*shape)
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 98, "subsampling": 0}}.get(kind, {})
    data = encoded(stored(upright, orientation), kind, orientation, **options)

    frame = decode(data, ALL, 0)

    assert frame.source_size == shape
    tolerance = 12 if kind == "JPEG" else 0
    np.testing.assert_allclose(frame.pixels[2:-2, 2:-2], upright[2:-2, 2:-2], atol=tolerance)
    pillow = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    np.testing.assert_allclose(frame.pixels, np.asarray(pillow), atol=8)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_sixteen_bit_tiffs_are_turned_upright_too(orientation):
    data = a_tiff(
        stored(RGB16, orientation), photometric="rgb", extratags=[(274, "H", 1, orientation, True)]
    )

    np.testing.assert_array_equal(decode(data, ALL, 0).pixels, RGB16)


@pytest.mark.parametrize(
    ("shape", "min_side", "decoded"),
    [
        ((480, 640), 112, (120, 160)),
        ((480, 640), 0, (480, 640)),
        ((300, 300), 224, (300, 300)),
        ((448, 600), 224, (224, 300)),
        ((447, 600), 224, (447, 600)),
        ((896, 904), 112, (112, 113)),
    ],
)
def test_large_jpegs_are_reduced_as_long_as_the_shorter_side_allows(shape, min_side, decoded):
    picture = smooth(*shape)

    frame = decode(encoded(picture, "JPEG", quality=95), ALL, min_side)

    assert frame.pixels.shape[:2] == decoded
    assert frame.source_size == shape
    area = cv2.resize(picture, decoded[::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(frame.pixels.astype(np.int64) - area).mean() < 3


def test_a_reduced_jpeg_is_turned_upright_and_grey_stays_grey():
    grey = np.ascontiguousarray(smooth(480, 640)[..., 0])
    data = encoded(stored(grey, 6), "JPEG", 6, quality=95)

    frame = decode(data, ALL, 100)

    assert frame.pixels.shape == (120, 160, 1)
    area = cv2.resize(grey, (160, 120), interpolation=cv2.INTER_AREA)
    assert np.abs(frame.pixels[..., 0].astype(np.int64) - area).mean() < 3


FORMATS = {
    "JPEG": encoded(smooth(120, 160), "JPEG"),
    "JPEG, progressive": encoded(smooth(120, 160), "JPEG", progressive=True),
    "JPEG with EXIF": encoded(smooth(120, 160), "JPEG", 6),
    "PNG": encoded(smooth(120, 160), "PNG"),
    "TIFF": encoded(smooth(120, 160), "TIFF"),
    "TIFF, LZW": encoded(smooth(120, 160), "TIFF", compression="tiff_lzw"),
    "BMP": encoded(smooth(120, 160), "BMP"),
    "WebP": encoded(smooth(120, 160), "WEBP"),
    "WebP, lossless": encoded(smooth(120, 160), "WEBP", lossless=True),
}


@pytest.mark.parametrize("share", [0.001, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, "last byte"])
@pytest.mark.parametrize("name", FORMATS)
def test_a_picture_cut_short_anywhere_is_unreadable(name, share):
    data = FORMATS[name]
    length = len(data) - 1 if share == "last byte" else max(3, int(len(data) * share))

    with pytest.raises(UnreadableImage) as caught:
        decode(data[:length], ALL, 0)

    assert caught.value.hint


def test_a_cut_jpeg_with_a_thumbnail_is_not_saved_by_the_thumbnails_end():
    thumbnail = encoded(smooth(16, 16), "JPEG")
    body = b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0" + thumbnail
    plain = FORMATS["JPEG"]
    data = plain[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + plain[2:]

    assert decode(data, ALL, 0).pixels.shape == (120, 160, 3)
    with pytest.raises(UnreadableImage, match="end is missing"):
        decode(data[:-200], ALL, 0)


def test_bytes_after_the_end_do_no_harm():
    for name in ("JPEG", "PNG", "BMP", "TIFF"):
        assert decode(FORMATS[name] + b"\0" * 999, ALL, 0).source_size == (120, 160)


UNUSUAL = {
    "transparent TIFF": encoded(np.dstack([RGB, GREY]), "TIFF"),
    "planar TIFF": a_tiff(RGB.transpose(2, 0, 1), photometric="rgb", planarconfig="separate"),
    "16 bit TIFF, white is zero": a_tiff(RGB16[..., 0], photometric="miniswhite"),
    "float TIFF": a_tiff(GREY.astype(np.float32)),
    "32 bit TIFF": a_tiff(GREY.astype(np.uint32)),
    "turned tiled TIFF": a_tiff(
        RGB, photometric="rgb", tile=(16, 16), extratags=[(274, "H", 1, 3, True)]
    ),
    "CMYK TIFF": encoded(Image.fromarray(RGB).convert("CMYK"), "TIFF"),
    "two-page TIFF": encoded(
        Image.fromarray(RGB), "TIFF", save_all=True, append_images=[Image.fromarray(RGB)]
    ),
    "animated PNG": encoded(
        Image.fromarray(RGB), "PNG", save_all=True, append_images=[Image.fromarray(255 - RGB)]
    ),
    "animated WebP": encoded(
        Image.fromarray(RGB), "WEBP", save_all=True, append_images=[Image.fromarray(255 - RGB)]
    ),
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "text": b"This is no picture at all, whatever its name says.\n" * 10,
    "nothing": b"",
    "PNG of 30000 x 30000": png_claiming(30_000, 30_000),
    "PNG that lies about its size": png_claiming(5_000, 5_000),
    "1 x 1": encoded(RGB[:1, :1], "PNG"),
    "a magic and no more": b"\x89PNG\r\n\x1a\n",
    "JPEG of two markers": b"\xff\xd8\xff\xd9",
    "JPEG that ends in a segment": b"\xff\xd8\xff\xe0\xff",
    "TIFF that chains to itself": b"II*\0\x08\0\0\0\0\0\x08\0\0\0",
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_what_cannot_be_read_rightly_is_refused_with_the_way_out(name):
    with pytest.raises(UnreadableImage) as caught:
        decode(UNUSUAL[name], 64_000_000, 0)

    assert caught.value.message
    assert caught.value.hint


def test_a_thumbnail_page_beside_the_picture_is_no_second_page():
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as tiff:
        tiff.write(RGB, photometric="rgb")
        tiff.write(np.ascontiguousarray(RGB[::4, ::4]), photometric="rgb", subfiletype=1)

    np.testing.assert_array_equal(decode(stream.getvalue(), ALL, 0).pixels, RGB)


def test_the_refusal_of_a_large_picture_names_both_sizes():
    with pytest.raises(UnreadableImage, match=r"64000000 pixels, got 30000 x 30000 = 900000000"):
        decode(UNUSUAL["PNG of 30000 x 30000"], 64_000_000, 0)


def test_exactly_max_pixels_is_accepted_and_one_less_is_not():
    assert decode(EXACT["PNG"], 40 * 64, 0).source_size == (40, 64)
    with pytest.raises(UnreadableImage, match="too large"):
        decode(EXACT["PNG"], 40 * 64 - 1, 0)


@given(st.binary(max_size=400))
@settings(max_examples=150, deadline=None)
def test_random_bytes_raise_nothing_but_unreadable(data):
    for magic in (b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"BM"):
        with pytest.raises(UnreadableImage):
            decode(magic + data, ALL, 64)


@given(
    st.sampled_from(["JPEG", "JPEG, progressive", "JPEG with EXIF", "PNG", "WebP, lossless"]),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=12),
)
@settings(max_examples=250, deadline=None)
def test_mutated_pictures_are_read_at_their_size_or_unreadable(name, changes):
    data = bytearray(FORMATS[name])
    for place, value in changes:
        data[int(place * len(data))] = value
    try:
        frame = decode(bytes(data), 10**6, 0)
    except UnreadableImage:
        return
    assert frame.pixels.shape[:2] == frame.source_size
