import numpy as np
import pytest
from PIL import Image

from core.errors import UnreadableImage
from core.imaging.sniff import sniff
from tests.core.imaging.pictures import encoded, png_claiming, quadrants, stored

SHAPES = [(8, 9), (40, 64), (301, 17), (8, 300)]


def variants(picture: np.ndarray) -> dict[str, tuple[str, bytes]]:
    grey = Image.fromarray(picture).convert("L")
    clear = Image.fromarray(picture).convert("RGBA")
    clear.putpixel((0, 0), (1, 2, 3, 4))
    return {
        "JPEG": ("JPEG", encoded(picture, "JPEG")),
        "progressive": ("JPEG", encoded(picture, "JPEG", progressive=True)),
        "grey": ("JPEG", encoded(grey, "JPEG")),
        "PNG": ("PNG", encoded(picture, "PNG")),
        "TIFF": ("TIFF", encoded(picture, "TIFF")),
        "big-endian": ("TIFF", encoded(picture, "TIFF", big_endian=True)),
        "BMP": ("BMP", encoded(picture, "BMP")),
        "lossy": ("WebP", encoded(picture, "WEBP")),
        "lossless": ("WebP", encoded(picture, "WEBP", lossless=True)),
        "alpha": ("WebP", encoded(clear, "WEBP")),
    }


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", variants(quadrants()))
def test_the_header_tells_format_and_size_before_decoding(name, shape):
    kind, data = variants(quadrants(*shape))[name]

    header = sniff(data, 10**6)

    assert (header.kind, header.height, header.width) == (kind, *shape)
    assert header.upright_size == shape
    assert header.grey == (name == "grey")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_orientation_is_read_from_every_format_that_has_one(kind, orientation):
    data = encoded(stored(quadrants(), orientation), kind, orientation)

    header = sniff(data, 10**6)

    assert header.orientation == orientation
    assert header.upright_size == (40, 64)


def test_a_damaged_exif_block_leaves_the_picture_as_stored():
    data = encoded(quadrants(), "JPEG", 6)
    at = data.index(b"Exif\0\0")

    header = sniff(data[: at + 6] + b"XXXX" + data[at + 10 :], 10**6)

    assert header.orientation == 1
    assert header.upright_size == (40, 64)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (
            b"\x00" * 100,
            r"expected JPEG, .* or JPEG 2000, got 100 bytes of another kind",
        ),
        (b"<svg/>", "no picture that Assay reads"),
        (b"GIF89a" + bytes(50), "The GIF cannot be read"),
        (b"\xff\xd8\xff\xe0\x00", "The JPEG cannot be read: its header is cut short"),
        (b"BM", "The BMP cannot be read: its header is cut short"),
        (b"II*\0\xff\xff\xff\xff", "The TIFF cannot be read: its directory is cut short"),
        (b"RIFF\x04\0\0\0WEBP", "The WebP cannot be read: its first chunk is unknown"),
        (b"RIFF\xff\0\0\0WEBPVP8 ", "The WebP cannot be read: its end is missing"),
        (png_claiming(7, 4000), "expected at least 8 pixels a side, got 7 x 4000"),
        (png_claiming(2000, 1001), "at most 2000000 pixels, got 2000 x 1001 = 2002000"),
        (png_claiming(0, 0), "too small"),
        (png_claiming(2**32 - 1, 2**32 - 1), "too large"),
    ],
)
def test_a_refusal_says_what_was_expected_and_what_came(data, message):
    with pytest.raises(UnreadableImage, match=message) as caught:
        sniff(data, 2_000_000)

    assert caught.value.hint
