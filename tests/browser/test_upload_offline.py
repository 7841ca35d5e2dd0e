"""Files chosen while there is no network wait in the browser, also when the page is closed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from core.people import Person
from core.records.values import now
from core.service.intake.resumable import Batch, BatchLimits
from domains.crops.fields.folder import FieldFolder, make_field

LONG_MS = 120_000


@pytest.fixture
def field(assessed_home: Path) -> FieldFolder:
    return make_field(assessed_home, "North", "", now(), by=Person.alone("Eva"))


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two files of random bytes, one longer than a piece of an upload."""
    rng = np.random.default_rng(4)
    paths = [tmp_path / "a.jpg", tmp_path / "b.jpg"]
    for path, length in zip(paths, (9_000_000, 1000), strict=True):
        path.write_bytes(rng.bytes(length))
    return paths


def arrived(field: FieldFolder) -> list[bytes]:
    uploads = Batch(field.uploads, BatchLimits()).uploads()
    return sorted(one.path.read_bytes() for one in uploads if one.is_complete)


CHOOSE = """input => {
    const files = new DataTransfer()
    for (const name of ['a.jpg', 'b.jpg']) files.items.add(new File([name], name))
    input.files = files.files
    input.dispatchEvent(new Event('change'))
    dispatchEvent(new Event('offline'))
    return input.closest('.uploader').querySelector('.count').textContent
}"""


def test_files_are_said_to_wait_once_the_browser_has_kept_them_all(
    page: Page, serve, field: FieldFolder
):
    page.goto(f"{serve('Eva')}/crops?field={field.id}")
    chooser = page.locator(".uploader input[type=file]").first
    expect(chooser).to_be_attached(timeout=LONG_MS)
    page.context.set_offline(True)
    assert chooser.evaluate(CHOOSE) == "0 of 2 files have arrived"
    waits = page.get_by_text("No network: the files wait here")
    expect(waits).to_be_visible(timeout=LONG_MS)


def test_files_are_sent_where_the_browser_keeps_nothing(
    page: Page, serve, field: FieldFolder, files: list[Path]
):
    page.add_init_script("indexedDB.open = () => { throw new DOMException('', 'SecurityError') }")
    page.goto(f"{serve('Eva')}/crops?field={field.id}")
    chooser = page.locator(".uploader input[type=file]").first
    expect(chooser).to_be_attached(timeout=LONG_MS)
    chooser.set_input_files(files)
    expect(page.get_by_text("2 of 2 files have arrived")).to_be_visible(timeout=LONG_MS)
    assert arrived(field) == sorted(one.read_bytes() for one in files)


@pytest.mark.parametrize("is_closed", [False, True])
def test_files_chosen_without_a_network_wait_and_arrive_with_it(
    page: Page, serve, field: FieldFolder, files: list[Path], is_closed
):
    address = f"{serve('Eva')}/crops?field={field.id}"
    page.goto(address)
    chooser = page.locator(".uploader input[type=file]").first
    expect(chooser).to_be_attached(timeout=LONG_MS)
    page.context.set_offline(True)
    chooser.set_input_files(files)
    waits = page.get_by_text("No network: the files wait here")
    expect(waits).to_be_visible(timeout=LONG_MS)
    assert arrived(field) == []
    if is_closed:
        page.goto("about:blank")
        page.context.set_offline(False)
        page.goto(address)
    else:
        page.context.set_offline(False)
    expect(page.get_by_text("2 of 2 files have arrived")).to_be_visible(timeout=LONG_MS)
    assert arrived(field) == sorted(one.read_bytes() for one in files)
