"""Whose a study is: patients are compared as DICOM compares them, never by their number alone.

Numbers are reused between hospitals, names are written in many ways, and one StudyInstanceUID may
come with two patients. What both sides state must agree. What only one states is no contradiction,
but for the number: a picture that names nobody is no patient's until name and date of birth agree.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

WORDS = ("patient_id", "patient_issuer", "patient_name", "patient_birth_date", "patient_sex")
MOST_PEOPLE = 20
"""A study that names more is contradictory without comparing each with each."""

_SEXES = frozenset({"M", "F"})
_DAY = re.compile(r"(\d{4})[.\-/]?(\d{2})[.\-/]?(\d{2})", re.ASCII)

Header = Mapping[str, str]
NameGroups = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class PatientIdentity:
    """A patient as one header names them, in a form that compares.

    Attributes:
        number: PatientID.
        issuer: IssuerOfPatientID.
        name: Components of the alphabetic, ideographic and phonetic name, folded in case.
        born: Date of birth as ``yyyymmdd``, or as the header writes it where it is no such date.
        sex: ``M``, ``F`` or empty.
    """

    number: str
    issuer: str
    name: NameGroups
    born: str
    sex: str


def person_of(header: Header) -> PatientIdentity:
    """Return who one header names."""
    number, issuer, name, born, sex = (header.get(word, "").strip() for word in WORDS)
    day = _DAY.fullmatch(born)
    return PatientIdentity(
        number=unicodedata.normalize("NFC", number),
        issuer=unicodedata.normalize("NFC", issuer),
        name=name_groups(name),
        born="".join(day.groups()) if day else born,
        sex=sex.upper() if sex.upper() in _SEXES else "",
    )


def name_groups(name: str) -> NameGroups:
    """Return the components of a name by group, so that equal names are equal.

    Padding, case, runs of spaces, the Unicode form and delimiters at the end say nothing (PS3.5
    6.2.1.1): ``"DOE^JOHN "``, ``"Doe^John^^^"`` and ``"doe^john=="`` are one name.
    """
    groups = [tuple(map(_folded, group.split("^"))) for group in name.split("=")]
    return tuple(map(_without_empty_end, groups))


def _folded(text: str) -> str:
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    return " ".join(folded.split())


def _without_empty_end(parts: tuple[str, ...]) -> tuple[str, ...]:
    while parts and not parts[-1]:
        parts = parts[:-1]
    return parts


def do_names_agree(one: NameGroups, other: NameGroups) -> bool | None:
    """Return whether two names agree wherever both state a component; None where none is common."""
    both = [
        mine == theirs
        for group, opposite in zip(one, other, strict=False)
        for mine, theirs in zip(group, opposite, strict=False)
        if mine and theirs
    ]
    return all(both) if both else None


def differences(one: PatientIdentity, other: PatientIdentity) -> tuple[str, ...]:
    """Return the words for what says that two headers name different patients; none where nothing.

    A number against no number differs unless name and date of birth are stated and agree.
    """
    same_name = do_names_agree(one.name, other.name)
    same_day = one.born == other.born if one.born and other.born else None
    half = bool(one.number) != bool(other.number)
    found = {
        "number": not (same_name and same_day) if half else one.number != other.number,
        "issuer of the number": bool(one.issuer and other.issuer) and one.issuer != other.issuer,
        "name": same_name is False,
        "date of birth": same_day is False,
        "sex": bool(one.sex and other.sex) and one.sex != other.sex,
    }
    return tuple(word for word, differs in found.items() if differs)


def contradictions(headers: Sequence[Header]) -> tuple[str, ...]:
    """Return the words for what the images of a study contradict each other in; none where nothing.

    An image whose own header could not be read, or that has none, names nobody and is left out.

    Args:
        headers: What each image says of itself.
    """
    read = [one for one in headers if _was_read(one)]
    if len({tuple(one.get(word, "") for word in WORDS) for one in read}) < 2:
        return ()
    people = {person_of(one) for one in read}
    if len(people) > MOST_PEOPLE:
        return ("name",)
    found = [differences(*pair) for pair in combinations(people, 2)]
    return tuple(dict.fromkeys(word for words in sorted(found, reverse=True) for word in words))


def _was_read(header: Header) -> bool:
    return "sop_uid" in header or any(header.get(word) for word in WORDS)


def by_person(headers: Sequence[Header]) -> list[tuple[Header, ...]]:
    """Return the headers of a study in as many groups as they name different patients."""
    groups: list[list[Header]] = []
    for header in headers:
        fitting = (group for group in groups if not contradictions([*group, header]))
        group = next(fitting, None)
        if group is None:
            groups.append([header])
        else:
            group.append(header)
    return [tuple(group) for group in groups]


def is_same_person(headers: Sequence[Header], others: Sequence[Header]) -> bool:
    """Return whether two studies are surely of one patient.

    The number is the same, nothing contradicts, and name or date of birth confirm it: a number
    alone names nobody, since two hospitals may give the same.
    """
    one, other = (person_of(_merged(some)) for some in (headers, others))
    if not one.number or contradictions([*headers, *others]):
        return False
    confirmed = bool(one.born) and one.born == other.born
    return one.number == other.number and (
        confirmed or do_names_agree(one.name, other.name) is True
    )


def _merged(headers: Sequence[Header]) -> Header:
    return {word: next((one[word] for one in headers if one.get(word)), "") for word in WORDS}
