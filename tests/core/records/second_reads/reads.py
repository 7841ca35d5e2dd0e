"""People who read cases, and what they answer."""

from __future__ import annotations

from datetime import UTC, datetime

from core.people import Person, Role
from core.records import worklist
from core.records.read_plans import ReadPlan
from core.service.review import review
from core.service.review.second_read import next_read
from core.types import Disposition

NEGATIVE, POSITIVE, DEFER = Disposition.NEGATIVE, Disposition.POSITIVE, Disposition.DEFER
START = datetime(2026, 1, 1, tzinfo=UTC)
ANN, BOB, CLEO = (Person(name, name.title(), Role.REVIEWER) for name in ("ann", "bob", "cleo"))
LEAD = Person("lena", "Lena", Role.LEAD)
ALL = ReadPlan(negative=1.0, positive=1.0, defer=1.0)
PACKS = ("parts",)


def read_first(store, by=ANN, disposition=POSITIVE, label="", comment=""):
    item = worklist.next_case(store, "parts")
    assert review.decide(store, item, disposition, by=by, label=label, comment=comment)
    return item.case_id


def answer(store, by, disposition, label=""):
    task = next_read(store, PACKS, by, None)
    assert review.decide(store, task.detail.item, disposition, by=by, label=label)
    return task
