"""An answer that a policy in force rests on is corrected in the open, never taken back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.errors import ConfigError
from core.records import worklist
from core.records.released_answers import corrected_since_release, policy_resting_on
from core.service.bundles.archive import keep_recertified
from core.service.bundles.open import make_policy
from core.service.recertify.proposals import release, roll_back
from core.service.recertify.recertify import propose_recertified, recertify
from core.service.review import review, undo
from core.types import Disposition, Targets
from tests.core.service.recertify.arrivals import answer_all, arrive
from tests.core.service.recertify.conftest import ADA, GRACE, REVIEWER


@pytest.fixture
def proposal(store, settings, deployed):
    """A policy proposed on a hundred answers of Rob's."""
    census = make_policy(deployed, Targets(escape=0.001, overkill=0.2), 1)
    keep_recertified(deployed, census, None, settings)
    answer_all(store, arrive(store, deployed, census, 100), reviewer=REVIEWER.id)
    found = recertify(store, settings, deployed, replace(census.targets, escape=0.2), "left")
    return propose_recertified(store, settings, deployed, census, found, "left", by=ADA)


def take_back(store, case_id):
    last = worklist.case_detail(store, case_id).reviews[-1]
    return undo.undo(store, last, REVIEWER)


def test_an_answer_is_taken_back_until_a_policy_rests_on_it_and_then_corrected(
    store, settings, proposal
):
    early, late, *_ = proposal.evidence["reviewed"]["cases"]
    assert policy_resting_on(store, early) == ""
    release(store, settings, proposal, by=GRACE)

    assert policy_resting_on(store, late) == proposal.policy_id
    with pytest.raises(ConfigError, match=f"{proposal.policy_id}.*Correct it instead"):
        take_back(store, late)
    assert corrected_since_release(store, "parts", "left") == ()

    item = worklist.case_detail(store, late).item
    assert review.decide(store, item, Disposition.DEFER, by=REVIEWER)

    assert corrected_since_release(store, "parts", "left") == (late,)
    answers = [one.disposition for one in worklist.case_detail(store, late).reviews]
    assert len(answers) == 2
    assert answers[-1] is Disposition.DEFER


def test_an_answer_that_counted_for_nothing_in_force_is_taken_back_as_before(
    store, settings, proposal
):
    counted = proposal.evidence["reviewed"]["cases"]
    release(store, settings, proposal, by=GRACE)
    assert policy_resting_on(store, "no such case") == ""
    roll_back(store, settings, "parts", "left", by=ADA)

    assert take_back(store, counted[0])
    assert corrected_since_release(store, "parts", "left") == ()
