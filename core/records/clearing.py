"""What has to be known of a case before it may go without a person: who judged, what is missing."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, and_, select, union_all

from core.records.case_status import QueueState
from core.records.corrections import is_current
from core.records.in_force import IN_ORDER
from core.records.job import ASSESS, State
from core.records.quarantine import is_undecided
from core.records.tables import CASE_STATUS, DECISIONS, IMAGES, JOBS, RECEIPTS


def makers_of(
    connection: Connection, wanted: ColumnElement[bool]
) -> dict[str, dict[str, tuple[str, str]]]:
    """Return bundle and policy by case and image, for the negative cases of several images."""
    negative_with_images = and_(
        wanted, CASE_STATUS.c.queue_state == int(QueueState.NEGATIVE), CASE_STATUS.c.images > 1
    )
    query = (
        select(IMAGES.c.case_id, IMAGES.c.id, DECISIONS.c.bundle, DECISIONS.c.policy_id)
        .join(CASE_STATUS, CASE_STATUS.c.case_id == IMAGES.c.case_id)
        .join(
            DECISIONS,
            and_(
                DECISIONS.c.content_key == IMAGES.c.content_key,
                DECISIONS.c.pack == CASE_STATUS.c.pack,
                DECISIONS.c.product == IMAGES.c.product,
            ),
        )
        .where(negative_with_images, is_current())
        .order_by(IN_ORDER)
    )
    found: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
    for case, image, bundle, policy_id in connection.execute(query):
        found[case][image] = (bundle, policy_id)  # what is met last stands
    return found


def awaited_groups(connection: Connection, packs: Collection[str]) -> set[str]:
    """Return the groups that what is still to be judged, or in conflict, may belong to."""
    query = select(JOBS.c.payload).where(
        JOBS.c.state.in_((State.WAITING, State.LEASED)),
        JOBS.c.kind == ASSESS,
        JOBS.c.pack.in_(packs),
    )
    undecided = select(RECEIPTS.c.meta).where(RECEIPTS.c.pack.in_(packs), is_undecided())
    payloads = map(json.loads, connection.scalars(union_all(query, undecided)))
    return {
        group
        for payload in payloads
        for group in (payload.get("group", ""), *payload.get("groups", "").split())
        if group
    }
