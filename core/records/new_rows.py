"""The rows of cases, images and metadata that a batch of decisions needs."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from core.records.new_decision import NewDecision


def case_rows(batch: Sequence[NewDecision], received: str) -> Iterable[dict[str, Any]]:
    """Yield the row of each decision's case."""
    for new in batch:
        yield {
            "id": new.case_id,
            "pack": new.decision.pack,
            "product": new.case_product,
            "key": new.case_key,
            "opened_at": received,
        }


def image_rows(batch: Sequence[NewDecision], received: str) -> Iterable[dict[str, Any]]:
    """Yield the row of each decision's image."""
    for new in batch:
        yield {
            "id": new.image_id,
            "case_id": new.case_id,
            "content_key": new.decision.content_key,
            "product": new.decision.product,
            "name": new.name,
            "source": new.source,
            "received_at": received,
        }


def header_rows(batch: Sequence[NewDecision]) -> Iterable[dict[str, Any]]:
    """Yield the row of each image's metadata, where it has any."""
    for new in batch:
        if new.meta:
            yield {"id": new.image_id, "meta": json.dumps(dict(new.meta), sort_keys=True)}


def observation_rows(
    batch: Sequence[NewDecision], ids: Sequence[str], written: Collection[str]
) -> Iterable[dict[str, Any]]:
    """Yield what was measured on the picture of each decision that is written.

    Args:
        batch: Decisions.
        ids: The decision that holds for each of them.
        written: Those of them that are new.
    """
    done = set()
    for new, decision in zip(batch, ids, strict=True):
        one = new.observation
        if one is None or decision not in written or decision in done:
            continue
        done.add(decision)
        yield {
            "id": decision,
            "source": one.source,
            "measures": json.dumps(dict(one.measures), sort_keys=True, allow_nan=False),
            "label_set": json.dumps(one.label_set),
        }
