"""Stages of autonomy on the page: released under a name, on evidence, and what they change."""

from __future__ import annotations

import time
from dataclasses import replace

import domains.xray
from core.records import audit, deployments
from core.records.case_list import list_cases
from core.records.deployment import Stage
from core.records.new_decision import NewDecision
from core.records.store import decisions, record
from core.service.review import autonomy
from core.service.review.reading_list import OPEN
from core.types import Ceiling
from tests.domains.xray.pages.screens import (
    NEGATIVE,
    a_stage,
    plain,
    press,
    texts,
)
from tests.xray_worklist import OLD_STUDY, SITE


def test_nobody_answers_or_releases_without_a_name(page):
    page.session_state["reviewer"] = ""
    press(page.run(), "Read")
    assert {"NORMAL", "ABNORMAL"} <= {plain(b) for b in page.button if b.disabled}
    press(page, "Stages")
    assert page.checkbox[0].disabled
    assert next(b for b in page.button if b.label == "Release shadow").disabled


def test_a_stage_is_released_with_name_confirmation_and_evidence(page, store):
    press(press(page.run(), "Read"), "NORMAL")
    press(page, "Stages")
    assert "North Hospital" in texts(page)
    assert next(b for b in page.button if b.label == "Release shadow").disabled
    page.checkbox[0].check().run()
    press(page, "Release shadow")
    [one] = deployments.history(store, "xray", SITE)
    assert (one.stage, one.deployed_by, one.evidence["reads"]) == (Stage.SHADOW, "Ada", 1)
    made = decisions(store, pack="xray", limit=1)[0]
    assert one.covers(made.bundle, made.policy_id)
    press(page, "Back to audit")
    assert deployments.stage_of(store, "xray", SITE) is Stage.AUDIT
    assert audit.verify(store).faults == ()


def test_each_site_names_what_judges_there_and_no_site_the_newest_verdict_of_another(page, store):
    made = decisions(store, pack="xray", limit=1)[0]
    other = replace(made, bundle="other@1", bundle_sha256="1" * 64, product="South", policy_id="p9")
    new = NewDecision("1.2.9", "a.dcm", "a.dcm", other, {"site": "South"}, spans_products=True)
    record(store, [new])
    press(page.run(), "Stages")
    shown = texts(page)
    north, south = shown.split(">South<")
    assert f"In use: {made.bundle}, policy {made.policy_id}" in north
    assert "other@1" not in north
    assert "In use: other@1, policy p9" in south
    page.checkbox[0].check().run()
    press(page, "Release shadow")
    assert deployments.newest(store, "xray", SITE).covers(made.bundle, made.policy_id)


def test_automatic_is_not_to_be_had_on_three_reads_and_the_page_says_what_is_missing(
    page, store, monkeypatch
):
    monkeypatch.setattr(domains.xray, "pack", replace(domains.xray.pack, ceiling=Ceiling(0.3, 5)))
    a_stage(store, Stage.SUPERVISED)
    press(page.run(), "Read")
    for word in ("ABNORMAL", "NORMAL", "ABNORMAL"):
        press(page, word)
    press(page, "Stages")
    until = time.monotonic() + 120
    while "not at hand" in texts(page) and time.monotonic() < until:
        time.sleep(0.1)  # the bundle is opened in the background
        page.run()
    text = texts(page)
    assert "3 of at least 100 cases were read since supervised was released here: 97 more" in text
    assert "more without a miss" in text
    assert "A typed name is no proof of who somebody is" in text
    assert not any(button.label == "Release automatic" for button in page.button)
    monkeypatch.setattr(autonomy, "MIN_READS", 3)
    monkeypatch.setattr(
        domains.xray, "pack", replace(domains.xray.pack, ceiling=Ceiling(0.9999, 1))
    )
    page.run()
    page.checkbox[0].check().run()
    press(page, "Release automatic")
    one = deployments.newest(store, "xray", SITE)
    assert (one.stage, one.evidence["supervised_reads"]) == (Stage.AUTOMATIC, 3)
    monkeypatch.setattr(autonomy, "MIN_READS", 100)
    assert "What has been read since contradicts it" in texts(page.run())


def test_automatic_lists_certified_negatives_apart(page, store, monkeypatch):
    # The phantoms are fewer than the pack asks for.
    monkeypatch.setattr(domains.xray, "pack", replace(domains.xray.pack, ceiling=Ceiling(0.3, 5)))
    a_stage(store, Stage.AUTOMATIC)
    open_cases = list_cases(store, "xray", OPEN)
    normal = [
        one
        for one in open_cases
        if one.item.disposition is NEGATIVE
        and "priority" not in one.headers[0]
        and one.item.key != OLD_STUDY
    ]
    until, apart = time.monotonic() + 120, []
    # The bundle is opened in the background: until it says what is certified, all are to be read.
    while not (len(apart) == 2 and len(apart[0]) == len(normal)) and time.monotonic() < until:
        read, *apart = (frame.value for frame in page.run().dataframe)
        time.sleep(0.1)
    assert 0 < len(apart[0]) == len(normal)
    assert len(read) == len(open_cases) - len(normal) - 1
    assert set(apart[0]["Verdict"]) == {"● NORMAL"}
    assert "need not be read" in texts(page)


def test_without_the_bundle_nothing_is_certified_and_everybody_is_read(
    page, store, department_home
):
    a_stage(store, Stage.AUTOMATIC)
    (department_home / "bundles").rename(department_home / "elsewhere")
    assert [len(frame.value) for frame in page.run().dataframe] == [6, 1]
    press(page, "Stages")
    assert page.checkbox == [] or not any(b.label == "Release automatic" for b in page.button)
    texts(page)
