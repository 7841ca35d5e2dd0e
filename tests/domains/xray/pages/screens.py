"""The worklist page as a test reads and presses it."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import dashboard
from core.records import deployments
from core.records.case_list import list_cases
from core.records.deployment import Stage
from core.records.store import decisions
from core.service.review.reading_list import OPEN
from core.types import Disposition
from tests.xray_worklist import FIRST_OPEN, SITE

APP = Path(dashboard.__file__).parent / "app.py"
NEGATIVE, POSITIVE, DEFER = Disposition.NEGATIVE, Disposition.POSITIVE, Disposition.DEFER
VERDICT_WORDS = ("assay-word", "probability", "assay-bar", "orange raises")


def a_stage(store, stage: Stage) -> None:
    """Release every stage up to one, as a person would."""
    made = decisions(store, pack="xray", limit=1)[0]
    for one in list(Stage)[1 : stage.step + 1]:
        deployments.deploy(
            store, "xray", SITE, one, by="Grace", evidence={}, bundle=made.bundle,
            bundle_sha256=made.bundle_sha256, policy_id=made.policy_id,
        )  # fmt: skip


def texts(page) -> str:
    assert not page.exception, page.exception
    bodies = [element.proto.body for element in page.get("html")]
    text = "\n".join(body for body in bodies if not body.startswith("<style>"))
    assert "Research and decision support" in text
    return text


def press(page, label: str):
    next(button for button in page.button if plain(button) == label).click()
    return page.run()


def plain(button) -> str:
    """The button's word without the key behind it, and without what escapes it."""
    return button.label.split(" `")[0].replace("\\", "")


def panes(page) -> list[dict[str, object]]:
    [viewer] = [one for one in page.get("bidi_component") if one.proto.bytes]
    data = viewer.proto.bytes
    length = struct.unpack_from("<I", data)[0]
    return json.loads(data[4 : 4 + length])["panes"]


def patient(number: int) -> str:
    return f"COMPUTED {FIRST_OPEN + number:04}"


def cases(store) -> dict[str, Disposition]:
    return {
        one.headers[0]["patient_name"].replace("^", " "): one.item.disposition
        for one in list_cases(store, "xray", OPEN)
    }
