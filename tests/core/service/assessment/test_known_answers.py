"""A picture on which a person corrected a verdict does not pass against them when it comes back."""

from __future__ import annotations

import threading
import time

import cv2
import numpy as np
import pytest
from sqlalchemy import event

from core.imaging.files import wrap_bytes
from core.jobs.worker import work
from core.people import Person
from core.records import audit, blobs, worklist
from core.records.intake import receive
from core.records.store import cases_of, decision, decisions
from core.service.assessment.assessor import Assessor
from core.service.assessment.known_answers import KnownAnswers
from core.service.assessment.recording import assess_and_record, record_one
from core.service.assessment.replay import replay
from core.service.bundles.deployments import Signed, deploy_bundle
from core.service.review.review import decide
from core.service.review.undo import last_review, undo
from core.types import Disposition, Reason

ADA = Person.alone("Ada")


@pytest.fixture
def settings(tiny_product, tmp_path):
    return tiny_product.settings_at(tmp_path / "home")


@pytest.fixture
def opened(tiny_product, store, settings):
    deploy_bundle(
        tiny_product.bundle, store, settings, product="left", signed=Signed(Person.alone("Ada"))
    )
    return tiny_product.opened()


@pytest.fixture
def plates(tiny_product):
    return [path.read_bytes() for path in tiny_product.pictures("test", "good")]


@pytest.fixture
def assess(store, settings, opened):
    """Judge pictures into the store, a case each; return what is on record."""

    def _assess(*pictures, prefix="part"):
        bundle, policy = opened
        files = [
            wrap_bytes(f"{prefix}-{at}.png", one, f"{prefix}-{at}")
            for at, one in enumerate(pictures)
        ]
        done = assess_and_record(
            bundle, files, store, policy=policy, settings=settings, product="left", audit_share=1.0
        )
        return [decision(store, one.decision) for one in done]

    return _assess


@pytest.fixture
def correct(store):
    """Say of the case of a decision what a person says."""

    def _correct(made, disposition=Disposition.POSITIVE):
        (case, *_) = cases_of(store, made)
        item = worklist.case_detail(store, case).item
        assert decide(store, item, disposition, by=ADA, label="scratched")
        return case

    return _correct


def test_pictures_are_looked_up_in_batches(store, plates, assess):
    asked = []

    def note(connection, cursor, statement, *rest):
        if "reviews.reviewed_at" in statement and "images.content_key IN" in statement:
            asked.append(statement)

    event.listen(store.engine, "before_cursor_execute", note)
    try:
        assess(*plates[:3], prefix="batch")
    finally:
        event.remove(store.engine, "before_cursor_execute", note)
    assert len(asked) == 1


def as_png(data):
    """Save the same pixels in other bytes."""
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    return cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


def passed(found):
    return next(one for one in found if one.disposition is Disposition.NEGATIVE)


def of(store, settings, bundle):
    """Return the answers, read once."""
    known = KnownAnswers(store, bundle, settings)
    known.refresh()
    return known


def saved_anew(data, quality=90):
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def test_the_same_bytes_under_another_name_are_deferred_and_say_who_corrected_what(
    store, settings, opened, plates, assess, correct
):
    made = passed(assess(*plates))
    data = blobs.get(store.blobs, made.sha256)
    correct(made)
    (again,) = assess(data, prefix="again")
    assert (again.disposition, again.wording) == (Disposition.DEFER, "REVIEW")
    (reason,) = [one for one in again.findings if one.reason is Reason.CORRECTED]
    assert "Ada called it FAIL (scratched) on 20" in reason.detail
    assert "the verdict now was PASS." in reason.detail
    assert again.positive_probability == made.positive_probability
    assert again.supersedes == made.id
    # What is on record can be made again, what a person answered taken off.
    assert replay(again.id, store, settings) == []
    assert audit.verify(store).faults == ()
    # Judged once more it is the same decision, not another one.
    count = len(decisions(store))
    assert assess(data, prefix="third")[0].id == again.id
    assert len(decisions(store)) == count


def test_a_copy_in_other_bytes_is_deferred_and_other_pictures_are_not(
    store, settings, opened, plates, assess, correct
):
    bundle, policy = opened
    found = assess(*plates)
    made = passed(found)
    data = blobs.get(store.blobs, made.sha256)
    case = correct(made)
    known = of(store, settings, bundle)
    with Assessor(bundle, policy, settings, "left") as plain:
        verdicts = []
        for copy in (as_png(data), saved_anew(data), saved_anew(data, 75)):
            sample = next(iter(plain.many([wrap_bytes("copy.jpg", copy)])))
            (held_back,) = known.check([(sample.frame, sample.assessment)], "left")
            verdicts.append(sample.assessment.verdict.disposition)
            assert held_back.verdict.disposition is Disposition.DEFER
            assert f"a copy of (case {case})" in held_back.verdict.message
        for other in plates:
            if other != data:
                sample = next(iter(plain.many([wrap_bytes("other.png", other)])))
                judged = [(sample.frame, sample.assessment)]
                assert known.check(judged, "left") == [sample.assessment]
    assert verdicts[0] is Disposition.NEGATIVE


def test_who_agrees_cannot_tell_or_takes_it_back_stops_nothing(
    store, settings, opened, plates, assess, correct
):
    bundle, _ = opened
    found = [one for one in assess(*plates) if one.disposition is Disposition.NEGATIVE][:3]
    agreed, unclear, undone = found
    correct(agreed, Disposition.NEGATIVE)
    correct(unclear, Disposition.DEFER)
    correct(undone)
    stored = last_review(store, ["parts"], ADA)
    assert undo(store, stored, by=ADA)
    again = assess(*(blobs.get(store.blobs, one.sha256) for one in found), prefix="again")
    assert {one.disposition for one in again} == {Disposition.NEGATIVE}
    assert of(store, settings, bundle)._copied is not None


def test_a_worker_that_runs_and_a_live_caller_defer_it_too(
    store, settings, opened, plates, assess, correct
):
    made = passed(assess(*plates))
    data = blobs.get(store.blobs, made.sha256)
    correct(made)
    copy = as_png(data)
    bundle, policy = opened
    with Assessor(bundle, policy, settings, "left", of(store, settings, bundle)) as assessor:
        until = time.monotonic() + 20
        while not len(assessor._answers._answers) and time.monotonic() < until:
            time.sleep(0.05)
        live = record_one(assessor, store, copy, name="live", group="live", product="left")
    assert live.assessment.verdict.disposition is Disposition.DEFER
    (sha256,) = blobs.put_many(store.blobs, [data])
    receive(
        store, pack="parts", product="left", key="sent", sha256=sha256, source="a test",
        meta={"group": "sent"},
    )  # fmt: skip
    work([], store, settings, stop=threading.Event(), once=True, lanes=["assess"])
    latest = decisions(store, limit=1)[0]
    assert (latest.sha256, latest.disposition) == (made.sha256, Disposition.DEFER)
    assert latest.is_corrected
