"""Other targets tried on past decisions of a real bundle, and what a proposal of them is."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from core.decision.back_test import PASSES, SEVERITY, judge_again
from core.decision.certificate import confidence_spent, groups_needed
from core.errors import PermissionDenied
from core.model.bundle.bundle import POLICIES
from core.people import Person, Role
from core.records import deployments
from core.records.past_window import read_window
from core.records.proposals import list_proposals
from core.records.store import decisions
from core.service.bundles.archive import take
from core.service.bundles.attempts import attempts
from core.service.bundles.deployments import Signed, deploy_bundle
from core.service.bundles.open import certify_bundle, open_bundle
from core.service.quality.what_if import propose_targets, try_targets
from core.types import Targets

LEAD = Person("1", "Ada", Role.LEAD)


@pytest.fixture
def settings(tiny_product, assessed_home):
    return tiny_product.settings_at(assessed_home)


@pytest.fixture
def judged(tiny_product, settings):
    """The bundle on the shelf of a home with decisions, and the policy that made them."""
    bundle, policy = tiny_product.opened()
    return take(bundle.sha256, settings), policy


@pytest.fixture
def past(store, judged):
    since = datetime.now(UTC) - timedelta(days=30)
    return read_window(store, "parts", "", judged[0].sha256, since).past


def test_the_policy_in_force_tried_again_gives_every_verdict_that_was_given(store, judged, past):
    bundle, policy = judged
    assert past.case.size == len(decisions(store)) > 15
    assert judge_again(past, policy).tolist() == past.verdict.tolist()
    tried = try_targets(bundle, policy.targets, past, in_force=policy, home=bundle.path)
    assert tried.policy is policy
    assert tried.before == tried.after
    assert tried.flips.total == 0


def test_what_is_tried_is_what_certifying_would_make(judged, past, settings, tmp_path):
    bundle, policy = judged
    targets = Targets(escape=0.15, overkill=0.1)
    tried = try_targets(bundle, targets, past, in_force=policy, home=settings.home)
    copy = open_bundle(shutil.copytree(bundle.path, tmp_path / "copy"), settings)
    assert certify_bundle(copy, targets, settings.home) == tried.policy


def test_a_rate_that_too_few_defects_can_certify_says_how_many_are_missing(judged, past, settings):
    bundle, policy = judged
    targets = replace(policy.targets, escape=0.05)
    tried = try_targets(bundle, targets, past, in_force=policy, home=settings.home)
    found = tried.policy.escape
    assert not found.certified
    assert found.confidence == confidence_spent(0.95, 2) == 0.975
    assert found.needed == groups_needed(found.n, found.k, 0.05, 0.975)
    assert tried.after.shares[PASSES].k == 0
    assert tried.flips.total == tried.before.shares[PASSES].k
    assert {SEVERITY[past.given[case]] for case in tried.flips.cases} == {SEVERITY[PASSES]}


def test_trying_leaves_no_trace(judged, past, settings, store):
    bundle, policy = judged
    before = attempts(settings.home, bundle)
    files = sorted((bundle.path / POLICIES).iterdir())
    for escape in (0.01, 0.05, 0.1, 0.15):
        targets = replace(policy.targets, escape=escape)
        tried = try_targets(bundle, targets, past, in_force=policy, home=settings.home)
        assert tried.policy.attempt == 2
    assert attempts(settings.home, bundle) == before
    assert sorted((bundle.path / POLICIES).iterdir()) == files


def test_a_proposal_counts_as_a_certification_and_changes_no_verdict(
    tiny_product, judged, past, settings, store
):
    bundle, policy = judged
    deploy_bundle(
        tiny_product.bundle, store, settings, product="", signed=Signed(Person.alone("Eve"))
    )
    in_force = deployments.newest(store, "parts")
    targets = replace(policy.targets, escape=0.19)
    tried = try_targets(bundle, targets, past, in_force=policy, home=settings.home)
    given = {"in_force": policy, "window": {"weeks": 4, "cases": int(past.case_id.size)}}
    with pytest.raises(PermissionDenied, match="cannot propose a policy"):
        propose_targets(
            store, settings, bundle, "", tried, by=Person("2", "Ben", Role.REVIEWER), **given
        )
    assert list_proposals(store) == []
    made = propose_targets(store, settings, bundle, "", tried, by=LEAD, **given)
    assert made.policy_id == tried.policy.id
    assert made.evidence["window"]["weeks"] == 4
    assert made.evidence["what_if"]["after"]["automatic"]["k"] == tried.after.automatic.k
    assert deployments.newest(store, "parts") == in_force
    assert attempts(settings.home, bundle) == 2
    other = replace(policy.targets, escape=0.18)
    again = try_targets(bundle, other, past, in_force=policy, home=settings.home)
    assert again.policy.attempt == 3
    assert again.policy.escape.confidence == pytest.approx(1 - 0.05 / 6)
    assert np.isfinite(again.policy.escape.bound)
