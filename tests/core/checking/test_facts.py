from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.checking.facts import (
    LIGHT,
    FileFacts,
    ShrunkPicture,
    ShrunkPixels,
    details_of,
    facts_of,
    file_facts,
    jpeg_quality,
    thumbs_of,
)
from core.labelled import Row
from core.types import Finding, Prepared, Reason

PNG = FileFacts("PNG", 1, 0.0)
ROW = Row(Path("a.png"), "good", "train", "a")


def look_at(prepared):
    return facts_of(prepared, ShrunkPicture.of(prepared.pixels), ROW, PNG, ShrunkPixels())


def a_jpeg(quality, **options):
    rng = np.random.default_rng(0)
    file = io.BytesIO()
    picture = Image.fromarray(rng.integers(0, 255, (40, 60, 3), np.uint8))
    picture.save(file, "JPEG", quality=quality, **options)
    return file.getvalue()


@pytest.mark.parametrize("quality", [20, 35, 50, 65, 75, 86, 90, 95])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"exif": b"Exif\0\0" + b"x" * 99}])
def test_the_quality_a_jpeg_was_saved_at_is_read_from_its_header(quality, options):
    assert jpeg_quality(a_jpeg(quality, **options)) == pytest.approx(quality, abs=1.0)


@given(st.integers(0, 700), st.lists(st.tuples(st.integers(0, 699), st.integers(0, 255))))
def test_no_bytes_make_the_header_reader_fail(length, changes):
    data = bytearray(a_jpeg(80))
    for place, value in changes:
        data[place] = value
    result = file_facts(bytes(data[:length]), 10**6)
    assert result.length == min(length, len(data))
    assert 0.0 <= result.jpeg_quality <= 100.0


def test_a_header_names_the_format_whatever_the_file_is_called():
    file = io.BytesIO()
    Image.fromarray(np.zeros((20, 20), np.uint8)).save(file, "PNG")
    assert file_facts(file.getvalue(), 10**6) == FileFacts("PNG", len(file.getvalue()), 0.0)
    assert file_facts(b"nothing", 10**6) == FileFacts("", 7, 0.0)


def test_light_is_what_numpy_measures():
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (224, 224, 3)).astype(np.uint8)
    pixels[:, :, 0] //= 2
    observed = look_at(Prepared(pixels, "0", (9, 8)))
    light = dict(zip(LIGHT, observed.light.tolist(), strict=True))
    red, green, blue = pixels.reshape(-1, 3).mean(axis=0)
    grey = np.round(pixels @ [0.299, 0.587, 0.114])
    assert light["red - green"] == pytest.approx(red - green)
    assert light["blue - green"] == pytest.approx(blue - green)
    assert light["mean"] == pytest.approx(grey.mean(), abs=0.1)
    assert light["spread"] == pytest.approx(grey.std(), abs=0.1)
    for name, share in (("dark end", 5), ("middle", 50), ("bright end", 95)):
        assert light[name] == pytest.approx(np.percentile(grey, share), abs=1.0)


def test_thumbnails_keep_the_place_and_colour_of_things():
    pixels = np.zeros((224, 224, 3), np.uint8)
    pixels[:112, 112:] = (200, 100, 0)
    finding = Finding(Reason.POOR_QUALITY, "blank.")
    observed = look_at(Prepared(pixels, "0", (9, 8), (finding,)))
    assert observed.refusals == ("blank.",)
    thumb, detail = thumbs_of([observed])[0], details_of([observed])[0]
    assert (thumb[:16, 16:] == (200, 100, 0)).all()
    assert not thumb[16:].any()
    assert not thumb[:, :16].any()
    assert np.ptp(detail[:64, 64:]) == 0
    assert detail[0, 80] == pytest.approx(0.299 * 200 + 0.587 * 100, abs=1)


def test_pixels_that_are_kept_apart_are_not_taken_for_those_of_one_set():
    black = Prepared(np.zeros((64, 64, 3), np.uint8), "0", (64, 64))
    one, other = look_at(black), look_at(black)
    with pytest.raises(ValueError, match="of one set"):
        details_of([one, other])
