"""A farmer's field in a real browser: files sent, photos looked at, a mosaic surveyed."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from io import BytesIO, StringIO
from pathlib import Path
from threading import Event, Thread
from zipfile import ZipFile

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect
from rasterio.io import MemoryFile

from core.jobs.worker import work
from core.people import Person
from core.records import reviews
from core.records.case_answers import case_answers
from core.records.case_filter import CaseFilter
from core.records.case_page import page_of_cases
from core.records.case_status import QueueState
from core.records.final_reads import final_reads
from core.records.read_plans import ReadPlan, set_plan
from core.records.values import now
from core.records.worklist import case_detail
from core.service.bundles.deployments import Signed, deploy_bundle
from core.service.intake.resumable import Announced, Batch, BatchLimits
from core.service.store import open_store
from core.settings import Settings
from core.types import Disposition
from domains.crops.demo.field import write_mosaic
from domains.crops.exports.stored import read_survey
from domains.crops.fields.folder import FieldFolder, make_field
from tests.browser.test_board_page import axe
from tests.conftest import Product

LONG_MS = 180_000
SETTLE_MS = 800  # a case that has only just come takes no answer
BUNDLE = Path(__file__).parents[2] / "data" / "bundles" / "crops-leaves"
SIZES = [{"width": 1280, "height": 900}, {"width": 390, "height": 844}]


@pytest.fixture
def farm(tiny_product: Product, tmp_path: Path) -> Iterator[Path]:
    """A home of its own with a worker for surveys."""
    settings, stop = tiny_product.settings_at(tmp_path / "farm"), Event()
    store = open_store(settings)
    deploy_bundle(BUNDLE, store, settings, product="", signed=Signed(Person.alone("Ada")))
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
    leaf = np.full((300, 300, 3), 170, np.uint8)
    leaf = cv2.circle(leaf, (150, 150), 110, (40, 140, 60), -1)
    leaf = np.clip(leaf + rng.integers(-25, 26, (300, 300, 1)), 0, 255).astype(np.uint8)
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
    night = page.locator(".crops-photo", has_text="night.png")
    expect(night).to_contain_text("dark", timeout=LONG_MS)
    expect(page.get_by_text("2 photos have no place.")).to_be_visible()
    _correct(page)
    (leaf,) = [one for one in _table(page, "photos") if one["file"] == "leaf.png"]
    assert (leaf["verdict"], leaf["answer"], leaf["answered_by"]) == ("LOOK", "HEALTHY", "Eva")
    _read_twice(page, farm)
    _place(page)

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


def test_equal_files_under_two_names_stand_there_each(
    page: Page, serve, farm: Path, files: list[Path]
):
    field = make_field(farm, "North", "", now(), by=Person.alone("Eva"))
    files[1].write_bytes(files[0].read_bytes())
    page.goto(f"{serve('Eva', farm)}/crops?field={field.id}")
    page.locator(".uploader input[type=file]").first.set_input_files(files[:2], timeout=LONG_MS)
    expect(page.get_by_text("2 of 2 files have arrived")).to_be_visible(timeout=LONG_MS)
    page.get_by_role("button", name="Look at the photos").click(timeout=LONG_MS)
    expect(page.locator(".crops-photo")).to_have_count(2, timeout=LONG_MS)
    answers = page.locator("[class*='st-key-crops-gallery-negative'] button")
    expect(answers).to_have_count(2, timeout=LONG_MS)
    answers.last.click()
    yours = page.locator(".crops-photo", has_text="Your answer: HEALTHY")
    expect(yours).to_have_count(2, timeout=LONG_MS)
    report = _download(page, "Report to print").decode()
    assert "Photos of North" in report
    assert report.count("data:image/jpeg") == 2
    assert _download(page, "PDF").startswith(b"%PDF")
    assert "<td>HEALTHY</td><td>Eva</td>" in "".join(report.split("\n"))


def _table(page: Page, name: str) -> list[dict[str, str]]:
    """Download a table, alone or out of its zip."""
    data = _download(page, "Table (CSV)")
    if data[:2] == b"PK":
        with ZipFile(BytesIO(data)) as archive:
            data = archive.read(f"{name}.csv")
    return list(csv.DictReader(StringIO(data.decode("utf-8-sig"))))


def _download(page: Page, name: str) -> bytes:
    # A click while the page is drawn anew is on a button that is gone.
    still = page.locator("[data-test-script-state='notRunning']")
    expect(still).to_have_count(1, timeout=LONG_MS)
    with page.expect_download(timeout=LONG_MS) as got:
        page.get_by_role("button", name=name).click()
    return got.value.path().read_bytes()


def _correct(page: Page) -> None:
    """One tap is an answer, another one changes it."""
    leaf = page.locator(".crops-photo", has_text="leaf.png")
    expect(leaf).to_contain_text("LOOK")
    for kind, word in (("positive", "ACT"), ("negative", "HEALTHY")):
        button = page.locator(f"[class*='st-key-crops-gallery-{kind}'] button")
        expect(button).to_have_count(1, timeout=LONG_MS)  # while it is drawn anew there are two
        button.click()
        expect(leaf).to_contain_text(f"Your answer: {word}", timeout=LONG_MS)


def _read_twice(page: Page, farm: Path) -> None:
    """Whoever may read a photo for the second time is shown no answer of the first."""
    store = open_store(Settings(home=farm))
    (read,) = final_reads(store, "crops")
    set_plan(store, "crops", "", ReadPlan(1.0, 1.0, 1.0), by="Lena")
    item = case_detail(store, read.case_id).item
    assert reviews.review(store, item, Disposition.POSITIVE, reviewer="Grace")
    store.close()
    page.reload()
    leaf = page.locator(".crops-photo", has_text="leaf.png")
    expect(leaf).to_contain_text("LOOK", timeout=LONG_MS)
    expect(leaf).not_to_contain_text("Your answer")


def _place(page: Page) -> None:
    """A place that is typed puts the photos on a map, from which one opens, and is taken back."""
    page.get_by_text("Give them the place of the field").click()
    page.get_by_label("Latitude and longitude").fill("48.137, 11.575")
    page.get_by_role("button", name="Keep this place").click()
    expect(page.get_by_text("photos have no place.")).to_have_count(0, timeout=LONG_MS)
    page.locator(".field-map .point").first.click()
    open_now = page.locator("[class*='st-key-crops-picked-forget'] button")
    open_now.click(timeout=LONG_MS)
    expect(page.get_by_text("One photo has no place.")).to_be_visible(timeout=LONG_MS)


def test_a_page_speaks_the_language_that_is_chosen(page: Page, serve, farm: Path):
    page.goto(f"{serve('Eva', farm)}/crops?lang=ar")
    expect(page.get_by_text("حقل جديد")).to_be_visible(timeout=LONG_MS)
    main = page.locator(".stMain")
    assert main.evaluate("one => getComputedStyle(one).direction") == "rtl"
    page.goto(page.url.replace("lang=ar", "lang=es"))
    expect(page.get_by_text("Nueva parcela")).to_be_visible(timeout=LONG_MS)


@pytest.fixture
def mosaic(farm: Path, tmp_path: Path) -> FieldFolder:
    """A field of which a mosaic was sent."""
    field = make_field(farm, "North", "", now(), by=Person.alone("Eva"))
    data = write_mosaic_file(tmp_path).read_bytes()
    batch = Batch(field.uploads, BatchLimits())
    upload = batch.announce(Announced("north.tif", len(data)))
    with batch.appending(upload.id, 0) as appender:
        appender.write(data)
    return field


def write_mosaic_file(folder: Path) -> Path:
    write_mosaic(folder / "north.tif", side_m=16.0, patches=())
    return folder / "north.tif"


def test_a_hatched_tile_is_looked_at_and_answered_on_the_map_and_in_review(
    page: Page, serve, farm: Path, mosaic: FieldFolder
):
    page.set_viewport_size(SIZES[0])
    page.goto(f"{serve('Eva', farm)}/crops?field={mosaic.id}")
    page.get_by_role("button", name="Judge the field").click(timeout=LONG_MS)
    expect(page.locator(".field-map .area")).to_have_count(64, timeout=LONG_MS)
    hatched = page.locator(".field-map .area.defer")
    many = hatched.count()
    assert many > 5
    expect(page.get_by_text(f"{many} of 64 tiles wait for a person.")).to_be_visible()

    hatched.first.click()
    expect(page.get_by_text("Waits for a person.", exact=True)).to_be_visible(timeout=LONG_MS)
    picture = page.locator(".crops-tile img")
    expect(picture).to_be_visible()
    assert picture.evaluate("async one => (await one.decode(), one.naturalWidth)") > 50
    for kind, word in (("positive", "ACT"), ("negative", "HEALTHY")):
        button = page.locator(f"[class*='st-key-crops-tile-{kind}'] button")
        expect(button).to_have_count(1, timeout=LONG_MS)
        button.click()
        expect(page.get_by_text(f"Eva called it {word}.")).to_be_visible(timeout=LONG_MS)
        expect(page.locator(f".field-map .area.{kind}.answered")).to_have_count(1)
    expect(hatched).to_have_count(many - 1)
    expect(page.get_by_text(f"{many - 1} of 64 tiles wait for a person.")).to_be_visible()
    (answered,) = [one for one in _table(page, "tiles") if one["answer"]]
    assert (answered["verdict"], answered["answer"]) == ("LOOK", "HEALTHY")
    assert answered["answered_by"] == "Eva"
    assert sum(int(one["answered"]) for one in _table(page, "zones")) == 1
    _map_indices(page)
    for size in SIZES:
        axe(page, size)
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0
    page.set_viewport_size(SIZES[0])

    _review(page, farm, many)


def _map_indices(page: Page) -> None:
    """The picture of an index, and its file, which GDAL reads."""
    page.get_by_text("Vegetation indices").click()
    page.get_by_role("button", name="Map the indices").click()
    picture = page.locator("img.crops-index")
    expect(picture).to_be_visible(timeout=LONG_MS)
    assert picture.evaluate("async one => (await one.decode(), one.naturalWidth)") > 100
    expect(page.get_by_text("NDVI: There is no near infrared band.", exact=True)).to_be_visible()
    with MemoryFile(_download(page, "GeoTIFF of EXG")) as file, file.open() as made:
        assert (made.dtypes, made.crs.is_projected) == (("float32",), True)


def _review(page: Page, farm: Path, many: int) -> None:
    """The queue that the map leads to holds the tiles of this mosaic, and an answer goes back."""
    store = open_store(Settings(home=farm))
    known = page_of_cases(store, CaseFilter(states=()), limit=100)
    (survey,) = (farm / "fields").glob("*/surveys/*")
    asked = {tile.case for tile in read_survey(survey).tiles if tile.case}
    assert asked == {one.case_id for one in known if one.disposition is Disposition.DEFER}
    assert len(asked) == many
    (answered,) = (one for one in known if one.queue_state is QueueState.REVIEWED)
    assert case_detail(store, answered.case_id).reviews[-1].disposition is Disposition.NEGATIVE
    address = page.url
    page.get_by_role("link", name="Answer them one after the other").click()
    name = re.compile(r"mosaic [0-9a-f]{12}, tile \d+-\d+ of 2 m")
    heading = page.get_by_role("heading", name=name)
    expect(heading).to_be_visible(timeout=LONG_MS)
    first = heading.inner_text()
    assert "site%3Dmosaic" in page.url
    page.wait_for_timeout(SETTLE_MS)
    page.locator("[class*='st-key-case-positive-'] button").click(timeout=LONG_MS)
    expect(page.get_by_role("heading", name=first, exact=True)).to_have_count(0, timeout=LONG_MS)
    expect(heading).to_be_visible(timeout=LONG_MS)
    assert sum(one.answer is not None for one in case_answers(store, asked).values()) == 2
    page.goto(address)
    expect(page.locator(".field-map .area.answered")).to_have_count(2, timeout=LONG_MS)
    store.close()
