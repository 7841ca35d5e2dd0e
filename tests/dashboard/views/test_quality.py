"""The page of quality: figures of the store, and sliders that change nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from core.people import Person
from core.records import deployments, reviews
from core.records.new_decision import NewDecision
from core.records.preferences import preference_of
from core.records.proposals import list_proposals
from core.records.store import decisions, record
from core.records.worklist import next_case
from core.service.bundles.deployments import Signed, deploy_bundle
from core.types import Disposition
from tests.dashboard.views.screen import texts


@pytest.fixture
def quality(page):
    def show():
        page.switch_page("views/quality.py").run()
        assert not page.exception, page.exception
        return page

    page.run()
    return show


def slider(page, label):
    return next(one for one in page.select_slider if one.label == label)


def button(page, label):
    return next(one for one in page.button if one.label == label)


def test_the_page_shows_curves_of_the_held_out_cases_and_says_what_is_missing(quality, store):
    page = quality()
    shown = texts(page)
    assert f"{len(decisions(store))} pictures (all)" in shown
    assert "Nobody has answered a case of this stretch of time" in shown
    figures = [json.loads(one.proto.spec) for one in page.get("plotly_chart")]
    assert [part["name"] for part in figures[0]["data"] if "name" in part] == [
        "a perfect predictor, 95 %", "observed",
    ]  # fmt: skip
    assert "72 cases. Calibration error" in shown


def test_answers_fill_the_matrix_and_each_cell_opens_its_cases(quality, store):
    answers = (Disposition.NEGATIVE, Disposition.POSITIVE, Disposition.NEGATIVE)
    cases = []
    for answer in answers:
        item = next_case(store, "parts")
        reviews.review(store, item, answer, reviewer="Ada")
        cases.append(item)
    page = quality()
    rows = texts(page)
    assert '<th scope="row">good parts</th><td>0</td><td>1</td><td>1</td>' in rows
    assert '<th scope="row">defective parts</th><td>0</td><td>0</td><td>1</td>' in rows
    assert "no random sample" in rows
    (pills,) = page.button_group
    assert pills.options[0] == "FAIL\\, people found good parts \\(1\\)"
    pills.select("FAIL, people found good parts").run()
    links = [one.proto.query_string for one in page.get("page_link")]
    assert f"case={cases[2].case_id}" in links


def test_a_slide_shows_what_would_flip_and_changes_nothing(quality, store, tiny_product):
    page = quality()
    assert "These are the limits in force." in texts(page)
    assert button(page, "Propose this policy").disabled
    slider(page, "Escape at most").set_value(0.05).run()
    assert not page.exception
    shown = texts(page)
    assert "Not certifiable: needs at least" in shown
    assert "certification number 2 on the same held-out cases" in shown
    passed = [one for one in decisions(store) if one.disposition is Disposition.NEGATIVE]
    assert f"{len(passed)} past verdicts would be another one" in shown
    assert any("PASS → REVIEW" in one.proto.label for one in page.get("page_link"))
    assert list_proposals(store) == []


def test_a_policy_is_proposed_by_a_button_and_nothing_is_deployed_by_it(
    quality, store, tiny_product, settings
):
    deploy_bundle(
        tiny_product.bundle, store, settings, product="", signed=Signed(Person.alone("Eve"))
    )
    number = deployments.last_number(store)
    page = quality()
    slider(page, "Escape at most").set_value(0.15).run()
    button(page, "Propose this policy").click().run()
    assert not page.exception
    (made,) = list_proposals(store)
    assert (made.proposed_by, made.pack, made.evidence["window"]["weeks"]) == ("Ada", "parts", 4)
    assert deployments.last_number(store) == number


def test_a_persons_own_costs_are_kept(quality, store):
    page = quality()
    box = next(one for one in page.number_input if one.label == "One escape")
    assert box.value == 100.0
    box.set_value(250.0).run()
    kept = preference_of(store, "costs", Person.alone("Ada"))
    assert kept == {"escape": 250.0, "overkill": 10.0, "review": 1.0}
    again = quality()
    assert next(one for one in again.number_input if one.label == "One escape").value == 250.0


def test_an_empty_store_says_what_to_do_first(page, assessed_home):
    for file in assessed_home.glob("assay.sqlite*"):
        file.unlink()
    page.run()
    page.switch_page("views/quality.py").run()
    assert not page.exception
    assert "assay assess" in texts(page)


def test_sites_and_cameras_are_told_apart_with_their_intervals(quality, store):
    made = decisions(store)[0]
    for site, camera in (("north", "left"), ("south", "right")):
        called = replace(
            made, content_key=site * 4, disposition=Disposition.POSITIVE, positive_probability=0.999
        )
        meta = {"site": site, "camera": camera, "patient_name": "DOE^JANE"}
        record(store, [NewDecision(site, "x.png", "x.png", called, meta)])
        item = next_case(store, "parts")
        while item.key != site:
            item = next_case(store, "parts", after=item.case_id)
        reviews.review(store, item, Disposition.NEGATIVE, reviewer="Ada")
    page = quality()
    row = (
        '<th scope="row">{}</th><td>1</td><td>none decided so</td>'
        "<td>100 % (95 % interval 100 to 100 %; 1 answers stand for 1 cases)</td>"
    )
    assert row.format("north") in texts(page)
    assert row.format("south") in texts(page)
    (column,) = (one for one in page.selectbox if one.label == "Column")
    assert column.options == ["site", "camera"]
    column.set_value("camera").run()
    assert row.format("left") in texts(page)
    assert "DOE" not in texts(page)
