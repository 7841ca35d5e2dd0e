"""What leads set: which share is read twice, and which cases are mixed in as known ones."""

from __future__ import annotations

from core.people import Person, Role
from core.records import gold_answers, read_plans
from core.records.connection import Store
from core.records.read_plans import ReadPlan
from core.types import Disposition


def set_plan(store: Store, pack: str, plan: ReadPlan, by: Person, product: str = "") -> ReadPlan:
    """Return the plan by which cases are read twice and known ones mixed in from now on.

    Raises:
        PermissionDenied: The person is no lead.
        ConfigError: A share or the target is none.
        StoreError: The database failed.
    """
    by.require(Role.LEAD, "change which share is read twice")
    return read_plans.set_plan(store, pack, product, plan, by=by.id)


def choose_known(
    store: Store, case_id: str, disposition: Disposition, by: Person, label: str = ""
) -> None:
    """Mix a case into the queue as a known one.

    Raises:
        PermissionDenied: The person is no lead.
        ConfigError: There is no such case, or no answer was given.
        StoreError: The database failed.
    """
    by.require(Role.LEAD, "choose known cases")
    gold_answers.choose_gold(store, case_id, disposition, by=by.id, label=label)


def withdraw_known(store: Store, case_id: str, by: Person) -> None:
    """Take a case out of the known ones.

    Raises:
        PermissionDenied: The person is no lead.
        StoreError: The database failed.
    """
    by.require(Role.LEAD, "withdraw known cases")
    gold_answers.withdraw_gold(store, case_id, by=by.id)
