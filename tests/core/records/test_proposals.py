"""Proposals are kept as they were made, decided once, and covered by the audit log."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.errors import ConfigError, StoreError
from core.records import audit
from core.records.connection import writing
from core.records.proposals import Outcome, add_proposal, list_proposals, proposal_of, settle
from core.records.tables import PROPOSAL_OUTCOMES, PROPOSALS

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


@pytest.fixture
def add(store):
    def _add(product="left", **changed):
        given = {
            "pack": "parts", "product": product, "bundle": "b@1", "bundle_sha256": "1" * 64,
            "policy_id": "p2", "before": "p1", "deployment": "d1", "by": "Ada", "at": AT,
            "evidence": {"after": {"escape": [1, 59, 0.05]}, "flips": {"total": 0}},
        }  # fmt: skip
        return add_proposal(store, **{**given, **changed})

    return _add


def test_a_proposal_comes_back_with_its_evidence_and_what_became_of_it(store, add):
    first, second = add(), add("right")
    assert list_proposals(store) == [second, first]
    assert list_proposals(store, "parts", "left") == [first]
    assert list_proposals(store, "xray") == []
    assert (first.outcome, first.evidence["after"]) == (Outcome.OPEN, {"escape": [1, 59, 0.05]})
    with writing(store) as connection:
        settle(connection, first.id, Outcome.REJECTED, by="Grace", comment="too few", at=AT)
    kept = proposal_of(store, first.id)
    assert (kept.outcome, kept.decided_by, kept.comment) == (Outcome.REJECTED, "Grace", "too few")
    assert kept.decided_at == AT
    assert proposal_of(store, "2") == second
    with pytest.raises(StoreError, match="no proposal '3'"):
        proposal_of(store, "3")


def test_a_proposal_is_decided_once(store, add):
    one = add()
    with writing(store) as connection:
        settle(connection, one.id, Outcome.RELEASED, by="Grace", deployment="d2")
    with (
        pytest.raises(ConfigError, match="was released by Grace already"),
        writing(store) as connection,
    ):
        settle(connection, one.id, Outcome.REJECTED, by="Ada")
    assert proposal_of(store, one.id).released_as == "d2"


@pytest.mark.parametrize("table", [PROPOSALS, PROPOSAL_OUTCOMES], ids=lambda table: table.name)
def test_an_edited_proposal_or_outcome_is_found(store, add, table):
    one = add()
    with writing(store) as connection:
        settle(connection, one.id, Outcome.RELEASED, by="Grace")
    assert audit.verify(store).faults == ()
    column = {"evidence": "{}"} if table is PROPOSALS else {"decided_by": "Eve"}
    with writing(store) as connection:
        connection.execute(table.update().values(column))
    assert [fault.kind for fault in audit.verify(store).faults] == ["row edited"]
