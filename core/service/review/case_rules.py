"""What a pack reads out of the headers of a case's images, for its list and its autonomy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from core.records.case_headers import Headers


@dataclass(frozen=True, slots=True)
class CaseRules:
    """How a pack answers what no other than it can know of a case.

    Attributes:
        sites_of: Return the sites that a case comes from, at least one: an empty one where nothing
            names any. What has to be released, has to be at each of them.
        group_of: Return whose case it is (patient, part, field); empty where nothing names it.
        is_urgent: Return whether a case comes before all others.
        contradictions: Return what the images contradict each other in as to whose they are;
            a case with any is for a person, whatever was found.
        is_old: Return whether a case was too old to be new work when its first image came.
    """

    sites_of: Callable[[Headers], tuple[str, ...]]
    group_of: Callable[[Headers], str]
    is_urgent: Callable[[Headers], bool]
    contradictions: Callable[[Headers], tuple[str, ...]]
    is_old: Callable[[Headers, datetime], bool]


def header_value(headers: Headers, key: str) -> str:
    """Return the first value that the images of a case state under a key; empty for none."""
    return next((one[key] for one in headers if one.get(key)), "")
