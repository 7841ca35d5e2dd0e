"""Which cases of a stretch of time are independent of each other, and of the bundle's pictures."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

from core.decision.contradictions import ClearAnswer, find_disputed, find_superseded
from core.decision.shared_names import join_by_name
from core.records.picture_origins import IN_BUNDLE
from core.types import Disposition

_CLEAR = {Disposition.POSITIVE.value: True, Disposition.NEGATIVE.value: False}


@dataclass(frozen=True, slots=True)
class ShownCase:
    """A case of the stretch of time.

    Attributes:
        contents: Content of each of its pictures.
        answer: What it is by its reads; empty for nothing yet.
        at: When it was answered, as text that sorts; empty for never.
    """

    contents: Set[str]
    answer: str
    at: str


def independent_cases(
    cases: Mapping[str, ShownCase], origins: Mapping[str, str]
) -> tuple[list[str], set[str]]:
    """Return the first case of each origin, and those of all whose answer is disputed.

    Not counted is a case that shows a picture which the bundle was made of, and one whose answer a
    later one on the same picture contradicts.

    Args:
        cases: By id, in the order of their decisions.
        origins: Of each picture that was compared.
    """
    names = list(cases)
    shown = [
        frozenset(origins.get(content, content) for content in one.contents)
        for one in cases.values()
    ]
    clear = [at for at, one in enumerate(cases.values()) if one.answer in _CLEAR]
    answers = [_answer(cases[names[at]], shown[at]) for at in clear]
    superseded = {clear[place] for place in find_superseded(answers)}
    counted = [at for at, own in enumerate(shown) if IN_BUNDLE not in own and at not in superseded]
    groups = join_by_name([shown[at] for at in counted])
    first = [names[at] for place, at in enumerate(counted) if groups[place] == place]
    return first, {names[clear[place]] for place in find_disputed(answers)}


def _answer(one: ShownCase, origins: frozenset[str]) -> ClearAnswer:
    return ClearAnswer(frozenset(one.contents), origins, _CLEAR[one.answer], one.at)
