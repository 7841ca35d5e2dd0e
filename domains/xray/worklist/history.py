"""When a study was made: what is new work, and what is an earlier study of the same patient."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from core.records.case_headers import Headers
from core.records.case_list import ListedCase
from domains.xray.worklist.persons import is_same_person

OLDEST_DAYS = 365
"""A study that was older when it came is no new work, unless the site says another number."""

Moment = tuple[date, str]
"""Day, and time as ``hhmmss``; the time is empty where none is stated."""

OTHER_PERSON, NEWER, UNDATED = "not surely of this person", "newer", "without a study date"


@dataclass(frozen=True, slots=True)
class EarlierStudies:
    """What is known of a patient besides the study before the reader.

    Attributes:
        studies: Earlier studies of the same person, the newest first.
        left_out: How many studies under the same number are none of these, by why.
    """

    studies: tuple[ListedCase, ...]
    left_out: Mapping[str, int]


def moment_of(headers: Headers) -> Moment | None:
    """Return when the newest image of a study was made; None where no image states a day."""
    moments = (_moment(one.get("study_date", ""), one.get("study_time", "")) for one in headers)
    return max((one for one in moments if one), default=None)


def _moment(day: str, time: str) -> Moment | None:
    plain = day.replace(".", "")  # ACR-NEMA wrote 2026.11.21
    if not (len(plain) == 8 and plain.isascii() and plain.isdecimal()):
        return None
    try:
        when = date.fromisoformat(plain)
    except ValueError:
        return None
    clock = time.replace(":", "")[:6]
    return when, clock.ljust(6, "0") if len(clock) >= 4 and clock.isdecimal() else ""


def oldest_days(headers: Headers) -> int:
    """Return the configured age in days at which a study is no new work; 0 for none.

    Of two that received it, that which takes more as new counts.
    """
    days = [int(one["oldest_days"]) for one in headers if one.get("oldest_days", "").isdecimal()]
    return 0 if 0 in days else max(days, default=OLDEST_DAYS)


def is_old(headers: Headers, arrived: datetime) -> bool:
    """Return whether a study was too old to be new work when it came; one without a day is new.

    Args:
        headers: What its images say of themselves.
        arrived: When its first image came, with a zone.
    """
    moment, most = moment_of(headers), oldest_days(headers)
    if moment is None or not most:
        return False
    return (arrived.astimezone().date() - moment[0]).days > most


def earlier_studies(
    headers: Headers, arrived: datetime, under_same_number: Sequence[ListedCase]
) -> EarlierStudies:
    """Return what of the studies under one number is earlier and of the same person.

    Args:
        headers: What the images of the study before the reader say of themselves.
        arrived: When it came, which stands for its day where it states none.
        under_same_number: Other studies.
    """
    own = moment_of(headers) or (arrived.astimezone().date(), "")
    kept: list[tuple[Moment, ListedCase]] = []
    left_out: Counter[str] = Counter()
    for case in under_same_number:
        moment = moment_of(case.headers)
        if not is_same_person(headers, case.headers):
            left_out[OTHER_PERSON] += 1
        elif moment is None:
            left_out[UNDATED] += 1
        elif _is_before(moment, own):
            kept.append((moment, case))
        else:
            left_out[NEWER] += 1
    kept.sort(key=lambda pair: pair[0], reverse=True)
    return EarlierStudies(tuple(case for _, case in kept), left_out)


def _is_before(one: Moment, other: Moment) -> bool:
    if one[0] != other[0]:
        return one[0] < other[0]
    return bool(one[1] and other[1]) and one[1] < other[1]
