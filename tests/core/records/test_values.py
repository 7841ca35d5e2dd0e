from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.records.store import NewDecision, StoredDecision, decision, new_decision, record
from core.records.values import stamp
from core.types import Disposition, Evidence, Finding, Prediction, Reason

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
NUMBERS = st.floats(allow_nan=False)
HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
DECISIONS = st.builds(
    StoredDecision,
    content_key=HEX,
    bundle=WORDS,
    bundle_sha256=HEX,
    policy_id=HEX,
    pack=st.just("parts"),
    disposition=st.sampled_from(Disposition),
    wording=WORDS,
    label=WORDS,
    classes=st.lists(WORDS, max_size=3).map(tuple),
    probabilities=st.lists(NUMBERS, max_size=3).map(tuple),
    positive_probability=st.none() | NUMBERS,
    ood_p=st.none() | NUMBERS,
    findings=st.lists(st.builds(Finding, st.sampled_from(Reason), WORDS), max_size=3).map(tuple),
    features=st.binary(max_size=40),
    logits=st.binary(max_size=40),
    ood_score=st.none() | NUMBERS,
    code_version=WORDS,
    device=WORDS,
    message=WORDS,
    decode_ms=NUMBERS,
    infer_ms=NUMBERS,
    total_ms=NUMBERS,
    decided_at=st.datetimes(timezones=st.just(UTC)),
)


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(stored=DECISIONS, name=WORDS, key=WORDS)
def test_a_decision_read_back_equals_the_one_recorded_to_the_last_bit(store, stored, name, key):
    stored = replace(stored, policy_id=uuid4().hex)

    [kept] = record(store, [NewDecision(key, name, name, stored)])

    again = decision(store, kept)

    assert again == stored
    assert np.array(again.probabilities).tobytes() == np.array(stored.probabilities).tobytes()


def test_an_assessment_keeps_its_evidence_bit_for_bit(store, assessment):
    rng = np.random.default_rng(7)
    features, logits = rng.normal(size=1280).astype(np.float32), rng.normal(size=2)
    probabilities = np.exp(logits) / np.exp(logits).sum()
    judged = replace(
        assessment(),
        prediction=Prediction(probabilities, float(probabilities[1]), 1 / 3),
        evidence=Evidence(features, logits, 0.1 + 0.2),
    )

    [kept] = record(store, [new_decision(judged, pack="parts", name="a.png")])
    again = decision(store, kept)

    assert again.feature_array().tobytes() == features.tobytes()
    assert again.logit_array().tobytes() == logits.tobytes()
    assert again.probabilities == tuple(probabilities.tolist())
    assert (again.positive_probability, again.ood_p) == (float(probabilities[1]), 1 / 3)
    assert again.ood_score == 0.1 + 0.2


def test_a_decision_is_named_by_content_bundle_and_policy(assessment):
    new = new_decision(assessment(b"picture"), pack="parts", name="a.png")

    content = hashlib.sha256(b"picture").hexdigest()
    named = hashlib.sha256(f"{content}|{'b' * 64}|policy-1".encode()).hexdigest()
    assert new.decision.id == named[:20]
    assert new.decision.sha256 == content


def test_bytes_that_were_never_read_are_named_by_their_sample(assessment):
    lost = new_decision(assessment(b"", p=None, sample_id="x/1.png"), pack="parts", name="1.png")

    assert lost.decision.content_key == "unread:" + hashlib.sha256(b"x/1.png").hexdigest()
    assert lost.decision.sha256 == ""
    assert (lost.decision.features, lost.decision.probabilities) == (b"", ())


def test_images_without_a_group_are_cases_of_their_own_even_under_one_name(assessment):
    one = new_decision(assessment(b"one"), pack="parts", name="image.jpg")
    two = new_decision(assessment(b"two"), pack="parts", name="image.jpg")
    grouped = new_decision(assessment(b"one", group="part 7"), pack="parts", name="image.jpg")

    assert one.case_id != two.case_id
    assert grouped.case_key == "part 7"


def test_a_hostile_file_name_is_kept_as_harmless_text(store, assessment):
    judged = assessment(sample_id="up/\udcff\x00.png", group="g\x00")

    [kept] = record(store, [new_decision(judged, pack="parts", name="\udcff\x00" * 3000)])

    assert decision(store, kept).id == kept


def test_a_figure_that_is_not_a_number_becomes_none(store, assessment):
    nan = float("nan")
    judged = replace(
        assessment(),
        prediction=Prediction(np.array([nan, nan]), nan, nan),
        evidence=Evidence(np.zeros(2, np.float32), np.array([nan, nan]), nan),
    )

    [kept] = record(store, [new_decision(judged, pack="parts", name="a.png")])
    again = decision(store, kept)

    assert (again.positive_probability, again.ood_p, again.ood_score) == (None, None, None)
    assert np.isnan(again.logit_array()).all()


def test_a_stored_decision_refuses_nan_where_a_number_or_none_belongs(assessment):
    stored = new_decision(assessment(), pack="parts", name="a.png").decision

    with pytest.raises(ValueError, match="ood_score: expected a number or None"):
        replace(stored, ood_score=float("nan"))


def test_times_are_written_in_utc_so_that_text_order_is_time_order():
    early = datetime(2026, 3, 1, 12, 0, tzinfo=timezone(timedelta(hours=2)))
    late = datetime(2026, 3, 1, 10, 0, 0, 1, tzinfo=UTC)

    assert stamp(early) == "2026-03-01T10:00:00.000000+00:00"
    assert stamp(early) < stamp(late)
    with pytest.raises(ValueError, match="expected one with a zone"):
        stamp(datetime(2026, 3, 1))
