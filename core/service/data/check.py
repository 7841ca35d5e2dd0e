"""data check: what is wrong with a labelled data set before anything is learned from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from core.checking.check import check_rows
from core.checking.facts import Facts, Lost, facts_of
from core.checking.origins import Copies
from core.checking.result import Alarm, Check, Level
from core.imaging import depth
from core.imaging.depth import Depths
from core.imaging.sandbox import Sandbox
from core.labelled import Form, Row, plain, read_labelled, read_words
from core.model.estimators.model import one_thread
from core.packs import entry_of, means_nothing_wrong, pack_named
from core.service.data.pictures import read
from core.service.progress import Progress, silent
from core.settings import Settings
from core.types import Unreadable

SIDE = 224
FULL = depth.STEPS[-1]
_HEADINGS = {
    Level.STRONG: "To be settled before anything is learned from it",
    Level.NOTICE: "Worth a look",
    Level.INFORMATION: "For information",
}


def check(
    pack: str,
    data: Path,
    settings: Settings,
    *,
    negative: frozenset[str] = frozenset(),
    form: Form = Form.AUTO,
    progress: Progress = silent,
) -> Check:
    """Look at a labelled data set for everything that would make a model's figures untrue.

    Args:
        pack: Name of the pack that reads the pictures.
        data: Folder per class, CSV, or folder with a manifest.
        settings: Where things run.
        negative: Labels that mean "nothing wrong"; the pack's own when empty.
        form: Which folders are classes, where a person says it.
        progress: Told how far the work is.

    Raises:
        UnknownPack: No installed pack has that name.
        DataError: The data set cannot be read as one at all.
    """
    one_thread()
    domain = pack_named(pack)
    known = frozenset(map(plain, negative)) or domain.negative_labels
    labelled = read_labelled(
        data,
        domain.group_columns,
        min_labels=1,
        suffixes=domain.suffixes,
        negative=known,
        form=form,
    )
    looked = look_over(labelled.rows, pack=pack, settings=settings, progress=progress)
    read = labelled.to_json()
    read["notices"] += depth.depth_words(peaks_of(looked))
    return replace(checked(looked, known, progress), read=read)


def checked(
    looked: Sequence[Facts | Lost],
    negative: frozenset[str],
    progress: Progress,
    copies: Copies | None = None,
) -> Check:
    """Check pictures that have been looked at, see ``check_rows``."""
    progress("Checking", 0, 1)
    sides = sides_of([one.row for one in looked], negative)
    found = check_rows(looked, sides, negative, copies=copies)
    progress("Checking", 1, 1)
    return found


def sides_of(rows: Sequence[Row], negative: frozenset[str]) -> dict[str, bool]:
    """Return of every label whether it counts as positive; all may fall on one side."""
    labels = sorted({label for row in rows for label in row.labels})
    return {label: not means_nothing_wrong(label, negative) for label in labels}


def check_words(found: Check) -> list[str]:
    """Return what a check found, worst first, and the number of pictures by label and split."""
    lines = [f"{found.pictures} pictures in {found.groups} groups."]
    lines += [*(read_words(found.read) if found.read else ()), ""]
    return [*lines, *alarm_words(found.alarms), *_table(found.balance)]


def alarm_words(alarms: Sequence[Alarm]) -> list[str]:
    """Return what was found, worst first, under a heading a level."""
    lines: list[str] = []
    for level in Level:
        said = [alarm.sentence for alarm in alarms if alarm.level == level]
        if said:
            lines += [_HEADINGS[level], *(f"  {sentence}" for sentence in said), ""]
    return lines


def _table(balance: Mapping[str, Mapping[str, int]]) -> list[str]:
    splits = list(next(iter(balance.values()), {}))
    wide = max([len("label"), *map(len, balance)])
    columns = [max(len(split), 7) for split in splits]
    head = "  ".join(f"{split:>{c}}" for split, c in zip(splits, columns, strict=True))
    lines = [f"{'label':<{wide}}  {head}"]
    for label, counts in balance.items():
        cells = "  ".join(f"{counts[s]:>{c}}" for s, c in zip(splits, columns, strict=True))
        lines.append(f"{label:<{wide}}  {cells}")
    return lines


def look_over(
    rows: Sequence[Row], *, pack: str, settings: Settings, progress: Progress
) -> list[Facts | Lost]:
    """Return the facts of every picture, each with white where the data of its source end.

    Pictures whose files hold more than their data use are looked at twice: where white is shows
    once all were seen.

    Args:
        rows: The data set's rows.
        pack: Name of the pack that reads them.
        settings: Where things run.
        progress: Told after every picture.
    """
    looked = list(facts_at(rows, pack=pack, settings=settings, progress=progress))
    depths = depths_of(looked)
    narrow = [
        place
        for place, one in enumerate(looked)
        if isinstance(one, Facts) and depths.get(one.source, FULL) < FULL
    ]
    again = facts_at(
        [rows[place] for place in narrow],
        pack=pack,
        settings=settings,
        progress=progress,
        depths=depths,
    )
    for place, one in zip(narrow, again if narrow else (), strict=True):
        looked[place] = one
    return looked


def depths_of(looked: Sequence[Facts | Lost]) -> dict[str, int]:
    """Return the bits that the data of each source use, by pictures that may be learned from."""
    return depth.measure(peaks_of(looked))


def peaks_of(looked: Sequence[Facts | Lost]) -> list[tuple[str, int]]:
    """Return source and peak of the pictures that may be learned from."""
    return [
        (one.source, one.peak)
        for one in looked
        if isinstance(one, Facts) and one.row.split in ("", "train")
    ]


def facts_at(
    rows: Sequence[Row],
    *,
    pack: str,
    settings: Settings,
    progress: Progress,
    depths: Depths | None = None,
) -> Iterator[Facts | Lost]:
    """Read labelled pictures in the decoder processes and keep the few facts of each.

    Args:
        rows: The data set's rows.
        pack: Name of the pack that reads them.
        settings: Where things run.
        progress: Told after every picture.
        depths: Bits that the data of each source use; None while they are being measured.

    Yields:
        One ``Facts`` or ``Lost`` a row, in order.
    """
    with Sandbox(entry_of(pack), SIDE, settings, depths) as sandbox:
        for done, (row, frame, said) in enumerate(read(rows, sandbox, settings), 1):
            progress("Looking at the pictures", done, len(rows))
            if isinstance(frame, Unreadable):
                yield Lost(row, frame.message)
            else:
                yield facts_of(frame, row, said)
