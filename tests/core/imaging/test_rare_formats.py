"""Pictures as phones, browsers and older cameras write them, whatever they are called."""

import io
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import UnreadableImage
from core.imaging.decode import decode
from core.imaging.files import list_pictures
from core.imaging.junk import Skipped
from core.imaging.zip_archive import incoming
from tests.core.imaging.pictures import encoded, quadrants

MOST = 10**6
RARE = ("HEIF", "AVIF", "GIF", "PPM", "JPEG2000")
HEIC = Path(__file__).parent / "heic"
"""Written with an encoder that is no dependency of ours."""


def rare(kind):
    if kind == "HEIF":
        return (HEIC / "quadrants.heic").read_bytes()
    return encoded(quadrants(64, 96), kind)


@pytest.mark.parametrize("kind", RARE)
def test_a_rare_format_is_read(kind):
    picture = quadrants(64, 96)

    frame = decode(rare(kind), MOST, 0)

    assert frame.source_size == (64, 96)
    for y, x in ((16, 24), (16, 72), (48, 24), (48, 72)):
        np.testing.assert_allclose(frame.pixels[y, x], picture[y, x], atol=12)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_turned_heic_stands_as_the_same_picture_in_a_jpeg_does(orientation):
    stored = np.zeros((64, 96, 3), np.uint8)
    stored[:32, :48] = 255
    exif = Image.Exif()
    exif[0x112] = orientation
    file = io.BytesIO()
    Image.fromarray(stored).save(file, "JPEG", exif=exif.tobytes(), quality=95)

    heic = decode((HEIC / f"turned_{orientation}.heic").read_bytes(), MOST, 0)
    jpeg = decode(file.getvalue(), MOST, 0)

    assert heic.source_size == jpeg.source_size == heic.pixels.shape[:2]
    # Edges apart, where the two codecs ring.
    assert ((heic.pixels > 127) == (jpeg.pixels > 127)).mean() > 0.98


def test_a_small_heic_that_is_padded_to_whole_blocks_shows_its_part_alone():
    """pillow_heif#86: 64 x 32, a red top left corner, orientation 6: top right once upright."""
    stored = np.full((32, 64, 3), 128, np.uint8)
    stored[:16, :16] = 220, 0, 0
    exif = Image.Exif()
    exif[0x112] = 6
    file = io.BytesIO()
    Image.fromarray(stored).save(file, "JPEG", exif=exif.tobytes(), quality=95)

    heic = decode((HEIC / "red_corner_6.heic").read_bytes(), MOST, 0)
    jpeg = decode(file.getvalue(), MOST, 0)

    assert heic.source_size == jpeg.source_size == heic.pixels.shape[:2] == (64, 32)
    for frame in (heic, jpeg):
        reds = frame.pixels[:, :, 0].astype(int) - frame.pixels[:, :, 1] > 100
        assert [bool(reds[y, x]) for y, x in ((5, 5), (5, -6), (-6, 5), (-6, -6))] == [
            False, True, False, False
        ]  # fmt: skip
    assert ((heic.pixels > 100) == (jpeg.pixels > 100)).mean() > 0.97


def test_a_heic_that_decodes_to_another_size_than_it_states_is_damaged():
    data = (HEIC / "quadrants.heic").read_bytes()
    at = data.index(b"ispe") + 8
    larger = data[:at] + (200).to_bytes(4, "big") + data[at + 4 :]

    with pytest.raises(UnreadableImage, match=r"damaged or cut short|cannot be read"):
        decode(larger, MOST, 0)


def test_heic_comes_without_an_encoder_under_the_gpl():
    names = {file.name.partition("-")[0] for file in distribution("pi-heif").files or ()}

    assert "libde265" in names
    assert not {name for name in names if "265" in name} - {"libde265"}


def test_a_turned_avif_stands_upright():
    frame = decode(encoded(np.rot90(quadrants(64, 96)).copy(), "AVIF", 6), MOST, 0)

    assert frame.source_size == (64, 96)
    np.testing.assert_allclose(frame.pixels[16, 24], quadrants(64, 96)[16, 24], atol=12)


@pytest.mark.parametrize("kind", RARE)
def test_a_rare_format_that_is_cut_short_or_too_large_is_refused(kind):
    data = rare(kind)

    with pytest.raises(UnreadableImage):
        decode(data[: len(data) // 2], MOST, 0)
    with pytest.raises(UnreadableImage, match="too large"):
        decode(data, 1000, 0)


def test_a_16_bit_pgm_keeps_its_depth():
    values = (np.arange(64 * 64).reshape(64, 64) * 15).astype(">u2")

    frame = decode(b"P5\n# a comment\n64 64\n65535\n" + values.tobytes(), MOST, 0)

    assert frame.bit_depth == 16
    np.testing.assert_array_equal(frame.pixels[:, :, 0], values)


def test_a_pgm_that_states_12_bits_is_read_as_12_bits():
    values = np.arange(64 * 64, dtype=">u2").reshape(64, 64)

    frame = decode(b"P5 64 64 4095\n" + values.tobytes(), MOST, 0)

    assert frame.bit_depth == 12
    np.testing.assert_array_equal(frame.pixels[:, :, 0], values)


def test_an_animated_gif_is_refused():
    frames = [Image.fromarray(quadrants(64, 96)), Image.fromarray(quadrants(64, 96)[::-1])]
    stream = io.BytesIO()
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:])

    with pytest.raises(UnreadableImage, match="2 pictures; expected one"):
        decode(stream.getvalue(), MOST, 0)


def test_pictures_are_found_by_content_and_what_is_left_is_named(tmp_path):
    jpeg = encoded(quadrants(), "JPEG")
    for name in ("a.JFIF", "b.jpe", "c.JPG_large", "d", "e.HEIC", "f.jp2", "g.jpg!"):
        (tmp_path / name).write_bytes(jpeg)
    (tmp_path / "notes.txt").write_text("BM, a note")
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._a.jpg", "__MACOSX/a.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(jpeg)
    skipped = Skipped()

    found = [path.name for path in list_pictures([tmp_path], skipped=skipped)]

    assert found == ["a.JFIF", "b.jpe", "c.JPG_large", "d", "e.HEIC", "f.jp2", "g.jpg!"]
    assert [name.rpartition("/")[2] for name in skipped.others] == ["notes.txt"]
    assert {name.rpartition("/")[2] for name in skipped.system} == {
        "._a.jpg", ".DS_Store", "Thumbs.db", "__MACOSX", "desktop.ini"
    }  # fmt: skip
    assert skipped.describe()[0].startswith("1 not read, no pictures by name or content: ")


def test_a_linked_folder_is_answered_for(tmp_path):
    (tmp_path / "nas").mkdir()
    (tmp_path / "nas/a.png").write_bytes(encoded(quadrants(), "PNG"))
    (tmp_path / "in").mkdir()
    (tmp_path / "in/line 2").symlink_to(tmp_path / "nas")

    (only,) = incoming([tmp_path / "in"], MOST)

    assert "is a link to a folder; links are not followed" in only.problem
