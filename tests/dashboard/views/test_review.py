"""The review page: what it shows, and that each press writes what was meant, once."""

from __future__ import annotations

import json
import re
import struct
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from core.imaging.files import open_file, wrap_bytes
from core.records import blobs, reviews
from core.records.final_reads import final_reads
from core.records.store import new_decision, record
from core.records.worklist import next_case
from core.service.assessment.paths import assess_paths
from core.service.assessment.recording import assess_and_record
from core.service.bundles import archive
from core.service.bundles.archive import take
from core.settings import Settings
from core.types import Disposition, Finding, Reason, Verdict
from tests.dashboard.views.screen import plain, press, texts

NEGATIVE, POSITIVE, DEFER = Disposition.NEGATIVE, Disposition.POSITIVE, Disposition.DEFER


def pictures(page) -> int:
    return texts(page).count("<img ")


def pane(page) -> dict[str, object] | None:
    """What the viewer was given of its one picture; None where there is no viewer."""
    viewers = [one for one in page.get("bidi_component") if one.proto.bytes]
    if not viewers:
        return None
    data = viewers[0].proto.bytes
    length = struct.unpack_from("<I", data)[0]
    [found] = json.loads(data[4 : 4 + length])["panes"]
    return found


def settled(page):
    """Run until the heat map, worked out beside the page, is on it."""
    until = time.monotonic() + 60
    while "being worked out" in texts(page) and time.monotonic() < until:
        time.sleep(0.1)
        page.run()
    return page


def test_an_unreadable_file_comes_first_as_its_message_and_can_be_decided(page, store):
    shown = texts(page.run())
    assert "The bytes are no picture" in shown
    assert "no probability" in shown
    assert pictures(page) == 0
    assert pane(page) is None
    press(page, "FAIL")
    (written,) = final_reads(store, "parts")
    assert (written.key, written.disposition, written.reviewer) == ("torn", POSITIVE, "Ada")


def test_a_hostile_file_name_is_text(page):
    shown = texts(page.run())
    assert "torn &lt;b&gt;file.png" in shown
    assert "<b>file" not in shown


def test_the_worst_picture_is_shown_with_its_heat_limits_reasons_and_five_known_cases(page, store):
    torn = next_case(store, "parts")
    worst = next_case(store, "parts", after=torn.case_id)
    shown = texts(settled(press(page.run(), "Skip")))
    assert f">{worst.key}<" in shown
    assert "calibrated probability of FAIL" in shown
    assert "PASS up to" in shown
    assert "FAIL from" in shown
    assert "at or above the certified limit" in shown
    assert shown.count("distance ") == 5
    assert "scratched" in shown
    assert "Orange is evidence for FAIL" in shown
    assert pictures(page) == 5
    assert (pane(page)["kind"], pane(page)["heat"]["length"] > 100) == ("colour", True)
    assert pane(page)["full"].startswith("/assay-offered/")


def test_picture_and_verdict_do_not_wait_for_the_bundle(page, store, monkeypatch):
    may_open = threading.Event()

    def take_late(sha256, settings):
        may_open.wait(60)
        return take(sha256, settings)

    monkeypatch.setattr(archive, "take", take_late)
    try:
        press(page.run(), "Skip")
        assert pictures(page) == 0
        assert "heat" not in pane(page)
        assert "calibrated probability of FAIL" in texts(page)
        assert "being worked out" in texts(page)
        assert "PASS up to" not in texts(page)
        assert not any(button.disabled for button in page.button if plain(button) == "FAIL")
    finally:
        may_open.set()
    shown = texts(settled(page))
    assert "PASS up to" in shown
    assert pictures(page) == 5
    assert "heat" in pane(page)


def test_a_verdict_is_written_once_with_its_note_and_the_next_case_comes(page, store):
    first = next_case(store, "parts")
    second = next_case(store, "parts", after=first.case_id)
    press(page.run(), "Note")
    page.text_input(key="review_note_text").input("scratch at the <edge>").run()
    assert "scratch at the &lt;edge&gt;" in texts(page)
    press(page, "FAIL")
    (written,) = final_reads(store, "parts")
    assert (written.case_id, written.comment) == (first.case_id, "scratch at the <edge>")
    assert f">{second.key}<" in texts(page)
    assert "13 waiting, 1 done today" in texts(page)
    press(page, "PASS")
    newest, _ = final_reads(store, "parts")
    assert (newest.case_id, newest.disposition, newest.comment) == (second.case_id, NEGATIVE, "")


def test_a_press_on_a_case_that_is_no_longer_the_one_drawn_decides_nothing_and_says_so(page, store):
    page.run()
    page.session_state["shown"] = "another case"
    press(page, "FAIL")
    assert final_reads(store, "parts") == []
    assert "did not count" in page.toast[0].value


def test_pass_is_asked_for_where_nobody_can_see_the_picture_and_retake_is_the_answer(page, store):
    torn = next_case(store, "parts")
    press(page.run(), "PASS")
    assert final_reads(store, "parts") == []
    assert "Nobody can see this picture" in texts(page)
    press(page, "Yes, PASS without a picture")
    assert final_reads(store, "parts")[0].disposition is NEGATIVE
    press(page, "Undo")
    press(page, "Cannot judge, retake")
    [written] = final_reads(store, "parts")
    assert (written.case_id, written.disposition) == (torn.case_id, DEFER)


def test_a_case_that_arrives_meanwhile_does_not_take_the_place_of_the_one_being_read(
    page, store, tiny_product
):
    press(page.run(), "Skip")
    name = next_case(store, "parts", after=next_case(store, "parts").case_id).key
    assert f">{name}<" in texts(page)
    bundle, policy = tiny_product.opened()
    torn = wrap_bytes("another.png", b"no picture", "more urgent")
    list(assess_and_record(bundle, [torn], store, policy=policy, settings=tiny_product.settings))
    assert f">{name}<" in texts(page.run())
    assert "15 waiting" in texts(page)


def test_a_case_that_another_person_decided_meanwhile_is_left_as_it_is(page, store):
    page.run()
    reviews.review(store, next_case(store, "parts"), NEGATIVE, reviewer="Grace")
    press(page, "FAIL")
    assert [(r.reviewer, r.disposition) for r in final_reads(store, "parts")] == [
        ("Grace", NEGATIVE)
    ]
    assert "changed while it was open here" in page.toast[0].value


def test_nobody_decides_without_a_name(page, store, monkeypatch):
    monkeypatch.setenv("ASSAY_REVIEWER", "")
    page.run()
    assert "Write your name in the sidebar first" in texts(page)
    assert {plain(b) for b in page.button if b.disabled} == {
        "Cannot judge, retake", "PASS", "FAIL", "Undo"
    }  # fmt: skip
    page.text_input(key="typed_name").input("  Grace ").run()
    press(page, "FAIL")
    assert [r.reviewer for r in final_reads(store, "parts")] == ["Grace"]


def test_all_images_of_a_case_are_shown_and_one_verdict_covers_them(page, store):
    page.run()
    while ">plate-of-two<" not in texts(page):
        press(page, "Skip")
    settled(page)
    assert "image 1 of 2" in texts(page)
    assert pictures(page) == 2 + 5
    worst = pane(page)["key"]
    press(page, "2")
    assert pane(page)["key"] != worst
    assert "image 2 of 2" in texts(page)
    press(page, "FAIL")
    (written,) = final_reads(store, "parts")
    assert (written.key, written.images) == ("plate-of-two", 2)


def test_an_image_that_arrives_while_a_case_is_shown_voids_the_press(page, store, tiny_product):
    bundle, policy = tiny_product.opened()
    path = tiny_product.pictures("test", "scratched")[-1]
    page.run()
    (late,) = assess_paths(bundle, [path], policy=policy, settings=tiny_product.settings)
    record(store, [new_decision(replace(late, group="torn"), pack="parts", name="late.png")])
    press(page, "FAIL")
    assert final_reads(store, "parts") == []
    assert "image 1 of 2" in texts(page)


@pytest.fixture
def audited(store, tiny_product) -> Path:
    """An automatic PASS that was drawn for the audit, alone in the queue."""
    bundle, policy = tiny_product.opened()
    path = tiny_product.pictures("test", "good")[-1]
    (one,) = assess_paths(bundle, [path], policy=policy, settings=tiny_product.settings)
    drawn = Verdict(NEGATIVE, one.verdict.label, (Finding(Reason.AUDIT, ""),))
    data = open_file(path, Settings().max_bytes).data
    while (case := next_case(store, "parts")) is not None:
        reviews.review(store, case, POSITIVE, reviewer="Grace")
    blobs.put_many(store.blobs, [data])
    record(store, [new_decision(replace(one, verdict=drawn), pack="parts", name=path.name)])
    return path


def test_an_audited_case_is_judged_without_knowing_what_the_system_said(page, store, audited):
    shown = texts(page.run())
    assert audited.name in shown
    assert "Judge it as if nobody had" in shown
    for hidden in ("probability", "PASS up to", "distance", "Orange", "assay-word"):
        assert hidden not in re.sub(r"<style>.*?</style>", "", shown, flags=re.DOTALL)
    assert pictures(page) == 0
    assert "heat" not in pane(page)
    press(page, "PASS")
    assert final_reads(store, "parts")[0].disposition is NEGATIVE


def test_a_missing_bundle_is_said_and_the_case_can_still_be_decided(page, store, assessed_home):
    (assessed_home / "bundles").rename(assessed_home / "elsewhere")
    shown = texts(settled(press(page.run(), "Skip")))
    assert "has no bundle" in shown
    assert "assay-bar" in shown
    press(page, "FAIL")
    assert len(final_reads(store, "parts")) == 1


def test_cannot_judge_is_an_answer_where_the_picture_is_seen_too(page, store):
    press(press(page.run(), "Skip"), "Cannot judge, retake")
    assert final_reads(store, "parts")[0].disposition is DEFER


def test_a_page_that_was_left_under_an_open_window_goes_on_by_itself(page):
    page.run()
    page.button(key="open_keys").click().run()
    assert page.session_state["window_is_open"]
    page.run()  # as when a person goes back in the browser
    assert not page.session_state["window_is_open"]
