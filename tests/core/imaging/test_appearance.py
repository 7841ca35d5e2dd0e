"""How a picture looks as numbers, against pictures whose numbers are known."""

from __future__ import annotations

import math
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from core.imaging.appearance import measure_appearance
from core.imaging.file_traits import read_traits

_IEND = b"\x00\x00\x00\x00IEND\xaeB`\x82"


def flat(red, green, blue):
    return np.full((32, 32, 3), (red, green, blue), np.uint8)


def test_a_flat_colour_has_its_hue_and_no_detail():
    made = measure_appearance(flat(200, 0, 0))
    assert made["hue"] == pytest.approx(0.0, abs=1e-6)
    assert (made["saturation"], made["contrast"], made["entropy"]) == (1.0, 0.0, 0.0)
    assert made["sharpness"] == 0.0
    assert measure_appearance(flat(0, 200, 0))["hue"] == pytest.approx(120.0)
    assert measure_appearance(flat(0, 0, 200))["hue"] == pytest.approx(240.0)


def test_reds_on_both_sides_of_zero_average_to_red():
    both = np.concatenate([flat(200, 20, 0), flat(200, 0, 20)])
    hue = measure_appearance(both)["hue"]
    assert min(hue, 360.0 - hue) < 2.0


def test_a_grey_picture_has_no_hue_and_its_own_entropy():
    half = np.concatenate([flat(0, 0, 0), flat(255, 255, 255)])
    made = measure_appearance(half)
    assert "hue" not in made
    assert made["entropy"] == pytest.approx(1.0)
    assert (made["brightness"], made["contrast"]) == (127.5, 127.5)
    assert made["sharpness"] > math.log1p(1000)


def test_all_greys_have_their_own_values_and_one_reddish_pixel_hardly_changes_them():
    levels = np.tile(np.arange(256, dtype=np.uint8), (256, 1))
    grey = np.repeat(levels[:, :, None], 3, axis=2)
    made = measure_appearance(grey)
    assert made["brightness"] == levels.mean()
    assert made["contrast"] == pytest.approx(levels.std())
    assert made["entropy"] == pytest.approx(8.0)
    assert made["saturation"] == 0.0
    grey[0, 200] = (201, 200, 200)
    near = measure_appearance(grey)
    assert near.keys() == made.keys()
    assert 0.0 < near["saturation"] < 1e-6
    assert near["brightness"] == pytest.approx(made["brightness"])


@pytest.mark.parametrize("quality", [35, 60, 75, 90, 97])
def test_the_quality_of_a_jpeg_is_read_off_its_tables(quality):
    rng, file = np.random.default_rng(1), BytesIO()
    exif = Image.Exif()
    exif[271], exif[272] = "Acme", "Line 4\x00"
    Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8)).save(
        file, "JPEG", quality=quality, exif=exif
    )
    made = read_traits(file.getvalue())
    assert made["camera"] == "Acme Line 4"
    assert made["JPEG quality"] == pytest.approx(quality, abs=1)


def test_files_that_state_nothing_or_are_none_give_nothing():
    file = BytesIO()
    Image.fromarray(flat(1, 2, 3)).save(file, "PNG")
    assert read_traits(file.getvalue()) == read_traits(b"torn") == read_traits(b"") == {}


@pytest.mark.parametrize("behind", [False, True])
def test_a_png_names_its_camera_before_and_behind_its_pixels(behind):
    file, exif = BytesIO(), Image.Exif()
    exif[271], exif[272] = "Acme", "Line 4"
    Image.fromarray(flat(1, 2, 3)).save(file, "PNG", exif=exif)
    data = file.getvalue()
    at = data.index(b"eXIf") - 4
    end = at + 12 + int.from_bytes(data[at : at + 4], "big")
    chunk, rest = data[at:end], data[:at] + data[end:]
    if behind:
        data = rest[: -len(_IEND)] + chunk + _IEND
    assert read_traits(data) == {"camera": "Acme Line 4"}


def test_a_png_that_states_no_camera_is_not_decoded_for_it(monkeypatch):
    decoded = []
    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", lambda self: decoded.append(self))
    file = BytesIO()
    Image.fromarray(flat(1, 2, 3)).save(file, "PNG", pnginfo=_text(Comment="a word"))
    assert read_traits(file.getvalue()) == {}
    assert not decoded


def _text(**words):
    made = PngImagePlugin.PngInfo()
    for name, word in words.items():
        made.add_text(name, word)
    return made
