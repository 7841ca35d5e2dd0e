"""Small pictures: their size, who may ask for them, and that they never change."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit import config

from core.errors import UnreadableImage
from core.service.review.thumbnails import MAX_BYTES, SIDES, Thumbnails, make_thumbnail
from core.types import Prepared
from dashboard import thumbnails

HOME = "http://127.0.0.1"
KNOWN = "a" * 64


def prepared(pixels, size) -> Prepared:
    return Prepared(pixels, "", size)


@pytest.mark.parametrize("side", SIDES)
def test_even_noise_fits_the_bytes_in_the_shape_of_the_original(side):
    noise = np.random.default_rng(3).integers(0, 256, (720, 720, 3), np.uint8)
    data = make_thumbnail(prepared(noise, (300, 600)), side)
    assert len(data) <= MAX_BYTES
    picture = Image.open(io.BytesIO(data))
    assert picture.format == "WEBP"
    assert picture.width == pytest.approx(2 * picture.height, abs=2)
    assert picture.width <= side


def test_a_picture_is_recognisable():
    pixels = np.zeros((720, 720, 3), np.uint8)
    cv2.circle(pixels, (360, 360), 200, (255, 80, 0), -1)
    picture = Image.open(io.BytesIO(make_thumbnail(prepared(pixels, (720, 720)), 160)))
    small = np.asarray(picture.convert("RGB"), int)
    assert small.shape == (160, 160, 3)
    assert np.abs(small[80, 80] - (255, 80, 0)).max() < 25
    assert small[5, 5].max() < 25


class _Known(Thumbnails):
    def __init__(self) -> None:
        pass

    def get(self, sha256, side):
        if sha256 != KNOWN:
            raise UnreadableImage("No picture was judged under that address.", hint="")
        return b"webp %d" % side


@pytest.fixture
def client(monkeypatch) -> TestClient:
    allowed = ["127.0.0.1", "localhost"]
    options = {"server.allowedHosts": allowed, "server.baseUrlPath": ""}
    monkeypatch.setattr(config, "get_option", options.get)
    monkeypatch.setattr(thumbnails, "_SOURCE", thumbnails._Source())
    thumbnails.serve_from(_Known)
    return TestClient(Starlette(routes=thumbnails.routes()), base_url=HOME)


def test_the_browser_asks_once_for_each_picture(client):
    answer = client.get(thumbnails.address(KNOWN))
    assert (answer.content, answer.headers["content-type"]) == (b"webp 160", "image/webp")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert client.get(f"/t/{KNOWN}?s=320").content == b"webp 320"


@pytest.mark.parametrize(
    "path", ["/t/" + "b" * 64, f"/t/{KNOWN}?s=4000", f"/t/{KNOWN}?s=x", "/t/..%2fassay.sqlite"]
)
def test_what_is_not_known_is_not_found_and_not_kept(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.headers.get("cache-control", "no-store") == "no-store"


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "rebound.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
    ],
)
def test_only_a_page_of_ours_may_ask(client, headers):
    assert client.get(thumbnails.address(KNOWN), headers=headers).status_code == 403


def test_nothing_is_served_before_a_page_opened_the_store(monkeypatch):
    options = {"server.allowedHosts": [], "server.baseUrlPath": ""}
    monkeypatch.setattr(config, "get_option", options.get)
    monkeypatch.setattr(thumbnails, "_SOURCE", thumbnails._Source())
    client = TestClient(Starlette(routes=thumbnails.routes()), base_url=HOME)
    assert client.get(thumbnails.address(KNOWN)).status_code == 503


def test_what_was_never_received_as_bytes_has_no_address():
    assert thumbnails.address("unread:" + "a" * 64) == ""
