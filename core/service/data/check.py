"""data check: what is wrong with a labelled data set before anything is learned from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from core.checking.check import check_rows
from core.checking.facts import (
    PictureFacts,
    ShrunkPicture,
    ShrunkPixels,
    UnreadablePicture,
    facts_of,
)
from core.checking.origins import Copies
from core.checking.result import Alarm, CheckReport, Level
from core.imaging import depth
from core.imaging.depth import Depths
from core.imaging.sandbox import Sandbox
from core.labelled import Form, Row, describe_data_set, plain, read_labelled
from core.model.estimators.model import one_thread
from core.ordered_map import threaded_map
from core.packs import entry_of, means_nothing_wrong, pack_named
from core.service.data.copies import find_copies
from core.service.data.pictures import Picture, read_pictures
from core.service.progress import Progress, silent
from core.settings import Settings
from core.types import Unreadable

SIDE = 224
FULL = depth.STEPS[-1]
_HEADINGS = {
    Level.STRONG: "To be resolved before anything is learned from it",
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
) -> CheckReport:
    """Return what in a labelled data set would make a model's figures wrong.

    Args:
        pack: Name of the pack that reads the pictures.
        data: Folder per class, CSV, or folder with a manifest.
        settings: Where things run.
        negative: Labels that mean "nothing wrong"; the pack's own when empty.
        form: Which folders are classes, where a person says it.
        progress: Called with how far the work is.

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
    pictures = collect_facts(labelled.rows, pack=pack, settings=settings, progress=progress)
    read = labelled.to_json()
    read["notices"] += depth.describe_depths(peaks_of(pictures))
    copies = find_copies(pictures, pack=pack, settings=settings, depths=depths_of(pictures))
    return replace(check_pictures(pictures, known, progress, copies), read=read)


def check_pictures(
    pictures: Sequence[PictureFacts | UnreadablePicture],
    negative: frozenset[str],
    progress: Progress,
    copies: Copies | None = None,
) -> CheckReport:
    """Return what is wrong with pictures that were extracted, see ``check_rows``."""
    progress("Checking", 0, 1)
    sides = flag_positive_labels([one.row for one in pictures], negative)
    found = check_rows(pictures, sides, negative, copies=copies)
    progress("Checking", 1, 1)
    return found


def flag_positive_labels(rows: Sequence[Row], negative: frozenset[str]) -> dict[str, bool]:
    """Return for each label whether it counts as positive; all may fall on one side."""
    labels = sorted({label for row in rows for label in row.labels})
    return {label: not means_nothing_wrong(label, negative) for label in labels}


def summarise_check(found: CheckReport) -> list[str]:
    """Return what a check found, worst first, and the number of pictures by label and split."""
    lines = [f"{found.pictures} pictures in {found.groups} groups."]
    lines += [*(describe_data_set(found.read) if found.read else ()), ""]
    return [*lines, *summarise_alarms(found.alarms), *_table(found.balance)]


def summarise_alarms(alarms: Sequence[Alarm]) -> list[str]:
    """Return what was found, worst first, under a heading a level."""
    lines: list[str] = []
    for level in Level:
        sentences = [alarm.sentence for alarm in alarms if alarm.level == level]
        if sentences:
            lines += [_HEADINGS[level], *(f"  {sentence}" for sentence in sentences), ""]
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


def collect_facts(
    rows: Sequence[Row], *, pack: str, settings: Settings, progress: Progress
) -> list[PictureFacts | UnreadablePicture]:
    """Return the facts of every picture, each with white where the data of its source end.

    Pictures whose files have more bits than their data use are read twice: the white level is known
    once all were read.

    Args:
        rows: The data set's rows.
        pack: Name of the pack that reads them.
        settings: Where things run.
        progress: Called after every picture.
    """
    shrunk = ShrunkPixels()
    pictures = list(read_facts(rows, shrunk, pack=pack, settings=settings, progress=progress))
    depths = depths_of(pictures)
    narrow = [
        place
        for place, one in enumerate(pictures)
        if isinstance(one, PictureFacts) and depths.get(one.source, FULL) < FULL
    ]
    again = read_facts(
        [rows[place] for place in narrow],
        shrunk,
        pack=pack,
        settings=settings,
        progress=progress,
        depths=depths,
    )
    for place, one in zip(narrow, again if narrow else (), strict=True):
        pictures[place] = one
    return pictures


def depths_of(pictures: Sequence[PictureFacts | UnreadablePicture]) -> dict[str, int]:
    """Return the bits that the data of each source use, by pictures that may be learned from."""
    return depth.measure(peaks_of(pictures))


def peaks_of(pictures: Sequence[PictureFacts | UnreadablePicture]) -> list[tuple[str, int]]:
    """Return source and peak of the pictures that may be learned from."""
    return [
        (one.source, one.peak)
        for one in pictures
        if isinstance(one, PictureFacts) and one.row.split in ("", "train")
    ]


def read_facts(
    rows: Sequence[Row],
    shrunk: ShrunkPixels,
    *,
    pack: str,
    settings: Settings,
    progress: Progress,
    depths: Depths | None = None,
) -> Iterator[PictureFacts | UnreadablePicture]:
    """Yield the few facts of labelled pictures, read in the decoder processes.

    Args:
        rows: The data set's rows.
        shrunk: Where their shrunk pixels are kept.
        pack: Name of the pack that reads them.
        settings: Where things run.
        progress: Called after every picture.
        depths: Bits that the data of each source use; None while they are being measured.

    Yields:
        One ``PictureFacts`` or ``UnreadablePicture`` a row, in order.
    """
    with Sandbox(entry_of(pack), SIDE, settings, depths) as sandbox:
        pictures = read_pictures(rows, sandbox, settings)
        small = threaded_map(_shrink, pictures, workers=settings.workers)
        for done, ((row, frame, file), one) in enumerate(small, 1):
            progress("Looking at the pictures", done, len(rows))
            if isinstance(frame, Unreadable):
                yield UnreadablePicture(row, frame.message)
            elif one is not None:
                yield facts_of(frame, one, row, file, shrunk)


def _shrink(picture: Picture) -> tuple[Picture, ShrunkPicture | None]:
    frame = picture[1]
    return picture, None if isinstance(frame, Unreadable) else ShrunkPicture.of(frame.pixels)
