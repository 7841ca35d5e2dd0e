"""The worklist page: what it shows at each stage, and that a press writes what was meant, once."""

from __future__ import annotations

import json
import struct
import time
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import dashboard
import domains.xray
from core.records import audit, blobs, deployments, quarantine, queue, reviews
from core.records.case_list import listed
from core.records.connection import writing
from core.records.deployment import Stage
from core.records.intake import receive
from core.records.store import decisions, record
from core.records.values import NewDecision, now
from core.records.worklist import case_detail
from core.service.review import autonomy
from core.service.review.reading_list import OPEN
from core.settings import Settings
from core.types import Ceiling, Disposition
from domains.xray.worklist import received, showing
from tests.xray_worklist import FIRST_OPEN, OLD_STUDY, SITE, a_radiograph, open_again

APP = Path(dashboard.__file__).parent / "app.py"
NEGATIVE, POSITIVE, DEFER = Disposition.NEGATIVE, Disposition.POSITIVE, Disposition.DEFER
VERDICT_WORDS = ("assay-word", "probability", "assay-bar", "orange raises")


@pytest.fixture
def settings(department_home):
    return Settings(home=department_home)


@pytest.fixture
def page(department_home, monkeypatch):
    """The worklist page, read by Ada."""
    monkeypatch.setenv("ASSAY_HOME", str(department_home))
    monkeypatch.setenv("ASSAY_REVIEWER", "Ada")
    st.cache_resource.clear()
    opened = AppTest.from_file(APP, default_timeout=120)
    opened.session_state["pack"] = "parts"  # the page is the X-ray one whatever is chosen there
    opened.run().switch_page(str(domains.xray.pack.pages[0]))
    yield opened
    st.cache_resource.clear()


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
        for one in listed(store, "xray", OPEN)
    }


def test_conflicts_are_shown_with_both_sides_and_decided_under_a_name(page, store):
    names = ("Unknown^Male", "Meier^*Karl* <b>")
    files = [a_radiograph(FIRST_OPEN, StudyInstanceUID="1.9", PatientName=name) for name in names]
    for sha256 in blobs.put_many(store.blobs, files):
        receive(store, pack="xray", key="1.9.1", sha256=sha256, source="c-store:PACS")
    aside = {"sop_class": "1.2.840.10008.5.1.4.1.1.88.67"}
    receive(
        store, pack="xray", key="1.9.2", sha256="a" * 64, source="folder", meta=aside,
        is_judged=False,
    )  # fmt: skip
    assert "1 object differs" in texts(page.run())
    press(page, "Received")
    text = texts(page)
    assert "1 in conflict" in text
    assert "<td>Unknown^Male</td><td>Meier^*Karl* &lt;b&gt;</td>" in text
    assert "from PACS" in text
    assert page.dataframe[0].value["Class"].tolist() == ["X-Ray Radiation Dose SR Storage"]
    press(page, received.ACCEPT)
    text = texts(page)
    assert "0 in conflict" in text
    assert "Ada took the new object of 1.9.1" in text
    (decided,) = quarantine.resolutions(store, "xray")
    assert (decided.is_accepted, decided.resolved_by) == (True, "Ada")


@pytest.mark.parametrize("screen", ["Worklist", "Read"])
def test_an_empty_home_names_its_folder(tmp_path, monkeypatch, screen):
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "wrong place"))
    monkeypatch.setenv("ASSAY_REVIEWER", "Ada")
    st.cache_resource.clear()
    opened = AppTest.from_file(APP, default_timeout=120)
    opened.session_state["xray_screen"] = screen
    opened.run().switch_page(str(domains.xray.pack.pages[0])).run()

    assert f"This page shows {tmp_path / 'wrong place'}" in texts(opened)
    st.cache_resource.clear()


def test_at_audit_the_list_is_in_turn_behind_the_stat_and_tells_no_verdict(page):
    shown = page.run().dataframe[0].value
    assert "First come, first served" in texts(page)
    assert [patient(2) in shown["Patient"][0], shown["Priority"][0]] == [True, "STAT"]
    order = [row.split(" · ")[0] for row in shown["Patient"]]
    assert order == [patient(n) for n in (2, 0, 1, 3, 4, 5)]
    assert not {"Verdict", "Probability"} & set(shown.columns)
    assert set(shown["Why here"]) == {"STAT", ""}


def test_at_audit_neither_words_nor_heat_nor_order_of_images_tell_the_verdict(page, store):
    press(page.run(), "Read")
    for _ in range(6):
        text = texts(page)
        assert not any(word in text for word in VERDICT_WORDS)
        assert "the verdict is recorded and not shown" in text
        assert all("heat" not in pane for pane in panes(page))
        press(page, "NORMAL")
    assert len(reviews.reviewed(store, "xray")) == 6


def test_supervised_shows_the_proposed_order_with_words_probability_and_why(page, store):
    a_stage(store, Stage.SUPERVISED)
    shown = page.run().dataframe[0].value
    verdicts = cases(store)
    order = [row.split(" · ")[0] for row in shown["Patient"]]
    rank = {POSITIVE: 0, DEFER: 1, NEGATIVE: 2}
    assert order[0] == patient(2)
    assert [rank[verdicts[name]] for name in order[1:]] == sorted(
        rank[verdicts[name]] for name in order[1:]
    )
    assert list(shown["Verdict"]) == [domains.xray.pack.wording[verdicts[name]] for name in order]
    assert shown["Probability"].between(0, 1).all()
    assert len(shown) == 6


def test_a_study_that_was_old_when_it_came_is_kept_apart_and_can_be_opened(page):
    _, old = (frame.value for frame in page.run().dataframe)
    assert "1 study was over 365 days old on coming" in texts(page)
    [study] = old["Study"]
    assert (old["Patient"][0].split(" · ")[0], study[:10]) == (patient(0), "2024-02-03")


def test_a_study_that_names_two_patients_is_held_and_names_both(page, store):
    a_stage(store, Stage.SUPERVISED)
    first, second = (
        one
        for one in listed(store, "xray", OPEN)
        if one.headers[0]["patient_name"].endswith(("74", "77"))
    )
    key = first.item.key
    other = {"study_uid": key, "patient_birth_date": "19610203"}
    open_again(store, second, key, **other)
    shown = page.run().dataframe[0].value
    row = list(shown["Why here"].str.startswith("names different patients: number, name")).index(
        True
    )
    assert row == 1  # behind the STAT
    assert patient(1) in shown["Patient"][row]
    assert patient(4) in shown["Patient"][row]
    assert "One study, different patients (number, name)" in texts(page)
    assert "born 1961-02-03" in texts(page)
    assert (shown["Verdict"][row], shown["Study"][row].endswith("2 images")) == ("", True)
    press(press(page, "Read"), "Next")
    text = texts(page)
    assert "name different patients (number, name)" in text
    assert patient(1) in text
    assert patient(4) in text
    assert not any(word in text for word in VERDICT_WORDS)
    assert "heat" not in panes(page)[0]
    press(page, "ABNORMAL")
    assert patient(4) not in texts(page)
    assert reviews.reviewed(store, "xray")[0].case_id == first.item.case_id


def test_earlier_studies_are_the_same_persons_and_older_and_the_rest_is_said(page, store):
    own = next(one for one in listed(store, "xray", OPEN) if one.item.images == 2)
    changed = {
        "1.2.101": {"patient_issuer": "South", "study_date": "20200101"},
        "1.2.102": {"patient_birth_date": "19610203", "study_date": "20210101"},
        "1.2.103": {"study_date": "20990101"},
        "1.2.104": {"study_date": ""},
        "1.2.105": {"patient_name": "Other^Name", "study_date": "20220101"},
    }
    open_again(store, own, "1.2.100", patient_issuer="North", patient_birth_date="")
    for key, tags in changed.items():
        open_again(store, own, key, **tags)
    press(page.run(), "Worklist")
    page.session_state["xray_case"] = next(
        one.item.case_id for one in listed(store, "xray", OPEN) if one.item.key == "1.2.100"
    )
    press(page, "Read")
    dates = [plain(one).split()[-1] for one in page.button if one.label.startswith("Compare")]
    # Its own second picture, and the studies of 2021 and 2024.
    assert dates[1:] == ["2024-02-03", "2021-01-01"]
    text = texts(page)
    assert "2 not surely of this person" in text
    assert "2 newer" in text
    assert "1 without a study date" in text


def test_two_sites_open_the_page_and_each_case_is_ruled_by_its_own(page, store):
    a_stage(store, Stage.SUPERVISED)
    [stat] = [one for one in listed(store, "xray", OPEN) if "priority" in one.headers[0]]
    open_again(store, stat, "1.2.9", institution="South Clinic", priority="")
    shown = page.run().dataframe[0].value
    text = texts(page)
    assert "South Clinic: Audit" in text
    assert f"{SITE}: Supervised" in text
    south = [row == "" for row in shown["Verdict"]]
    assert (len(shown), sum(south)) == (7, 1)
    assert shown["Patient"][south.index(True)].startswith(patient(2))
    [box] = [one for one in page.selectbox if one.label == "Site"]
    box.select("South Clinic").run()
    assert len(page.dataframe[0].value) == 1
    assert "Verdict" not in page.dataframe[0].value
    page.run()
    assert len(page.dataframe[0].value) == 1


def test_a_verdict_key_writes_one_review_and_the_next_case_comes(page, store):
    a_stage(store, Stage.SUPERVISED)
    press(page.run(), "Read")
    assert f">{patient(2)}<" in texts(page)
    assert "assay-word" in texts(page)
    press(page, "ABNORMAL")
    [review] = reviews.reviewed(store, "xray")
    assert (review.disposition, review.reviewer) == (POSITIVE, "Ada")
    assert f">{patient(2)}<" not in texts(page)
    assert "1 of 5 to read" in texts(page)
    press(page, "Undo")
    assert f">{patient(2)}<" in texts(page)
    assert reviews.reviewed(store, "xray") == []


def test_a_case_that_another_reader_answered_meanwhile_is_left_as_it_is(page, store):
    press(page.run(), "Read")
    stat = next(one for one in listed(store, "xray", OPEN) if "priority" in one.headers[0])
    reviews.review(store, stat.item, NEGATIVE, reviewer="Grace")
    press(page, "ABNORMAL")
    assert [(r.reviewer, r.disposition) for r in reviews.reviewed(store, "xray")] == [
        ("Grace", NEGATIVE)
    ]
    assert "changed since it was shown" in page.toast[0].value


def test_a_blind_first_read_covers_the_verdict_until_the_answer_and_keeps_both(page, store):
    a_stage(store, Stage.SUPERVISED)
    press(page.run(), "Read")
    page.toggle[0].set_value(True).run()
    covered = texts(page)
    assert not any(word in covered for word in VERDICT_WORDS)
    assert "uncovered after you have answered" in covered
    press(page, "ABNORMAL")
    shown = texts(page)
    assert f">{patient(2)}<" in shown
    assert "assay-word" in shown
    verdict = {NEGATIVE: "differs", POSITIVE: "is the same", DEFER: "left it to you"}
    stat = case_detail(store, reviews.reviewed(store, "xray")[0].case_id).item
    assert f"You answered ABNORMAL. The verdict {verdict[stat.disposition]}" in shown
    [first] = reviews.reviewed(store, "xray")
    press(page, "NORMAL")
    assert f">{patient(2)}<" not in texts(page)
    assert not any(word in texts(page) for word in VERDICT_WORDS)
    rows = case_detail(store, first.case_id).reviews
    assert [(row.kind, row.disposition) for row in rows] == [
        ("review", POSITIVE),
        ("review", NEGATIVE),
    ]


def test_a_blind_answer_that_is_kept_is_written_once(page, store):
    a_stage(store, Stage.SUPERVISED)
    press(page.run(), "Read")
    page.toggle[0].set_value(True).run()
    press(press(page, "NORMAL"), "NORMAL")
    [review] = reviews.reviewed(store, "xray")
    assert len(case_detail(store, review.case_id).reviews) == 1
    assert f">{patient(2)}<" not in texts(page)


def test_a_comment_is_kept_with_the_answer(page, store):
    press(press(page.run(), "Read"), "Comment")
    page.text_input(key="xray_note_text").input("rib <fracture>").run()
    assert "rib &lt;fracture&gt;" in texts(page)
    press(page, "ABNORMAL")
    assert reviews.reviewed(store, "xray")[0].comment == "rib <fracture>"


def test_images_of_the_study_and_of_earlier_studies_come_beside_it(page, store):
    press(press(page.run(), "Read"), "Next")
    assert f">{patient(0)}<" in texts(page)
    compared = [plain(button) for button in page.button if button.label.startswith("Compare")]
    assert len(panes(page)) == 1
    dates = set()
    for label in compared:
        press(page, label)
        assert len(panes(page)) == 2
        dates.add(panes(page)[1]["title"].split("\n")[1][:10])
        press(page, label)
        assert len(panes(page)) == 1
    headers = [one.headers[0] for one in listed(store, "xray", OPEN)]
    own = [one for one in headers if one["patient_name"].replace("^", " ") == patient(0)]
    assert dates & {showing.date_text_of((one,)) for one in own} == dates != set()
    assert len(compared) in (1, 2)


def test_every_picture_carries_the_words_and_the_patient(page):
    press(page.run(), "Read")
    [pane] = panes(page)
    assert pane["disclaimer"] == "Research and decision support"
    assert patient(2) in pane["title"]
    assert (pane["plate"]["height"], pane["plate"]["width"]) == (224, 256)


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
    open_cases = listed(store, "xray", OPEN)
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
    assert set(apart[0]["Verdict"]) == {"NORMAL"}
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


def test_what_is_received_and_not_judged_is_said(page, store):
    with writing(store) as connection:
        queue.add(connection, "assess", "1.2.3", pack="xray", payload={}, at=now())
    assert "1 received image is not judged yet" in texts(page.run())


def test_a_missing_picture_is_said_in_its_place(page, store, department_home):
    (department_home / "blobs").rename(department_home / "elsewhere")
    press(page.run(), "Read")
    [pane] = panes(page)
    assert "plate" not in pane
    assert pane["missing"]
    assert "Errno" not in pane["missing"]
    press(page, "NORMAL")
    assert reviews.reviewed(store, "xray") == []
    press(page, "Cannot judge, retake")
    assert reviews.reviewed(store, "xray")[0].disposition is DEFER
