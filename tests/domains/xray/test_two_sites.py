"""One study, sent to the nodes of two sites: one case, ruled by the more careful stage."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from core.records import case_list, deployments, worklist
from core.records.audit import verify
from core.records.case_status import QueueState
from core.records.connection import reading, writing
from core.records.deployment import Stage
from core.records.job import ASSESS, State
from core.records.store import cases_of, decisions, new_decision, record
from core.records.tables import CASES, JOBS, RECEIPTS
from core.records.values import now
from core.service.review.reading_list import OPEN, is_hidden, reading_list
from core.types import Disposition
from domains.xray import pack
from domains.xray.worklist.rules import RULES, sites_of
from tests.core.records.conftest import an_assessment
from tests.domains.xray.wire import a_node, an_object, calling

STUDY = "1.2.826.77"
FRONTAL, LATERAL = (an_object(name, study=STUDY) for name in ("1", "2"))


def send(home, site, *objects):
    with a_node(home, port=0, site=site) as (_, listener), calling(listener.port) as association:
        return [association.send_c_store(one).Status for one in objects]


@pytest.fixture
def home(tmp_path):
    """The frontal view goes to North and then to South, the lateral one to South alone."""
    assert send(tmp_path, "North", FRONTAL) == [0]
    assert send(tmp_path, "South", FRONTAL, LATERAL) == [0, 0]
    assert send(tmp_path, "South", FRONTAL) == [0]
    return tmp_path


@pytest.fixture
def received(home):
    with a_node(home, port=0) as (store, _):
        yield store


def judge(store, p=0.1):
    """Record a verdict of every job, as a worker does of pictures that a bundle has read."""
    with reading(store) as connection:
        jobs = connection.execute(select(JOBS).where(JOBS.c.kind == ASSESS)).mappings().all()
    for job in jobs:
        payload = json.loads(job["payload"])
        one = an_assessment(p=p, group=STUDY)
        one = replace(one, sha256=payload["sha256"], meta={"site": payload["site"]})
        new = new_decision(
            one,
            pack="xray",
            name=payload["sha256"][:12],
            product=job["product"],
            spans_products=pack.has_unique_groups,
        )
        record(store, [new])
    with writing(store) as connection:
        connection.execute(update(JOBS).values(state=State.DONE))
    return {job["product"] for job in jobs}


def release(store, **stages):
    for site, stage in stages.items():
        for step in list(Stage)[1 : stage.step + 1]:
            deployments.deploy(
                store, "xray", site, step, by="Ada", bundle="widgets@0123456789ab",
                bundle_sha256="b" * 64, policy_id="policy-1",
            )  # fmt: skip
    return deployments.by_product(store, "xray")


def listing(store, releases, site=None):
    cases = case_list.list_cases(store, "xray", OPEN)
    return reading_list(
        cases, releases, RULES, now=now(), is_certified=lambda case: True, site=site
    )


def test_each_site_has_its_receipt_and_an_object_is_judged_once_for_the_first(received):
    with reading(received) as connection:
        columns = (RECEIPTS.c.key, RECEIPTS.c.product, RECEIPTS.c.state)
        rows = [tuple(row) for row in connection.execute(select(*columns))]
        jobs = connection.execute(select(JOBS.c.product)).scalars().all()
    assert sorted(rows) == [
        (f"{STUDY}.1", "North", "kept"),
        (f"{STUDY}.1", "South", "again"),
        (f"{STUDY}.2", "South", "kept"),
    ]
    assert sorted(jobs) == ["North", "South"]
    assert verify(received).faults == ()


def test_a_study_is_one_case_with_each_picture_judged_for_its_own_site(received):
    assert judge(received) == {"North", "South"}
    with reading(received) as connection:
        (case,) = connection.execute(select(CASES)).mappings().all()
    assert (case["key"], case["product"]) == (STUDY, "")
    detail = worklist.case_detail(received, case["id"])
    assert sorted(image.decision.product for image in detail.images) == ["North", "South"]
    assert {*sites_of(tuple(image.meta for image in detail.images))} == {"North", "South"}
    assert detail.item.queue_state is QueueState.NEGATIVE
    assert {name for one in decisions(received) for name in cases_of(received, one)} == {case["id"]}
    assert verify(received).faults == ()


def test_one_abnormal_picture_of_either_site_makes_the_study_abnormal(received):
    judge(received)
    worse = an_assessment(b"third", p=0.95, group=STUDY)
    record(
        received,
        [new_decision(worse, pack="xray", name="third", product="South", spans_products=True)],
    )
    item = worklist.next_case(received, "xray")
    assert (item.disposition, item.images) == (Disposition.POSITIVE, 3)
    assert case_list.list_cases(received, "xray", (QueueState.NEGATIVE,)) == []


@pytest.mark.parametrize(
    ("stages", "is_cleared", "hidden"),
    [
        ({"North": Stage.AUTOMATIC, "South": Stage.AUTOMATIC}, True, False),
        ({"North": Stage.AUTOMATIC, "South": Stage.SUPERVISED}, False, False),
        ({"North": Stage.SUPERVISED, "South": Stage.AUTOMATIC}, False, False),
        ({"North": Stage.AUTOMATIC, "South": Stage.SHADOW}, False, True),
        ({"North": Stage.AUTOMATIC}, False, True),
    ],
)
def test_the_more_careful_stage_rules(received, stages, is_cleared, hidden):
    judge(received)
    releases = release(received, **stages)
    found = listing(received, releases)
    (entry,) = found.cleared if is_cleared else found.to_read
    assert (len(found.cleared), entry.is_hidden) == (int(is_cleared), hidden)
    detail = worklist.case_detail(received, entry.case.item.case_id)
    headers = tuple(image.meta for image in detail.images)
    assert is_hidden(headers, "widgets@0123456789ab", releases, RULES) is hidden
    for site in ("North", "South"):
        assert len(listing(received, releases, site).cleared) == int(is_cleared)
        assert [*listing(received, releases, site).stages] == [site]


def test_a_study_of_one_picture_that_two_sites_sent_is_ruled_by_both(tmp_path):
    send(tmp_path, "North", FRONTAL)
    send(tmp_path, "South", FRONTAL)
    with a_node(tmp_path, port=0) as (store, _):
        judge(store)
        assert listing(store, release(store, North=Stage.AUTOMATIC)).cleared == ()
        assert len(listing(store, release(store, South=Stage.AUTOMATIC)).cleared) == 1


def test_a_site_without_a_name_counts_by_its_institution():
    also = {"site": "North", "institution": "Clinic", "other_products": "\nSouth"}
    assert sites_of((also,)) == ("North", "Clinic", "South")
    assert sites_of(({"site": "North", "institution": "Clinic"}, {})) == ("North",)
    assert sites_of(()) == ("",)
