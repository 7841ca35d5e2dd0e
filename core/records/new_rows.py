"""The rows of cases, images and metadata that a batch of decisions needs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from core.records.values import NewDecision


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
