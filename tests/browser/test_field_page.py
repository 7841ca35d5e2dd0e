"""A farmer's field in a real browser: files sent, photos looked at, a mosaic surveyed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from core.jobs.worker import work
from core.service.store import open_store
from core.settings import Settings
from domains.crops.demo.field import write_mosaic
from tests.browser.test_board_page import axe

LONG_MS = 180_000
SIZES = [{"width": 1280, "height": 900}, {"width": 390, "height": 844}]


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Path]:
    """A home of its own with a worker for surveys."""
    settings, stop = Settings(home=tmp_path / "farm"), Event()
    store = open_store(settings)
    how = {"stop": stop, "lanes": ["survey"]}
    worker = Thread(target=work, args=([], store, settings), kwargs=how)
    worker.start()
    yield settings.home
    stop.set()
    worker.join()
    store.close()


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """A mosaic, a sharp photo and a black one, none of which states a place."""
    rng = np.random.default_rng(5)
    leaf = rng.integers(0, 255, (300, 300, 3), np.uint8)
    leaf[..., 1] = np.maximum(leaf[..., 1], 120)
    for name, pixels in (("leaf.png", leaf), ("night.png", np.zeros_like(leaf))):
        cv2.imwrite(str(tmp_path / name), pixels)
    write_mosaic(tmp_path / "field.tif", side_m=16.0, patches=())
    return [tmp_path / name for name in ("leaf.png", "night.png", "field.tif")]


def test_a_farmer_sends_files_and_sees_photos_and_a_map(
    page: Page, serve, farm: Path, files: list[Path]
):
    page.set_viewport_size(SIZES[0])
    page.goto(f"{serve('Eva', farm)}/crops")
    form = page.get_by_test_id("stForm")
    form.get_by_role("textbox").first.fill("North *1* <b>")
    form.get_by_role("button", name="Begin").click(timeout=LONG_MS)
    expect(page.get_by_text("North *1* <b>")).to_be_visible(timeout=LONG_MS)
    chooser = page.locator(".uploader input[type=file]").first
    chooser.set_input_files(files, timeout=LONG_MS)
    expect(page.get_by_text("3 of 3 files have arrived")).to_be_visible(timeout=LONG_MS)
    sent = sorted((farm / "fields").glob("*/upload/*.file"))
    assert sorted(one.read_bytes() for one in sent) == sorted(one.read_bytes() for one in files)

    page.get_by_role("button", name="Look at the photos").click(timeout=LONG_MS)
    night = page.locator(".crops-gallery figure", has_text="night.png")
    expect(night).to_contain_text("dark", timeout=LONG_MS)
    expect(page.get_by_text("2 photos have no place.")).to_be_visible()
    expect(page.get_by_text("No model is deployed for this crop")).to_be_visible()

    page.get_by_text("Only measure, no model").click()
    page.get_by_role("button", name="Judge the field").click()
    areas = page.locator(".field-map .area")
    expect(areas).to_have_count(64, timeout=LONG_MS)
    areas.nth(27).click()
    expect(page.get_by_text("Tile 4, 4")).to_be_visible(timeout=LONG_MS)
    for size in SIZES:
        axe(page, size)
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0


def test_a_page_speaks_the_language_that_is_chosen(page: Page, serve, farm: Path):
    page.goto(f"{serve('Eva', farm)}/crops?lang=ar")
    expect(page.get_by_text("حقل جديد")).to_be_visible(timeout=LONG_MS)
    main = page.locator(".stMain")
    assert main.evaluate("one => getComputedStyle(one).direction") == "rtl"
    page.goto(page.url.replace("lang=ar", "lang=es"))
    expect(page.get_by_text("Nueva parcela")).to_be_visible(timeout=LONG_MS)
