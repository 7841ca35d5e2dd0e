"""The worklist: its order at each stage, what it tells, and what came and is not judged."""

from __future__ import annotations

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import domains.xray
from core.records import blobs, quarantine, queue
from core.records.case_list import list_cases
from core.records.connection import writing
from core.records.deployment import Stage
from core.records.final_reads import final_reads
from core.records.intake import receive
from core.records.values import now
from core.service.review.reading_list import OPEN
from core.types import Disposition
from dashboard import present
from domains.xray.worklist import received
from tests.domains.xray.pages.screens import (
    APP,
    DEFER,
    NEGATIVE,
    POSITIVE,
    VERDICT_WORDS,
    a_stage,
    cases,
    panes,
    patient,
    press,
    texts,
)
from tests.xray_worklist import FIRST_OPEN, SITE, a_radiograph, open_again


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
    marks = {one: present.verdict_mark(one, domains.xray.pack.wording[one]) for one in Disposition}
    assert list(shown["Verdict"]) == [str(marks[verdicts[name]]) for name in order]
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
        for one in list_cases(store, "xray", OPEN)
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
    assert final_reads(store, "xray")[0].case_id == first.item.case_id


def test_two_sites_open_the_page_and_each_case_is_ruled_by_its_own(page, store):
    a_stage(store, Stage.SUPERVISED)
    [stat] = [one for one in list_cases(store, "xray", OPEN) if "priority" in one.headers[0]]
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


def test_what_is_received_and_not_judged_is_said(page, store):
    with writing(store) as connection:
        queue.add(connection, "assess", "1.2.3", pack="xray", payload={}, at=now())
    assert "1 received image is not judged yet" in texts(page.run())
