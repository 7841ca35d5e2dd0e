"""Every screen as axe-core sees it, with names from outside that would be Markdown or HTML."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import cv2
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from core.records import blobs, deployments, reviews
from core.records.case_list import list_cases
from core.records.connection import Store
from core.records.deployment import Stage
from core.records.intake import receive
from core.records.store import NewDecision, decisions, record
from core.records.worklist import counts, next_case
from core.service.review.reading_list import OPEN
from core.service.store import open_store
from core.settings import Settings
from core.types import Disposition, Finding, Reason
from tests.xray_worklist import a_radiograph

LONG_MS = 120_000  # the network behind the heat map is exported on first use
OUTSIDE = "outside.invalid"
IMAGE = f"![x](http://{OUTSIDE}/a.png)"
MARKUP = (
    f'{IMAGE} <img src="http://{OUTSIDE}/b.png"> [l](http://{OUTSIDE}/c) '
    "**b** $x^2$ :material/home: :red[r]"
)
# Whatever of MARKUP was taken for markup: the page fixture sees what was asked for besides.
TAKEN = f"""() => document.querySelectorAll(
    '[src*="{OUTSIDE}"], [href*="{OUTSIDE}"], [data-testid=stMain] .katex'
).length"""
HEADERS = {
    name: f"{name} {MARKUP}"
    for name in (
        "patient_name", "patient_id", "patient_issuer", "study_description", "accession",
        "institution", "view", "modality", "series_description", "body_part",
    )
}  # fmt: skip
CLASSES = tuple(f"class {number} {MARKUP}" for number in range(3))


def check(page: Page, *shown: str) -> None:
    """Hold a screen against axe, and against what its texts from outside must look like."""
    for text in shown:
        expect(page.get_by_text(text).first).to_be_attached(timeout=LONG_MS)
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(1500)
        assert page.evaluate(TAKEN) == 0
        found = Axe().run(page)
        assert not found.response["violations"], f"{scheme}: {found.generate_report()}"


def as_hostile(made, content: str):
    """Give a decision whose every text from outside would be markup."""
    return replace(
        made,
        content_key=content,
        disposition=Disposition.DEFER,
        label=CLASSES[0],
        classes=CLASSES,
        probabilities=(0.5, 0.3, 0.2),
        findings=(Finding(Reason.POOR_QUALITY, f"detail {MARKUP}", f"check {MARKUP}"),),
        message=f"message {MARKUP}",
    )


def record_hostile(store: Store, made, data: bytes, key: str, **headers: str) -> str:
    """Record a case whose names would be markup; gives its id."""
    blobs.put_many(store.blobs, [data])
    hostile = as_hostile(made, hashlib.sha256(data).hexdigest())
    new = NewDecision(f"{key} {MARKUP}", f"{MARKUP} name", f"source {MARKUP}", hostile, headers)
    record(store, [new])
    return new.case_id


@pytest.fixture
def opened(assessed_home):
    store = open_store(Settings(home=assessed_home))
    yield store
    store.close()


def test_review_and_overview(page, serve, opened):
    made = next(one for one in decisions(opened, pack="parts") if one.features)
    picture = cv2.imdecode(np.frombuffer(blobs.get(opened.blobs, made.sha256), np.uint8), 0)
    png = cv2.imencode(".png", 255 - picture)[1].tobytes()
    own = {record_hostile(opened, made, data, key) for data, key in ((png, "a"), (b"torn", "b"))}
    waiting = [next_case(opened, "parts")]
    while (left := next_case(opened, "parts", after=waiting[-1].case_id)) is not None:
        waiting.append(left)
    for one in waiting:
        if one.case_id not in own:
            reviews.review(opened, one, Disposition.NEGATIVE, reviewer=f"Grace {MARKUP}")
    assert len(waiting) > len(own) == sum(counts(opened, "parts").waiting.values())
    address = serve(f"Ada {MARKUP}")
    page.goto(address)
    for number in range(2):
        page.locator("html[data-assay-case]").wait_for(state="attached", timeout=LONG_MS)
        page.get_by_text("Name what you see").click()
        check(page, CLASSES[2], f"Ada {MARKUP}", f"detail {MARKUP}")
        if not number:
            before = page.locator("html").get_attribute("data-assay-case")
            page.keyboard.press("s")
            page.locator(f'html[data-assay-case="{before}"]').wait_for(state="detached")
    page.goto(f"{address}/overview")
    check(page, "What more data would certify")
    fits_at_200_percent(page, address)


# Whether what has the focus is framed by two pixels at the least.
FRAMED = """() => {
    const style = getComputedStyle(document.activeElement)
    return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2
}"""


def test_every_page_in_the_list_is_framed_while_it_has_the_focus(page, serve):
    page.goto(f"{serve('Ada')}/readers")
    links = page.get_by_test_id("stSidebarNavLink")
    expect(links.nth(len(SHARED))).to_be_visible(timeout=LONG_MS)
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        page.locator("body").press("Tab")  # by keys: a click frames nothing
        for number in range(links.count()):
            links.nth(number).focus()
            assert page.evaluate(FRAMED), links.nth(number).inner_text()


SHARED = ("", "cases", "overview", "quality", "monitor", "readers", "activity", "policies", "audit")
CUT = """() => {
    const main = document.querySelector('[data-testid=stMain]')
    const boxes = [document.documentElement, main]
    return boxes.filter(one => one.scrollWidth > one.clientWidth + 1).length
}"""


def fits_at_200_percent(page: Page, address: str) -> None:
    """Hold every shared page at twice the size of a window of 1280 x 900 against being cut off."""
    session = page.context.new_cdp_session(page)
    size = {"width": 640, "height": 450, "deviceScaleFactor": 2, "mobile": False}
    session.send("Emulation.setDeviceMetricsOverride", size)
    for name in SHARED:
        page.goto(f"{address}/{name}")
        expect(page.locator("[data-testid=stMain] h1").first).to_be_attached(timeout=LONG_MS)
        page.wait_for_timeout(1500)
        assert page.evaluate("[innerWidth, devicePixelRatio]") == [640, 2]
        assert page.evaluate(CUT) == 0, name


@pytest.fixture
def ward(department_home):
    """A department with an urgent study whose every header would be markup, at two sites."""
    store = open_store(Settings(home=department_home))
    made = decisions(store, pack="xray", limit=1)[0]
    last = list_cases(store, "xray", OPEN)[-1].headers[0]
    headers = {**last, **HEADERS, "priority": "STAT", "study_uid": "1.2.901", "sop_uid": "1.2.902"}
    record_hostile(store, made, a_radiograph(95), "study", **headers)
    for stage in (Stage.SHADOW, Stage.SUPERVISED):
        deployments.deploy(
            store, "xray", HEADERS["institution"], stage, by=f"Grace {MARKUP}", evidence={},
            bundle=made.bundle, bundle_sha256=made.bundle_sha256, policy_id=made.policy_id,
        )  # fmt: skip
    for number in range(2):
        data = a_radiograph(96, PatientName=f"{IMAGE}^{number}", PatientID=f"{number} {IMAGE}")
        blobs.put_many(store.blobs, [data])
        receive(
            store, pack="xray", key=f"1.2.903 {MARKUP}", sha256=hashlib.sha256(data).hexdigest(),
            source=f"C-STORE:{MARKUP}", meta={"sop_class": f"1.2 {MARKUP}"},
        )  # fmt: skip
    receive(
        store, pack="xray", key=f"1.2.904 {MARKUP}", sha256="0" * 64, source=f"STOW-RS:{MARKUP}",
        meta={"sop_class": f"1.3 {MARKUP}"}, is_judged=False,
    )  # fmt: skip
    store.close()
    return department_home


def test_worklist_read_stages_and_received(page, serve, ward):
    spoken = HEADERS["patient_name"].replace("^", " ")
    page.goto(f"{serve(f'Ada {MARKUP}', ward)}/xray")
    check(page, "7 to read", f"Ada {MARKUP}")
    page.locator(".st-key-screen-Read button").click()
    page.locator("html[data-assay-case]").wait_for(state="attached", timeout=LONG_MS)
    check(page, f"STAT waits 0 min: {spoken}")
    page.keyboard.press("ArrowRight")
    expect(page.locator('[data-testid="stMain"] .assay-title')).to_have_text(spoken)
    page.get_by_text("Name what you see").click()
    check(page, CLASSES[2], f"detail {MARKUP}", HEADERS["view"])
    page.locator(".st-key-screen-Stages button").click()
    check(page, HEADERS["institution"], "Next step: automatic")
    page.locator(".st-key-screen-Received button").click()
    check(page, f"1.2.903 {MARKUP}", f"{IMAGE}^1", "1 set aside")
