"""A picture with every pixel, made in a disposable process, against what is in its file."""

from __future__ import annotations

import struct
from contextlib import ExitStack
from dataclasses import dataclass
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from core.errors import UnreadableImage
from core.settings import Settings
from dashboard.full_size import FullPictures
from tests.xray_phantom import phantom_dx


@dataclass
class FakeExplainer:
    """Gives the bytes of every decision."""

    data: bytes

    def received(self, decision):
        return self.data


@pytest.fixture
def opened(tmp_path):
    """Opens what shows one file; closed at the end."""
    with ExitStack() as stack:

        def open_(data: bytes) -> FullPictures:
            session = SimpleNamespace(
                explainer=FakeExplainer(data), settings=Settings(home=tmp_path)
            )
            shown = FullPictures(session)
            stack.callback(shown.close)
            return shown

        yield open_


def a_decision(pack: str):
    return SimpleNamespace(id="d", pack=pack, bundle_sha256="0" * 64)


def test_a_photograph_keeps_every_pixel(opened):
    picture = np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8)
    picture = cv2.resize(picture, (4000, 3000), interpolation=cv2.INTER_NEAREST)
    shown = opened(cv2.imencode(".png", picture)[1].tobytes())
    found = cv2.imdecode(np.frombuffer(shown.colours(a_decision("parts")), np.uint8), 1)
    assert found.shape == (3000, 4000, 3)
    assert np.abs(found.astype(int) - picture).mean() < 3
    shown.close()
    with pytest.raises(UnreadableImage, match="stopped"):
        shown.colours(a_decision("parts"))


def test_what_does_not_read_is_refused(opened):
    with pytest.raises(UnreadableImage):
        opened(b"no picture").colours(a_decision("parts"))


def test_a_radiograph_keeps_every_level(opened):
    found = opened(phantom_dx(3, "effusion")).levels(a_decision("xray"))
    height, width = struct.unpack_from("<II", found)
    levels = np.frombuffer(found, "<u2", offset=8)
    assert levels.size == height * width
    assert len(np.unique(levels)) > 256
