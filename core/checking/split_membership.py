"""Which split each picture, group and patient of a bundle is in, without their names.

A name is kept as the first 8 bytes of its BLAKE2b hash under the bundle's key. The key is made from
the pictures of train and cal and lies in the bundle, beside the hashes.

What that protects: nobody reads a name out of a bundle, tables of hashes worked out beforehand are
of no use, and two bundles cannot be searched for one patient by comparing them. What it does not:
who has the bundle has the key, can ask whether a name that they know is in it, and can find a short
number by trying all of them. Evaluation and feedback must be able to ask exactly that.

At most four names a picture are kept (its content, its group as it is written and as all spellings
share it, what its file states), 17 bytes each. Two of a million names share a hash with probability
3e-8.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.decision.splits import draw_split
from core.labelled import group_key

PICTURE, GROUP, PATIENT = "picture", "group", "patient"
_BYTES = 8

Name = tuple[str, str]
"""Kind and value: ``("group", "plate 7")``."""


def group_names(group: str) -> list[Name]:
    """Return the names of a group that a table gives: as it is written, and what spellings share.

    Another table may have it from a spreadsheet that wrote ``5.0`` for ``05``.
    """
    return [(GROUP, one) for one in dict.fromkeys((group, group_key(group)))]


def stated_name(kind: str, value: str) -> Name:
    """Return the name of what a file states about itself."""
    return f"stated {kind}", value


@dataclass(frozen=True, slots=True)
class Member:
    """One name that is to be known again, and where it counts.

    Attributes:
        name: The name.
        group: The group that errors are counted by: copies and one patient's pictures share it.
        split: ``train`` or ``cal``.
    """

    name: Name
    group: str
    split: str


@dataclass(frozen=True, slots=True)
class CaseNames:
    """What a reviewed case can be known by.

    Attributes:
        pictures: sha256 of its pictures.
        group: The part, study or field; empty for none.
        patients: Whose it is, as its files say.
    """

    pictures: tuple[str, ...]
    group: str = ""
    patients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where the label of a reviewed case belongs.

    Attributes:
        split: ``train`` or ``cal``.
        group: Hash of the group, as in the bundle's own cases: one more picture of a known group is
            no further group.
        is_new: Whether the bundle has no picture of it, so that it was drawn.
    """

    split: str
    group: str
    is_new: bool


@dataclass(frozen=True, eq=False)
class SplitMembership:
    """The names of train and cal as keyed hashes.

    Attributes:
        key: uint8 ``32``.
        names: uint64 ``n``, ascending.
        groups: uint64 ``n``, the group that each counts in.
        is_cal: bool ``n``; the others are in train.
        ignored: uint64 ``m``, what every file of the data set stated alike, which says nothing.
    """

    key: NDArray[np.uint8]
    names: NDArray[np.uint64]
    groups: NDArray[np.uint64]
    is_cal: NDArray[np.bool_]
    ignored: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))

    @classmethod
    def of(
        cls, members: Iterable[Member], pictures: Iterable[str], ignored: Iterable[Name] = ()
    ) -> Self:
        """Return the membership of a data set; of a name in both splits, train counts.

        Args:
            members: The names.
            pictures: sha256 of the pictures of train and cal, which make the key.
            ignored: What every file stated alike.
        """
        key = hashlib.sha256("\0".join(sorted(pictures)).encode()).digest()
        rows = sorted(
            {
                (_number(key, one.name), one.split == "cal", _number(key, (GROUP, one.group)))
                for one in members
            }
        )
        # "train" sorts before "cal" here, so that the first row of a name is the one that counts.
        names, first = np.unique(np.array([row[0] for row in rows], np.uint64), return_index=True)
        return cls(
            key=np.frombuffer(key, np.uint8),
            names=names,
            groups=np.array([row[2] for row in rows], np.uint64)[first],
            is_cal=np.array([row[1] for row in rows], np.bool_)[first],
            ignored=np.array(sorted(_number(key, one) for one in ignored), np.uint64),
        )

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return what ``to_arrays`` gave.

        Raises:
            KeyError: An array is missing.
        """
        return cls(**{one.name: arrays[one.name] for one in fields(cls)})

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything as named arrays."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def group_hash(self, group: str) -> str:
        """Return the keyed hash of a group, 16 hex digits."""
        return _digits(self._number_of((GROUP, group)))

    def __contains__(self, name: Name) -> bool:
        """Return whether a name is of a picture in train or cal."""
        return self._place(name) is not None

    def assign(self, case: CaseNames) -> Assignment:
        """Return the split that the label of a reviewed case joins, and its group.

        A case that shares a picture, a group or a patient with train joins train, whatever else it
        shares: what a certificate is computed on was not fitted to. Else one that shares any with
        cal joins cal. A new one is drawn by ``core.decision.splits.draw_split``: always the same,
        and for all cases of a patient.
        """
        patients = tuple(
            one
            for one in case.patients
            if self._number_of(stated_name(PATIENT, one)) not in self._none
        )
        known = [at for one in _names_of(case, patients) if (at := self._place(one)) is not None]
        if known:
            at = min(known, key=lambda at: bool(self.is_cal[at]))  # of several, the widest name
            split = "cal" if self.is_cal[at] else "train"
            return Assignment(split, _digits(int(self.groups[at])), is_new=False)
        return self._draw(min(patients, default="") or case.group, case.pictures)

    def _draw(self, group: str, pictures: tuple[str, ...]) -> Assignment:
        """Return the assignment of a new group; a case that names none is its picture's."""
        name = (GROUP, group) if group else (PICTURE, min(pictures))
        return Assignment(draw_split(name[1]), _digits(self._number_of(name)), is_new=True)

    @property
    def _none(self) -> frozenset[int]:
        return frozenset(self.ignored.tolist())

    def _number_of(self, name: Name) -> int:
        return _number(self.key.tobytes(), name)

    def _place(self, name: Name) -> int | None:
        number = np.uint64(self._number_of(name))
        at = int(np.searchsorted(self.names, number))
        return at if at < len(self.names) and self.names[at] == number else None


def _names_of(case: CaseNames, patients: Iterable[str]) -> list[Name]:
    """Return every name that a case may be in a bundle under, the widest first.

    A data set names its groups by the patient, the study or the part.
    """
    names = [pair for one in patients for pair in (stated_name(PATIENT, one), (GROUP, one))]
    if case.group:
        names += [stated_name(GROUP, case.group), *group_names(case.group)]
    return [*names, *((PICTURE, one) for one in case.pictures)]


def _number(key: bytes, name: Name) -> int:
    text = "\0".join(name).encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(text, key=key, digest_size=_BYTES).digest(), "big")


def _digits(number: int) -> str:
    return f"{number:0{2 * _BYTES}x}"
