"""Pictures to look at: whole, in their own shape, every grey level as it was."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.imaging import display16
from core.imaging.display16 import fit_size
from core.imaging.function_sandbox import FunctionSandbox, unparsed
from core.packs import entry_of
from core.settings import Settings
from core.types import Frame
from dashboard.lightbox import DisplayPicture
from dashboard.overlay import Heat
from dashboard.viewer import Pane, ViewerSettings, pack_panes
from domains.xray.decoding.reader import read
from tests.xray_phantom import phantom_dx


def a_frame(pixels: np.ndarray, bits: int) -> Frame:
    return Frame(pixels[:, :, None], bits, "0" * 64, pixels.shape)


@pytest.mark.parametrize(("kind", "bits"), [(np.uint8, 8), (np.uint16, 12), (np.uint16, 16)])
def test_a_picture_that_fits_keeps_every_level(kind, bits):
    pixels = np.random.default_rng(0).integers(0, 2**bits, (40, 60)).astype(kind)
    levels = display16.levels(a_frame(pixels, bits), 64)
    assert levels.shape == (40, 60)
    assert np.array_equal(np.rint(levels / 65535 * (2**bits - 1)).astype(kind), pixels)


def test_a_larger_picture_is_averaged_and_keeps_its_shape():
    pixels = np.random.default_rng(0).integers(0, 2**16, (96, 64)).astype(np.uint16)
    levels = display16.levels(a_frame(pixels, 16), 48)
    means = pixels.reshape(48, 2, 32, 2).mean(axis=(1, 3))
    assert levels.shape == (48, 32)
    assert np.abs(levels - means).max() <= 0.51


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 9000), st.integers(1, 9000), st.integers(8, 2000))
def test_the_fitted_shape_fits_and_is_never_enlarged(height, width, size):
    h, w = fit_size((height, width), size)
    assert 1 <= h <= min(size, height)
    assert 1 <= w <= min(size, width)
    assert (h, w) == (height, width) or max(h, w) == size


def test_the_sandbox_gives_the_levels_that_the_reader_gives():
    data = phantom_dx(3, "effusion")
    expected = read(data, 10**7, 0).pixels[:, :, 0]
    sandbox = FunctionSandbox(
        display16.READ,
        Settings(),
        unparsed,
        entry=entry_of("xray"),
        arguments={"size": 512},
        outbox_bytes=display16.outbox_bytes(512),
    )
    with sandbox:
        output = sandbox.call(data)
    found = display16.levels_in(output)
    assert display16.size_in(output) == expected.shape
    assert np.array_equal(found, expected)
    assert len(np.unique(expected)) > 256


def test_panes_are_laid_out_so_that_each_picture_is_found_again():
    rng = np.random.default_rng(0)
    first, second = (rng.integers(0, 2**16, shape).astype("<u2") for shape in ((3, 5), (4, 2)))
    warm = rng.integers(-127, 128, (2, 3)).astype(np.int8)
    panes = [
        Pane(
            "a",
            "Jané",
            "",
            "Research",
            DisplayPicture(3, 5, first.tobytes(), (30, 50)),
            Heat(2, 3, warm.tobytes()),
        ),
        Pane("b", "t", "n", "Research", plate=None, missing="gone"),
        Pane("c", "t", "", "Research", DisplayPicture(4, 2, second.tobytes(), (4, 2))),
    ]
    settings = ViewerSettings("xray", shows_heat=False, keys={"H": "heat"})
    data = pack_panes("case-1", panes, settings, ["/next"])
    length = struct.unpack_from("<I", data)[0]
    head = json.loads(data[4 : 4 + length])
    body = data[4 + length :]
    assert head["view_id"] == "case-1"
    assert (head["keys"], head["next"]) == ({"H": "heat"}, ["/next"])
    assert [one["title"] for one in head["panes"]] == ["Jané", "t", "t"]
    for pane, name, array in ((0, "plate", first), (0, "heat", warm), (2, "plate", second)):
        place = head["panes"][pane][name]
        found = np.frombuffer(body, array.dtype, array.size, place["offset"])
        assert np.array_equal(found.reshape(place["height"], place["width"]), array)
    assert "plate" not in head["panes"][1]
    assert len(body) == first.nbytes + warm.nbytes + second.nbytes
