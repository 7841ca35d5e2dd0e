"""Whether labelled pictures can be learned from at all, and what keeps them from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from core.checking.facts import PictureFacts, UnreadablePicture
from core.errors import DataError
from core.packs import means_nothing_wrong
from core.service.data.pictures import PictureFeatures

_MOST_KINDS = 4


def describe_refusals(readable: Sequence[PictureFeatures]) -> str:
    """Return how many pictures the pack refuses, and why: ``60 of 80 ... refused: 55 blank``."""
    refused = [one.prepared.findings for one in readable if one.prepared.findings]
    kinds = Counter(found.detail.partition(":")[0] for each in refused for found in each)
    listed = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(_MOST_KINDS))
    first = f" (such as {refused[0][0].detail.rstrip('.')})" if refused else ""
    return f"{len(refused)} of {len(readable)} pictures are refused: {listed}{first}"


def refuse_all_refused(readable: Sequence[PictureFeatures], negative: frozenset[str]) -> None:
    """Refuse training pictures of which the pack lets none near the class, on either side.

    Raises:
        DataError: How many are refused, and why.
    """
    sides: dict[bool, list[PictureFeatures]] = {}
    for one in readable:
        good = all(means_nothing_wrong(name, negative) for name in one.row.labels)
        sides.setdefault(good, []).append(one)
    for good, them in sides.items():
        if all(one.prepared.findings for one in them):
            side = "nothing" if good else "something"
            raise DataError(
                f"Nothing can be learned from the training pictures with {side} wrong: "
                f"{describe_refusals(them)}.",
                hint="Take them again, or take out what is no picture of a product.",
            )


def refuse_all_unreadable(pictures: Sequence[PictureFacts | UnreadablePicture]) -> None:
    """Refuse training pictures none of which reads.

    Raises:
        DataError: How many there are, with the first few reasons.
    """
    lost = [one for one in pictures if isinstance(one, UnreadablePicture)]
    if len(lost) == len(pictures):
        refuse_mostly_unreadable(lost, len(pictures))


def refuse_mostly_unreadable(unreadable: Sequence[UnreadablePicture], total: int) -> None:
    """Refuse a data set of which more than a tenth does not read.

    Raises:
        DataError: How much of it, with the first few reasons.
    """
    if 10 * len(unreadable) > total:
        first = "; ".join(
            f"{one.row.file.name}: {one.message.rstrip('.')}" for one in unreadable[:3]
        )
        raise DataError(
            f"{len(unreadable)} of {total} pictures do not read: {first}.",
            hint="Repair or remove them; up to a tenth may be unreadable.",
        )
