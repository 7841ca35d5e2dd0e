"""The photos of a field as a job, with a real bundle and a real worker's process."""

import json
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from types import SimpleNamespace

import cv2
import pytest

from core.errors import PermanentFailure
from core.people import Person
from core.records import worklist
from core.records.failed_jobs import job_status
from core.records.store import decision
from core.service.assessment.recording import assess_and_record
from core.service.bundles.deployments import Signed, deploy_bundle
from core.service.intake.resumable import Announced, Batch, BatchLimits
from core.service.review import review
from core.service.store import open_store
from core.types import Disposition
from domains.crops.fields import photo_job
from domains.crops.fields.folder import make_field
from domains.crops.fields.photo_job import RESULT, job_id, judge_of_photos, run, submit
from domains.crops.survey.journal import JUDGED
from tests.core.jobs.running import work_once

ADA = Person.alone("Ada")


def png(pixels):
    return cv2.imencode(".png", pixels)[1].tobytes()


def send(field, name, data):
    batch = Batch(field.uploads, BatchLimits(free_bytes=0))
    upload = batch.announce(Announced(name, len(data)))
    with batch.appending(upload.id, 0) as appender:
        appender.write(data)


def listed(field):
    lines = json.loads((field.folder / RESULT).read_text())
    return {line["file"]: line for line in lines}


@pytest.fixture
def rig(field, tmp_path):
    """A home with the rendered field's bundle deployed, and two photos of plots, one too dark."""
    settings = field.settings_at(tmp_path / "home")
    store = open_store(settings)
    deploy_bundle(field.bundle, store, settings, product="", signed=Signed(Person.alone("Ada")))
    plots = sorted((field.bundle.parent / "plots").glob("*.png"))
    sent = make_field(settings.home, "North", "", datetime(2026, 5, 4, tzinfo=UTC), by=ADA)
    plot = cv2.imread(str(plots[0]))
    send(sent, "plot.png", plots[0].read_bytes())
    send(sent, "night.png", png(plot // 12))
    yield settings, store, sent
    store.close()


def test_photos_are_listed_with_verdicts_that_a_person_can_correct(rig):
    settings, store, sent = rig
    submit(store, sent, 1, by=ADA)
    work_once(store, settings, lanes=["survey"])

    assert job_status(store, job_id(sent, 1)).result == {"photos": 2, "judged": 1}
    lines = listed(sent)
    assert [one["code"] for one in lines["night.png"]["faults"]] == ["BLURRED", "TOO_DARK"]
    assert lines["night.png"]["verdict"] is None
    verdict = lines["plot.png"]["verdict"]
    detail = worklist.case_detail(store, verdict["case_id"])
    assert [one.decision.id for one in detail.images] == [verdict["decision"]]
    assert 0.0 <= verdict["positive_probability"] <= 1.0
    judge = judge_of_photos(sent)
    assert (judge.policy, judge.is_certified) == (detail.images[0].decision.policy_id, True)
    assert len(judge.certificates) == 2
    assert detail.images[0].decision.disposition.value == verdict["disposition"]

    assert review.decide(store, detail.item, Disposition.POSITIVE, by=Person.alone("Eva"))
    assert not review.decide(store, detail.item, Disposition.NEGATIVE, by=Person.alone("Eva"))
    answers = worklist.case_detail(store, verdict["case_id"]).reviews
    assert [(one.disposition, one.reviewer) for one in answers] == [(Disposition.POSITIVE, "Eva")]


def test_the_same_photos_looked_at_again_are_the_same_cases(rig):
    settings, store, sent = rig
    found = []
    for number in (1, 2):
        submit(store, sent, number, by=ADA)
        work_once(store, settings, lanes=["survey"])
        verdict = listed(sent)["plot.png"]["verdict"]
        found.append((verdict["case_id"], verdict["decision"]))
    assert found[0] == found[1]
    assert not (sent.folder / "staged").exists()


def test_photos_that_were_judged_before_the_worker_stopped_are_not_judged_again(
    rig, field, monkeypatch
):
    settings, store, sent = rig
    for number, plot in enumerate(sorted((field.bundle.parent / "plots").glob("*.png"))[1:4]):
        send(sent, f"{number}.png", plot.read_bytes())
    submit(store, sent, 1, by=ADA)
    work_once(store, settings, lanes=["survey"])
    whole = listed(sent)
    assert not (sent.folder / JUDGED).exists()

    def stop(context, text, done, total):
        if text == "Judging photos" and done == 2:
            raise PermanentFailure("stopped", hint="")

    job = SimpleNamespace(payload={"field": sent.id})
    stopped = SimpleNamespace(settings=settings, store=store, job=job, step=partial(stop, None))
    with pytest.raises(PermanentFailure, match="stopped"):
        run(stopped)
    asked = []
    monkeypatch.setattr(
        photo_job,
        "assess_and_record",
        lambda bundle, incoming, *more, **named: _noting(asked, bundle, incoming, *more, **named),
    )
    run(SimpleNamespace(settings=settings, store=store, job=job, step=lambda *_: None))
    assert len(asked) == len([one for one in whole.values() if one["verdict"]]) - 2
    assert listed(sent) == whole
    assert not (sent.folder / JUDGED).exists()


def _noting(asked, bundle, incoming, *more, **named):
    for made in assess_and_record(bundle, incoming, *more, **named):
        asked.append(made.assessment.sample_id)
        yield made


def test_photos_of_one_name_each_have_their_own_verdict_and_equal_files_one(rig, field):
    settings, store, sent = rig
    plots = sorted((field.bundle.parent / "plots").glob("*.png"))
    send(sent, "plot.png", plots[-1].read_bytes())
    send(sent, "again.png", plots[0].read_bytes())
    submit(store, sent, 1, by=ADA)
    work_once(store, settings, lanes=["survey"])

    lines = json.loads((sent.folder / RESULT).read_text())
    assert len({line["case"] for line in lines}) == len(lines) == 4
    digests = {sha256(one.read_bytes()).hexdigest() for one in (plots[0], plots[-1])}
    named = [line for line in lines if line["file"] == "plot.png"]
    assert {line["sha256"] for line in named} == digests
    for line in lines:
        if line["verdict"]:
            assert decision(store, line["verdict"]["decision"]).sha256 == line["sha256"]
    cases = [line["verdict"]["case_id"] for line in lines if line["verdict"]]
    assert (len(cases), len(set(cases))) == (3, 2)


def test_a_field_that_is_gone_or_empty_is_a_failure_that_says_so(field, tmp_path):
    settings = field.settings_at(tmp_path / "home")
    empty = make_field(settings.home, "Empty", "", datetime(2026, 5, 4, tzinfo=UTC), by=ADA)
    store = open_store(settings)
    submit(store, empty, 1, by=ADA)
    work_once(store, settings, lanes=["survey"])
    assert "no photo" in job_status(store, job_id(empty, 1)).problem
    store.close()
