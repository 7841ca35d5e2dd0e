"""Whoever records a deployment's verdicts draws alike; whoever only looks draws nothing."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import pytest
import typer
from typer.testing import CliRunner

from core.cli import assess as cli_assess
from core.imaging.files import open_file
from core.jobs.worker import work
from core.people import Person
from core.records import audit, blobs, worklist
from core.records.audit_draw import is_drawn
from core.records.intake import receive
from core.records.store import decisions, open_store
from core.records.values import case_id_of
from core.service.assessment.assessor import Assessor
from core.service.assessment.recording import assess_and_record, prepare_decision, record_one
from core.service.assessment.replay import replay
from core.service.bundles.archive import keep
from core.service.bundles.deployments import Deployed, Signed, deploy_bundle
from core.types import Disposition, Reason

SHARE = 0.5


@pytest.fixture(scope="module")
def pictures(tiny_product):
    """Good plates, each a case of its own name."""
    return {path.stem: path for path in tiny_product.pictures("test", "good")}


@pytest.fixture
def settings(tiny_product, tmp_path):
    return tiny_product.settings_at(tmp_path / "home")


@pytest.fixture
def deployed(tiny_product, store, settings):
    deploy_bundle(
        tiny_product.bundle, store, settings, product="left", signed=Signed(Person.alone("Ada")),
        audit_share=SHARE,
    )  # fmt: skip
    return Deployed(store, settings).judge_of("parts", "left")


def draws(store):
    """Return by content whether it was drawn, and with which probability."""
    found = {}
    for one in decisions(store, disposition=Disposition.NEGATIVE):
        is_audit = Reason.AUDIT in {finding.reason for finding in one.findings}
        found[one.content_key] = (is_audit, one.audit_probability)
    return found


def live(deployed, store, settings, pictures):
    with Assessor(deployed.bundle, deployed.policy, settings) as assessor:
        for name, path in pictures.items():
            record_one(
                assessor, store, path.read_bytes(), name=name, group=name, product="left",
                audit_share=deployed.audit_share,
            )  # fmt: skip


def batched(deployed, store, settings, pictures):
    files = [open_file(path, settings.max_bytes, name) for name, path in pictures.items()]
    done = assess_and_record(
        deployed.bundle, files, store, policy=deployed.policy, settings=settings, product="left",
        audit_share=deployed.audit_share,
    )  # fmt: skip
    list(done)


def queued(deployed, store, settings, pictures):
    for name, path in pictures.items():
        (sha256,) = blobs.put_many(store.blobs, [path.read_bytes()])
        receive(
            store, pack="parts", product="left", key=name, sha256=sha256, source="a test",
            meta={"group": name},
        )  # fmt: skip
    work([], store, settings, stop=threading.Event(), once=True)


def test_a_live_caller_a_folder_and_a_worker_draw_the_same_cases(
    deployed, store, settings, pictures, tmp_path
):
    stores = {way: open_store(tmp_path / way.__name__, tmp_path) for way in (live, batched)}
    stores[queued] = store
    for way, kept in stores.items():
        way(deployed, kept, settings, pictures)
    found = [draws(kept) for kept in stores.values()]
    for way in (live, batched):
        stores[way].close()
    assert found[0] == found[1] == found[2]
    expected = {
        name: is_drawn(deployed.policy.id, case_id_of("parts", "left", name), SHARE)
        for name in pictures
    }
    assert {share for _, share in found[0].values()} == {SHARE}
    assert 0 < sum(is_audit for is_audit, _ in found[0].values()) < len(found[0])
    assert sum(is_audit for is_audit, _ in found[0].values()) <= sum(expected.values())


def test_a_drawn_negative_waits_and_is_replayed_and_its_verdict_stays(
    deployed, store, settings, pictures
):
    everything = replace(deployed, audit_share=1.0)
    live(everything, store, settings, pictures)
    negatives = decisions(store, disposition=Disposition.NEGATIVE)
    assert negatives
    assert worklist.counts(store, "parts").negative == 0
    assert worklist.counts(store, "parts").waiting[Disposition.NEGATIVE] == len(negatives)
    assert replay(negatives[0].id, store, settings) == []


def test_what_was_looked_at_beforehand_is_drawn_once_a_deployment_judges_it(
    deployed, store, settings, pictures
):
    undrawn = replace(deployed, audit_share=None)
    live(undrawn, store, settings, pictures)
    before = draws(store)
    assert set(before.values()) == {(False, None)}
    assert worklist.counts(store, "parts").negative == len(before)

    live(replace(deployed, audit_share=1.0), store, settings, pictures)
    after = decisions(store, disposition=Disposition.NEGATIVE)
    standing = [one for one in after if one.supersedes]
    assert len(after) == 2 * len(before)
    assert {one.audit_probability for one in standing} == {1.0}
    assert worklist.counts(store, "parts").negative == 0
    assert audit.verify(store).faults == ()

    # The draw is made once: looking again, or another share, changes nothing.
    live(undrawn, store, settings, pictures)
    live(replace(deployed, audit_share=0.0), store, settings, pictures)
    assert len(decisions(store, disposition=Disposition.NEGATIVE)) == len(after)
    assert worklist.counts(store, "parts").negative == 0


def test_a_draw_says_nothing_of_what_is_no_automatic_negative(tiny_product):
    bundle, policy = tiny_product.opened()
    with Assessor(bundle, policy, tiny_product.settings) as assessor:
        torn = assessor.one(b"torn", name="torn")
    unread = prepare_decision(torn, bundle.pack, audit_share=1.0).decision
    assert unread.audit_probability == 1.0
    assert Reason.AUDIT not in {finding.reason for finding in unread.findings}


def test_assess_draws_nothing(tiny_product, store, settings, pictures, monkeypatch):
    bundle, policy = tiny_product.opened()
    keep(bundle, policy, settings)
    monkeypatch.setenv("ASSAY_HOME", str(settings.home))
    app = typer.Typer()
    cli_assess.register(app)
    files = [str(path) for path in pictures.values()]
    result = CliRunner().invoke(app, ["assess", str(tiny_product.bundle), *files, "--json"])
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(lines) == len(files)
    assert not [line for line in lines if "AUDIT" in line["reasons"]]
    assert set(draws(store).values()) == {(False, None)}
