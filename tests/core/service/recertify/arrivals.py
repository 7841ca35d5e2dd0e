"""Cases as they come in and are read, with scores made up, judged by a real bundle's policy."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
from sqlalchemy import insert, select

from core.decision.rule import judge_one
from core.records.audit_draw import draw
from core.records.case_status import REVIEW, refresh
from core.records.connection import writing
from core.records.new_decision import NewDecision
from core.records.store import record
from core.records.tables import DECISIONS, IMAGES, PICTURE_ORIGINS, REVIEWS
from core.records.values import TILE_OF, StoredDecision, now, stamp
from core.types import Disposition


def arrive(store, bundle, policy, count, *, share=1.0, product="left", seed=0, start=0, tile_of=()):
    """Record cases of one picture; return the case ids with the truth of each, in their order.

    They are tiles of the larger pictures named by ``tile_of``, of each in turn.
    """
    rng = np.random.default_rng(seed)
    batch, truth = [], {}
    for number in range(start, start + count):
        positive = bool(rng.random() < 0.5)
        p = float(rng.beta(*((8, 2) if positive else (2, 8))))
        new = _new(bundle, policy, f"plate-{number}", p, product)
        new = new if share is None else draw(new, share)
        if tile_of:
            new = replace(new, meta={TILE_OF: tile_of[number % len(tile_of)]})
        batch.append(new)
        truth[new.case_id] = positive
        record(store, [new]) if count <= 50 else None
    if count > 50:
        record(store, batch)
    return truth


def _new(bundle, policy, group, p, product):
    made = judge_one(
        p, 0.5, gates_passed=True, ood_alpha=policy.targets.ood_alpha, t_neg=policy.t_neg,
        t_pos=policy.t_pos,
    )  # fmt: skip
    content = hashlib.sha256(group.encode()).hexdigest()
    decision = StoredDecision(
        content_key=content, bundle=bundle.label, bundle_sha256=bundle.sha256,
        policy_id=policy.id, pack="parts", disposition=made, wording=bundle.pack.wording[made],
        label="", classes=("good", "scratched"), probabilities=(1 - p, p),
        positive_probability=p, ood_p=0.5, findings=(), features=b"", logits=b"", ood_score=1.0,
        code_version="0", device="cpu", message="", decode_ms=1.0, infer_ms=1.0, total_ms=1.0,
        decided_at=now(), product=product,
    )  # fmt: skip
    return NewDecision(group, f"{group}.png", group, decision)


def answer_all(store, truth, cases=None, *, reviewer="Rob", disposition=None):
    """Write a review of cases at once, as people who are right would; not through the queue."""
    at = stamp(now())
    rows = [
        {
            "id": f"{case}-0", "case_id": case, "revision": 0, "kind": REVIEW,
            "disposition": (disposition or side(truth[case])).value, "label": "", "comment": "",
            "reviewer": reviewer, "reviewed_at": at, "supersedes": "", "decision_id": "",
            "images": 1,
        }
        for case in (truth if cases is None else cases)
    ]  # fmt: skip
    with writing(store) as connection:
        connection.execute(insert(REVIEWS), rows)
        refresh(connection, [row["case_id"] for row in rows])
        _compare(connection, [row["case_id"] for row in rows])


def _compare(connection, cases):
    """Note that the pictures are copies of none, as of those whose bytes are not there."""
    known = select(PICTURE_ORIGINS.c.content_key)
    pictures = (
        select(DECISIONS.c.bundle_sha256, IMAGES.c.content_key, IMAGES.c.content_key)
        .join(DECISIONS, DECISIONS.c.content_key == IMAGES.c.content_key)
        .where(IMAGES.c.case_id.in_(cases), IMAGES.c.content_key.not_in(known))
        .distinct()
    )
    columns = ["bundle_sha256", "content_key", "origin"]
    connection.execute(insert(PICTURE_ORIGINS).from_select(columns, pictures))


def side(positive):
    return Disposition.POSITIVE if positive else Disposition.NEGATIVE


def without_negatives(policy):
    return replace(policy, t_neg=None)
