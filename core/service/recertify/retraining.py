"""Train anew on the pictures of before and on what people answered on new ones.

Every row carries its split. Reviewed cases join train by the group rule; those of cal stay out: a
certificate counts on cases that nobody chose, and most were chosen by their verdict.
"""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.checking.split_membership import CaseNames, SplitMembership
from core.errors import DataError, StoreError
from core.files import sha256_of
from core.labelled import Row, read_labelled
from core.model.bundle.bundle import Bundle
from core.records import blobs
from core.records.connection import Store
from core.service.recertify.collect import collect
from core.service.recertify.collected import Collected
from core.service.recertify.copies import Assigned
from core.service.training.spec import TrainSpec
from core.settings import Settings
from core.types import Disposition

LEAST_GROUPS = 20
LEAST_SHARE = 0.1
"""New groups of train from which on training anew is offered: that many, and that share of them."""

_COLUMNS = ("file", "label", "split", "group")

Step = Callable[[str, int, int], None]


@dataclass(frozen=True)
class RetrainSpec:
    """What ``retrain`` is asked for.

    Attributes:
        bundle_sha256: The bundle to be trained anew, from the archive.
        data: The labelled pictures that it was trained on.
        out: Folder of the new bundle.
        product: The product whose reviewed cases are added.
    """

    bundle_sha256: str
    data: Path
    out: Path
    product: str = ""


def retraining_reason(collected: Collected, bundle: Bundle, *, is_certified: bool) -> str:
    """Return why training anew would help; empty where nothing says so.

    Args:
        collected: What review has given.
        bundle: The bundle.
        is_certified: Whether the policy in force certifies escapes.
    """
    known, new = len(set(bundle.oof.group.tolist())), collected.new_train_groups
    enough = new >= max(LEAST_GROUPS, LEAST_SHARE * known)
    if enough:
        return f"{new:,} new groups can be learned from, beside the {known:,} of before."
    if not is_certified and new:
        return (
            f"No escape rate is certified; {new:,} new groups, of the least {LEAST_GROUPS} that "
            "usually help, can be learned from."
        )
    return ""


def write_training_data(
    store: Store, settings: Settings, bundle: Bundle, spec: RetrainSpec, folder: Path, step: Step
) -> int:
    """Return how many reviewed pictures were written into a data set beside those of before.

    Args:
        store: The store.
        settings: Where things run.
        bundle: The bundle that ``spec`` names.
        spec: What is asked.
        folder: The data set's folder, which is made.
        step: Called as work goes on.

    Raises:
        DataError: The pictures of before are not there, or nothing new can be learned.
    """
    pack = bundle.pack
    before = read_labelled(
        spec.data, pack.group_columns, negative=pack.negative_labels, known=bundle.model.classes
    )
    reviewed = collect(store, settings, bundle, spec.product)
    (folder / "pictures").mkdir(parents=True)
    with (folder / "manifest.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(_COLUMNS)
        table.writerows(_rows_of_before(before.rows, bundle, folder, step))
        new = list(_reviewed_rows(reviewed.train, bundle, store, folder))
        table.writerows(new)
    if not new:
        raise DataError(
            "There is no reviewed picture that could be learned from.",
            hint="Review more cases, and name what you see on them.",
        )
    return len(new)


def training_spec(spec: RetrainSpec, bundle: Bundle, folder: Path) -> TrainSpec:
    """Return what training on a data set of ``write_training_data`` is asked."""
    classes = zip(bundle.model.classes, bundle.model.positive, strict=True)
    negative = frozenset(name for name, positive in classes if not positive)
    return TrainSpec(bundle.pack.name, folder, spec.out, negative, leave_out_copies=True)


def _rows_of_before(
    rows: Iterable[Row], bundle: Bundle, folder: Path, step: Step
) -> Iterator[tuple[str, ...]]:
    """Yield each picture of before in the split that the bundle has it in."""
    membership = SplitMembership.from_arrays(bundle.membership)
    listed = list(rows)
    for number, row in enumerate(listed):
        step("Collecting pictures", number, len(listed))
        name = f"pictures/{number:06}{row.file.suffix.lower()}"
        _link(row.file, folder / name)
        group = row.group if row.grouped else ""
        names = CaseNames((sha256_of(row.file),), group)
        split = row.split or membership.assign(names).split
        yield name, row.label, split, row.group


def _reviewed_rows(
    reviewed: Iterable[Assigned], bundle: Bundle, store: Store, folder: Path
) -> Iterator[tuple[str, ...]]:
    """Yield each reviewed picture of train; of several, nobody knows which shows something."""
    for one in reviewed:
        label = _label(one, bundle)
        is_positive = one.case.answer is Disposition.POSITIVE
        if not label or (is_positive and len(one.case.pictures) > 1):
            continue
        for content in one.case.pictures:
            try:
                data = blobs.get(store.blobs, content)
            except StoreError:
                continue  # it was cleared away
            name = f"pictures/reviewed-{content[:16]}.img"
            (folder / name).write_bytes(data)
            yield name, label, "train", one.case.group


def _label(one: Assigned, bundle: Bundle) -> str:
    """Return the class that a person meant; empty where they named none of several."""
    side = one.case.answer is Disposition.POSITIVE
    classes = [
        name
        for name, positive in zip(bundle.model.classes, bundle.model.positive, strict=True)
        if bool(positive) is side
    ]
    if one.case.label:
        return one.case.label
    return classes[0] if len(classes) == 1 else ""


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source.resolve(), target)
    except OSError:  # another disk
        shutil.copyfile(source, target)
