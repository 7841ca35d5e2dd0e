"""Who may do what, for every use case: a viewer changes nothing, whatever page or command asks."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import core.service
import dashboard
import domains
from core.errors import PermissionDenied
from core.people import Person, Role

VIEWER = Person("id of a viewer", "Vera", Role.VIEWER)
NOBODY = Person("", "", Role.NONE)
LEADS = {
    "core.service.bundles.deployments.deploy_bundle",
    "core.service.bundles.deployments.return_to",
    "core.service.recertify.proposals.propose",
    "core.service.recertify.proposals.reject",
    "core.service.recertify.proposals.release",
    "core.service.recertify.proposals.roll_back",
    "core.service.review.autonomy.release",
    "core.service.review.conflicts.keep_first",
    "core.service.review.conflicts.take_new",
    "core.service.review.read_plan.set_plan",
    "core.service.people.roles.grant",
    "core.service.people.roles.revoke",
}
LOOKS = {
    "core.service.recertify.proposals.is_alone": "answers about the person alone",
    "core.service.review.blind.blind_cases": "says what is covered before a person",
    "core.service.review.browse.browse": "lists cases, covered where the person may not see",
    "core.service.review.browse.lines_by_id": "as above",
    "core.service.review.browse.lines_of": "as above",
    "core.service.review.due_reads.due_reads": "finds what may come next; writes nothing",
    "core.service.review.readers.double_reads": "shows a viewer no names",
    "core.service.review.undo.last_review": "finds the person's own",
    "core.service.review.undo.taken_back": "finds the person's own",
    "core.service.review.second_read.next_read": "gives nothing to who may not review",
    "core.service.review.second_read.running_read": "finds the person's own",
    "core.service.review.second_read.open_read": "gives nothing to who may not review",
}
"""What takes a person and changes nothing, and why a viewer may have it."""


class Untouched:
    """Stands for every other argument: whoever asks for anything of it has not refused first."""

    def __getattribute__(self, name: str) -> object:
        raise AssertionError(f"{name} was asked for before the role was")

    def __iter__(self) -> Iterator[object]:
        raise AssertionError("it was walked before the role was asked for")


class Signed:
    """As `core.service.bundles.deployments.Signed`, of a person."""

    def __init__(self, by: Person) -> None:
        self.by, self.second_person = by, ""


def use_cases() -> dict[str, Callable[..., Any]]:
    """Every public function that takes a person."""
    found: dict[str, Callable[..., Any]] = {}
    for package in (core.service, domains):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".pages" in module.name or ".monai.scripts" in module.name:
                continue
            own = importlib.import_module(module.name)
            for name, function in inspect.getmembers(own, inspect.isfunction):
                if function.__module__ == own.__name__ and not name.startswith("_"):
                    taken = inspect.signature(function).parameters.values()
                    if {str(one.annotation) for one in taken} & {"Person", "Signed"}:
                        found[f"{own.__name__}.{name}"] = function
    return found


USE_CASES = use_cases()


def call(function: Callable[..., Any], by: Person) -> None:
    given: dict[str, object] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        kind = str(parameter.annotation)
        if kind == "Person":
            given[name] = by
        elif kind == "Signed":
            given[name] = Signed(by)
        elif parameter.default is inspect.Parameter.empty:
            given[name] = Untouched()
    function(**given)


def test_the_use_cases_are_found():
    assert set(USE_CASES) >= LEADS | set(LOOKS)


@pytest.mark.parametrize("name", sorted(set(USE_CASES) - set(LOOKS)))
def test_a_viewer_and_nobody_are_refused_before_anything_is_touched(name):
    for by in (VIEWER, NOBODY):
        with pytest.raises(PermissionDenied):
            call(USE_CASES[name], by)


@pytest.mark.parametrize("name", sorted(LEADS))
def test_a_reviewer_is_refused_what_takes_a_lead(name):
    with pytest.raises(PermissionDenied):
        call(USE_CASES[name], Person("id of a reviewer", "Rita", Role.REVIEWER))


PAGES = sorted(
    file
    for folder in (Path(dashboard.__path__[0]), *(Path(one) for one in domains.__path__))
    for file in folder.rglob("*.py")
    if {"pages", "views"} & set(file.relative_to(folder).parts)
)
WRITERS = {
    "request_cancel", "submit", "make_field", "pick_place", "accept", "decline", "review", "undo",
    "record_override", "record_salt_answer", "accept_baseline", "set_plan", "deploy", "cancel_job",
    "confirm_place", "forget_place", "agree", "disagree", "ask_to_use",
}  # fmt: skip
ASKS = {"person", "person_for", "person_or_account", "may", "choose_person"}


def functions_of(file: Path) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef):
            yield node


def names_called(function: ast.FunctionDef) -> set[str]:
    calls = (one.func for one in ast.walk(function) if isinstance(one, ast.Call))
    return {
        one.attr if isinstance(one, ast.Attribute) else one.id
        for one in calls
        if isinstance(one, ast.Attribute | ast.Name)
    }


@pytest.mark.parametrize("file", PAGES, ids=lambda one: "/".join(one.parts[-3:]))
def test_what_a_page_writes_asks_who_writes_it(file):
    unasked = [
        f"{function.name}: {', '.join(sorted(names_called(function) & WRITERS))}"
        for function in functions_of(file)
        if names_called(function) & WRITERS and not names_called(function) & ASKS
    ]
    assert unasked == []
