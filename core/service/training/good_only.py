"""Training from good pictures alone: a memory bank, until there are enough defects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from core.checking.facts import UnreadablePicture
from core.decision import splits
from core.errors import DataError
from core.labelled import Row
from core.model.estimators.bank import Bank
from core.model.estimators.model import with_bank_score
from core.model.fitting.bank_fitting import (
    MAX_GROUPS,
    MAX_PICTURES,
    GoodPatches,
    collect_patches,
)
from core.packs import means_nothing_wrong
from core.service.data.labels import has_multilabel
from core.service.data.pictures import PictureFeatures
from core.service.training.refusals import describe_refusals
from core.types import F32, F64

ANOMALY = "anomaly"
MIN_GROUPS = 5
ENOUGH_DEFECTS = 30
MANY_DEFECTS = 150  # the head alone does as well as both, within what draws differ
CAL_GOOD_GROUPS = 59  # good groups that certify an overkill of 5 % at 95 % confidence
BANK_GROUPS = 20  # good groups from which on the memory is worth little more
BANK_GROUPS_WHEN_MANY = (
    60  # of more than ``MAX_GROUPS`` in train the memory takes these, the rest are compared
)

Extracted = PictureFeatures | UnreadablePicture


@dataclass(frozen=True)
class BankFeatures:
    """Features of labelled pictures, and the memory bank of the good ones among them.

    Attributes:
        pictures: One a row, in order; their patches are replaced by the bank's score.
        bank: The memory bank.
        held_out: Each readable picture's file to its score by the bank without its own group.
    """

    pictures: list[Extracted]
    bank: Bank
    held_out: Mapping[Path, float]

    def log_odds(self, readable: Sequence[PictureFeatures]) -> F64:
        """Return the log odds by the bank without each picture's own group, float64 ``n``."""
        return np.array([self.bank.log_odds(score) for score in self.scores(readable)], np.float64)

    def scores(self, readable: Sequence[PictureFeatures]) -> F64:
        """Return the anomaly scores by the bank without each picture's own group, ``n``."""
        return np.array([self.held_out[one.row.file] for one in readable], np.float64)


class _Scorer:
    """Scores pictures by a memory bank, and by the one without their own group.

    Attributes:
        bank: The whole memory bank.
        owners: Group to its place in the bank.
        held_out: File of each picture scored to its score by the bank without its own group.
    """

    def __init__(self, patches: Mapping[str, Sequence[F32]]) -> None:
        self._good: GoodPatches = collect_patches(list(patches.values()))
        self.bank = self._good.bank()
        self.owners = {group: place for place, group in enumerate(patches)}
        self.held_out: dict[Path, float] = {}
        self._without = lru_cache(maxsize=1)(self._good.bank)

    def score(self, one: Extracted) -> Extracted:
        """Return a picture with the bank's score instead of its patches, which are large."""
        if isinstance(one, UnreadablePicture):
            return one
        patches, place = one.output.patches, self.owners.get(one.row.group)
        score = self.bank.score(patches)
        self.held_out[one.row.file] = (
            score if place is None else self._without(place).score(patches)
        )
        return replace(one, output=with_bank_score(one.output, score))


def add_anomaly_class(classes: tuple[str, ...], negative: frozenset[str]) -> tuple[str, ...]:
    """Return the classes, with one for anomalies where there are only good ones."""
    if all(means_nothing_wrong(name, negative) for name in classes):
        return (*classes, ANOMALY)
    return classes


def relabel_anomalies(
    rows: Sequence[Row], classes: Sequence[str], negative: frozenset[str]
) -> list[Row]:
    """Return rows with every label but the known ones called an anomaly."""
    if ANOMALY not in classes:
        return list(rows)
    known = negative | set(classes)
    return [
        row
        if all(means_nothing_wrong(name, known) for name in row.labels)
        else replace(row, label=ANOMALY)
        for row in rows
    ]


def has_few_defects(rows: Sequence[Row], negative: frozenset[str]) -> bool:
    """Return whether a memory bank is needed: fewer than ``ENOUGH_DEFECTS`` defect groups.

    Raises:
        DataError: There is no defect, and fewer than ``MIN_GROUPS`` good groups.
    """
    good = _good_groups(rows, negative)
    defects = _defect_groups(rows, good)
    if defects == 0 and len(good) < MIN_GROUPS:
        raise DataError(
            f"A start from good pictures alone needs {MIN_GROUPS} of them, got {len(good)}.",
            hint="Add pictures of further good parts; pictures of one group count once.",
        )
    return defects < ENOUGH_DEFECTS and len(good) >= MIN_GROUPS and not has_multilabel(rows)


def needs_bank(rows: Sequence[Row], negative: frozenset[str]) -> bool:
    """Return whether a memory bank still adds something beyond ``ENOUGH_DEFECTS``.

    Until ``CAL_GOOD_GROUPS`` good groups can certify the positive verdicts, dropping the memory
    would leave nothing that bounds overkill, however many defects there are. Until ``MANY_DEFECTS``
    it makes a head that knows few of them better.
    """
    good = _good_groups(rows, negative)
    is_certified = len(_held_out_groups(rows, good)) >= CAL_GOOD_GROUPS
    is_known = is_certified and _defect_groups(rows, good) >= MANY_DEFECTS
    return len(good) >= MIN_GROUPS and not is_known and not has_multilabel(rows)


def describe_dropped_bank(rows: Sequence[Row], negative: frozenset[str]) -> str:
    """Return why no memory is kept although there are good groups enough for one; else nothing."""
    good = _good_groups(rows, negative)
    if len(good) < MIN_GROUPS:
        return ""
    held_out = len(_held_out_groups(rows, good))
    defects = f"{_defect_groups(rows, good)} groups with something wrong"
    if not needs_bank(rows, negative):
        return (
            f"No memory of good pictures is kept: there are {defects} to learn from "
            f"({MANY_DEFECTS} or more), and the "
            f"{held_out} good groups held out can certify overkill."
        )
    return (
        f"No memory of good pictures is kept, because the data set names its own held-out pictures "
        f"and there are {defects} ({ENOUGH_DEFECTS} or more): only the "
        f"{held_out} good groups held out bound overkill, and {CAL_GOOD_GROUPS} certify 5 %."
    )


def assign_good_groups(rows: Sequence[Row], negative: frozenset[str]) -> list[Row]:
    """Return rows with good groups assigned to the bank first, then cal; no splits are named.

    All are for the bank until ``BANK_GROUPS`` can stay there while ``CAL_GOOD_GROUPS`` certify;
    until then the memory's own groups bound overkill (``core.decision.good_only``). With
    ``ENOUGH_DEFECTS`` those beyond ``BANK_GROUPS`` stay where they were dealt, since the head is
    certified on them.
    """
    good = np.array(sorted(_good_groups(rows, negative)), np.str_)
    held_out = _held_out_groups(rows, set(good.tolist()))
    if len(good) < BANK_GROUPS + CAL_GOOD_GROUPS:
        enough = _defect_groups(rows, set(good.tolist())) >= ENOUGH_DEFECTS
        spare = max(0, len(good) - BANK_GROUPS) if enough else 0
        kept = sorted(held_out)
        held_out = {kept[i] for i in splits.order_by_hash(kept)[:spare]}
    elif len(held_out) < CAL_GOOD_GROUPS:
        order = [
            str(good[i]) for i in splits.order_by_hash(good.tolist()) if good[i] not in held_out
        ]
        held_out |= set(order[: CAL_GOOD_GROUPS - len(held_out)])
    known = set(good.tolist())
    return [
        replace(row, split="cal" if row.group in held_out else "train")
        if row.group in known
        else row
        for row in rows
    ]


def extract_and_fit_bank(
    rows: Sequence[Row],
    negative: frozenset[str],
    extract: Callable[[Sequence[Row]], Iterable[Extracted]],
    seed: int,
) -> BankFeatures:
    """Return features, the bank's pictures first, so that no others' patches are kept.

    Args:
        rows: Labelled pictures with their splits.
        negative: Labels that mean "nothing wrong".
        extract: Runs the network on rows, in order.
        seed: Draws the good groups for the memory where there are too many.

    Raises:
        DataError: Too few good pictures can be read.
    """
    chosen = _for_memory(rows, negative, seed)
    first = dict(zip(chosen, extract([rows[i] for i in chosen]), strict=True))
    patches: dict[str, list[F32]] = {}
    for one in first.values():
        if isinstance(one, PictureFeatures) and not one.prepared.findings:
            patches.setdefault(one.row.group, []).append(one.output.patches)
    if len(patches) < MIN_GROUPS:
        readable = [one for one in first.values() if isinstance(one, PictureFeatures)]
        raise DataError(
            f"Only {len(patches)} good groups can be read and used, at least {MIN_GROUPS} are "
            f"needed: {describe_refusals(readable)}.",
            hint="Add good pictures, or take them again.",
        )
    scorer = _Scorer(patches)
    # Group by group, so that the bank without a group is made once.
    order = sorted(first, key=lambda i: rows[i].group)
    done = {i: scorer.score(first[i]) for i in order}
    rest = [i for i in range(len(rows)) if i not in first]
    done |= {
        i: scorer.score(one) for i, one in zip(rest, extract([rows[i] for i in rest]), strict=True)
    }
    pictures = [done[i] for i in range(len(rows))]
    return BankFeatures(pictures, _measured(scorer, pictures, negative), scorer.held_out)


def _good_groups(rows: Sequence[Row], negative: frozenset[str]) -> set[str]:
    """Return the groups that no picture says anything is wrong with."""
    bad = {row.group for row in rows if not _is_good(row, negative)}
    return {row.group for row in rows} - bad


def _held_out_groups(rows: Sequence[Row], good: set[str]) -> set[str]:
    return {row.group for row in rows if row.split == "cal"} & good


def _defect_groups(rows: Sequence[Row], good: set[str]) -> int:
    return len({row.group for row in rows} - good)


def _is_good(row: Row, negative: frozenset[str]) -> bool:
    return all(means_nothing_wrong(name, negative) for name in row.labels)


def _for_memory(rows: Sequence[Row], negative: frozenset[str], seed: int) -> list[int]:
    """Return the good training pictures for the bank, a bounded number of each group."""
    train = [row for row in rows if row.split == "train"]
    good = np.array(sorted(_good_groups(train, negative)), np.str_)
    if len(good) > MAX_GROUPS:
        good = np.random.default_rng(seed).permutation(good)[:BANK_GROUPS_WHEN_MANY]
    left = dict.fromkeys(good.tolist(), max(1, MAX_PICTURES // max(1, len(good))))
    chosen = []
    for place, row in enumerate(rows):
        if row.split == "train" and left.get(row.group, 0) > 0:
            left[row.group] -= 1
            chosen.append(place)
    return chosen


def _measured(scorer: _Scorer, pictures: Sequence[Extracted], negative: frozenset[str]) -> Bank:
    """Return the memory the good training groups' scores, each by its strangest picture."""
    worst: dict[str, float] = {}
    for one in pictures:
        if (
            not isinstance(one, PictureFeatures)
            or one.row.split != "train"
            or one.prepared.findings
        ):
            continue
        if one.row.group in scorer.owners or _is_good(one.row, negative):
            score = scorer.held_out[one.row.file]
            worst[one.row.group] = max(score, worst.get(one.row.group, score))
    left_out = [score for group, score in worst.items() if group not in scorer.owners]
    return replace(
        scorer.bank,
        group_scores=np.array([worst[group] for group in scorer.owners], np.float64),
        reference=np.sort(np.array(left_out, np.float64)),
    )
