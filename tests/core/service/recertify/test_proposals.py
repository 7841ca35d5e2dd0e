"""Nobody alone changes what is automatic; a release takes effect everywhere, a way back is one."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from core.decision.cases import Cases
from core.errors import BundleError, ConfigError, NothingDeployed, PermissionDenied
from core.people import Person
from core.records import audit, deployments
from core.records.proposals import Outcome, list_proposals, proposal_of
from core.service.bundles.added_cases import AddedCases
from core.service.bundles.archive import take
from core.service.bundles.archived import place_on_shelf
from core.service.bundles.deployments import Deployed, Signed, deploy_bundle
from core.service.bundles.open import make_policy, policy_of
from core.service.monitoring.monitor import raise_alarm
from core.service.monitoring.scopes import scopes_of
from core.service.monitoring.signals import Signal
from core.service.recertify.proposals import propose, reject, release, roll_back
from core.types import Targets
from tests.core.service.recertify.conftest import ADA, GRACE, REVIEWER

TARGETS = Targets(escape=0.2, overkill=0.2)
EVIDENCE = {"flips": {"total": 0}}


def reviewed(n=40, *, with_own=True):
    """Return reviewed defects that score high, each a group of its own."""
    ones = np.ones(n)
    group = np.array([f"{number:016x}" for number in range(n)])
    yes = np.ones(n, np.bool_)
    return AddedCases(Cases(0.9 * ones, 0.5 * ones, yes, yes, group), with_own)


@pytest.fixture
def offer(store, settings, deployed):
    """Propose what reviewed cases give."""

    def _offer(by=ADA, added=None):
        added = added or reviewed()
        policy = make_policy(deployed, TARGETS, 2, added)
        return propose(
            store, settings, "parts", "left", policy, by=by, evidence=EVIDENCE, added=added
        )

    return _offer


def test_a_proposal_changes_nothing_until_a_second_person_releases_it(store, settings, offer):
    before = deployments.newest(store, "parts", "left")
    proposal = offer()
    assert deployments.newest(store, "parts", "left") == before
    made = release(store, settings, proposal, by=GRACE, comment="seen")
    assert deployments.newest(store, "parts", "left") == made
    assert (made.policy_id, made.deployed_by, made.second_person) == (
        proposal.policy_id, GRACE.id, ADA.id,
    )  # fmt: skip
    assert made.evidence == {"proposal": proposal.id}
    kept = proposal_of(store, proposal.id)
    assert (kept.outcome, kept.decided_by, kept.comment, kept.released_as) == (
        Outcome.RELEASED, GRACE.id, "seen", made.id,
    )  # fmt: skip
    assert kept.before == before.policy_id
    assert audit.verify(store).faults == ()


def test_who_proposed_it_or_only_reviews_does_not_release_it(store, settings, offer):
    proposal = offer()
    for by, words in ((ADA, "cannot release it as well"), (REVIEWER, "role reviewer")):
        with pytest.raises(PermissionDenied, match=words):
            release(store, settings, proposal, by=by, confirmation=proposal.policy_id)
    with pytest.raises(PermissionDenied, match="cannot propose a policy"):
        offer(REVIEWER)
    for refused in (
        lambda: reject(store, proposal, by=REVIEWER),
        lambda: roll_back(store, settings, "parts", "left", by=REVIEWER),
        lambda: release(store, settings, proposal, by=replace(GRACE, id="", name="")),
    ):
        with pytest.raises(PermissionDenied):
            refused()
    assert len(deployments.history(store, "parts", "left")) == 1
    assert [one.outcome for one in list_proposals(store)] == [Outcome.OPEN]


def test_one_person_alone_types_the_policy_s_id_and_is_on_record_as_single(store, settings, offer):
    alone = Person.alone("Ada")
    proposal = offer(alone)
    for typed in ("", "yes"):
        with pytest.raises(PermissionDenied, match="by typing its id"):
            release(store, settings, proposal, by=alone, confirmation=typed)
    made = release(store, settings, proposal, by=alone, confirmation=f" {proposal.policy_id} ")
    assert made.second_person == ""
    assert made.evidence == {"proposal": proposal.id, "single person": True}


def test_a_proposal_is_decided_once_and_not_on_evidence_that_is_out_of_date(store, settings, offer):
    first, second = offer(), offer(added=reviewed(50))
    assert reject(store, first, by=GRACE, comment="no").outcome is Outcome.REJECTED
    with pytest.raises(ConfigError, match="was rejected by id-Grace already"):
        release(store, settings, first, by=GRACE)
    third = offer(added=reviewed(60))
    release(store, settings, second, by=GRACE)
    with pytest.raises(ConfigError, match="Something else judges parts left"):
        release(store, settings, third, by=GRACE)
    assert len(deployments.history(store, "parts", "left")) == 2
    assert proposal_of(store, third.id).outcome is Outcome.OPEN


def test_what_was_proposed_before_an_alarm_is_not_released_after_it(
    store, settings, deployed, tiny_product
):
    # No product has a deployment of its own here: that of all is suspended.
    deploy_bundle(tiny_product.bundle, store, settings, product="", signed=Signed(GRACE))
    policy = make_policy(deployed, TARGETS, 2)
    proposal = propose(store, settings, "parts", "right", policy, by=ADA, evidence=EVIDENCE)
    (scope,) = (one for one in scopes_of(store, settings) if not one.rows.product)
    signal = Signal("ood", "", "The lamp was replaced.", {"pictures": []})
    alarm = raise_alarm(store, settings, scope, signal, voids=True)
    with pytest.raises(ConfigError, match="Something else judges parts right since"):
        release(store, settings, proposal, by=GRACE)
    judge = Deployed(store, settings).judge_of("parts", "right")
    assert judge.policy.id == alarm.evidence["suspended_policy"]
    assert proposal_of(store, proposal.id).outcome is Outcome.OPEN
    with pytest.raises(ConfigError, match="rests on the same cases"):
        propose(store, settings, "parts", "right", policy, by=ADA, evidence=EVIDENCE)
    reject(store, proposal, by=GRACE)
    assert audit.verify(store).faults == ()


def test_rolling_back_is_one_action_and_the_way_forward_stays(store, settings, offer):
    before = deployments.newest(store, "parts", "left")
    made = release(store, settings, offer(), by=GRACE)
    back = roll_back(store, settings, "parts", "left", by=ADA)
    assert (back.policy_id, back.bundle_sha256) == (before.policy_id, before.bundle_sha256)
    again = roll_back(store, settings, "parts", "left", by=ADA, number=made.number)
    assert again.policy_id == made.policy_id


def test_a_release_reaches_whoever_follows_the_store_even_with_the_bundle_s_own_folder(
    store, settings, offer, deployed, tiny_product
):
    followers = [Deployed(store, settings), Deployed(store, settings, [deployed])]
    old = {one.judge_of("parts", "left").policy.id for one in followers}
    made = release(store, settings, offer(), by=GRACE)
    start = time.monotonic()
    time.sleep(0.6)
    new = [one.judge_of("parts", "left").policy for one in followers]
    assert time.monotonic() - start < 2.0
    assert old == {tiny_product.opened()[1].id}
    assert {one.id for one in new} == {made.policy_id}
    assert all(one.added for one in new)


def test_a_policy_of_reviewed_cases_is_computed_anew_from_them_whenever_it_is_read(
    store, settings, offer, deployed
):
    proposal = offer()
    shelf = place_on_shelf(deployed.sha256, settings)
    kept = policy_of(take(deployed.sha256, settings), proposal.policy_id)
    assert kept.escape.n == deployed.cal.positive.any() * 18 + 40
    file = shelf / "policies" / "added" / f"{kept.added}.json"
    whole = file.read_text()
    file.write_text(whole.replace("0.9", "0.8", 1))
    with pytest.raises(BundleError, match="was altered"):
        release(store, settings, proposal, by=GRACE)
    file.unlink()
    with pytest.raises(BundleError, match="do not read"):
        policy_of(take(deployed.sha256, settings), proposal.policy_id)
    file.write_text(whole)
    assert release(store, settings, proposal, by=GRACE).policy_id == proposal.policy_id


def test_a_made_up_policy_and_one_of_another_bundle_are_not_proposed(store, settings, deployed):
    honest = make_policy(deployed, TARGETS, 1)
    given = {"by": ADA, "evidence": EVIDENCE}
    with pytest.raises(BundleError, match="is not what the cases"):
        propose(store, settings, "parts", "left", replace(honest, t_neg=0.99), **given)
    with pytest.raises(BundleError, match="judges now"):
        propose(store, settings, "parts", "left", replace(honest, bundle="x@1"), **given)
    with pytest.raises(NothingDeployed):
        propose(store, settings, "xray", "", honest, **given)
    assert list_proposals(store) == []


def test_after_an_alarm_the_reviewed_cases_alone_count(deployed):
    alone = make_policy(deployed, TARGETS, 2, reviewed(with_own=False))
    both = make_policy(deployed, TARGETS, 2, reviewed())
    assert (alone.escape.n, alone.overkill.n, both.escape.n) == (40, 0, 58)
    assert alone.id != both.id
