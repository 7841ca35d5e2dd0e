"""Reviewed cases of train are trained on anew, in the splits of before; those of cal stay out."""

from __future__ import annotations

import csv
import threading
from dataclasses import replace

import pytest

from core.imaging.files import open_file
from core.jobs.use_cases import submit
from core.jobs.worker import work
from core.labelled import read_labelled
from core.people import Person
from core.records import worklist
from core.records.failed_jobs import job_status
from core.records.store import cases_of, decision
from core.service.assessment.recording import assess_and_record
from core.service.bundles.open import open_bundle
from core.service.recertify.collect import collect
from core.service.recertify.retraining import (
    RetrainSpec,
    retraining_reason,
    training_spec,
    write_training_data,
)
from core.service.review.review import decide
from core.types import Disposition


@pytest.fixture
def reviewed(tiny_product, store, settings, deployed):
    """New plates, a third of them scratched, each judged and then read by a person."""
    bundle, policy = tiny_product.opened()
    pictures = [*tiny_product.pictures("test", "scratched"), *tiny_product.pictures("test", "good")]
    files = [open_file(path, settings.max_bytes, path.stem) for path in pictures]
    made = assess_and_record(
        bundle, files, store, policy=policy, settings=settings, product="left", audit_share=1.0
    )
    for path, one in zip(pictures, list(made), strict=True):
        (case,) = cases_of(store, decision(store, one.decision))
        item = worklist.case_detail(store, case).item
        is_bad = path in pictures[: len(pictures) // 2]
        side = Disposition.POSITIVE if is_bad else Disposition.NEGATIVE
        assert decide(store, item, side, by=Person.alone("Rob"))
    return bundle


def test_the_data_set_holds_what_was_there_and_what_people_answered_on_train(
    reviewed, tiny_product, store, settings, tmp_path
):
    spec = RetrainSpec(reviewed.sha256, tiny_product.data, tmp_path / "new", "left")
    folder = tmp_path / "data"
    found = collect(store, settings, reviewed, "left")
    added = write_training_data(store, settings, reviewed, spec, folder, lambda *_: None)
    assert added == len(found.train) > 5
    with (folder / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    before = read_labelled(tiny_product.data).rows
    assert len(rows) == len(before) + added
    kept = [(row["label"], row["split"], row["group"]) for row in rows[: len(before)]]
    assert kept == [(row.label, row.split, row.group) for row in before]
    new = rows[len(before) :]
    assert {row["split"] for row in new} == {"train"}
    assert {row["label"] for row in new} == {"good", "scratched"}
    assert {row["group"] for row in new} == {one.case.key for one in found.train}
    assert training_spec(spec, reviewed, folder).negative == {"good"}


def test_training_anew_is_offered_once_enough_groups_are_new(reviewed, store, settings):
    found = collect(store, settings, reviewed, "left")
    assert found.new_train_groups >= 20
    assert "new groups can be learned from" in retraining_reason(found, reviewed, is_certified=True)
    few = replace(found, train=found.train[:10])
    assert retraining_reason(few, reviewed, is_certified=True) == ""
    assert "No escape rate is certified" in retraining_reason(few, reviewed, is_certified=False)
    none = replace(found, train=())
    assert retraining_reason(none, reviewed, is_certified=False) == ""


def test_the_job_gives_a_certified_bundle_that_judges_nothing_yet(
    reviewed, tiny_product, store, settings, tmp_path
):
    spec = RetrainSpec(reviewed.sha256, tiny_product.data, tmp_path / "new", "left")
    job = submit(store, spec, "parts")
    work([], store, settings, stop=threading.Event(), once=True, lanes=["train"])
    found = job_status(store, job)
    assert found.problem == ""
    assert found.result["reviewed"] > 5
    made = open_bundle(tmp_path / "new", settings)
    assert found.result["bundle"] == made.label != reviewed.label
    assert len(made.known.names) > len(reviewed.known.names)
