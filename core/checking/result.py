"""The result of a check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How much an alarm weighs."""

    STRONG = "strong"
    NOTICE = "notice"
    INFORMATION = "information"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing that was found.

    Attributes:
        kind: Stable code: ``leak``, ``duplicate``, ``conflict``, ``balance``, ``unreadable``,
            ``refused``, ``further``, ``ungrouped``, ``shortcut``, ``another_label``.
        level: How much it weighs.
        sentence: What was found, for a person.
        figures: The same in numbers and names, JSON-ready.
    """

    kind: str
    level: Level
    sentence: str
    figures: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Everything found in one data set.

    Attributes:
        pictures: Rows of the data set.
        groups: Groups among them.
        alarms: Worst first.
        balance: Pictures of each label in each split.
        read: How the data set was read (``Labelled.to_json``); empty where it was not read here.
    """

    pictures: int
    groups: int
    alarms: tuple[Alarm, ...]
    balance: Mapping[str, Mapping[str, int]]
    read: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the whole of it as one JSON-ready object."""
        return {"schema": "assay.check/1", **asdict(self)}

    def without_paths(self) -> CheckReport:
        """Return the report without its lists of files, whose places are nobody else's matter."""
        alarms = tuple(
            replace(one, figures={k: v for k, v in one.figures.items() if k != "files"})
            for one in self.alarms
        )
        return replace(self, alarms=alarms)
