"""Which copies among reviewed pictures recertification counts as one.

Known are the pictures of train and cal; test pictures, one a group, were reviewed before. Copies of
these, one change a kind, come later in a batch of their own, or together with them. The pictures
reviewed before are of different groups: how many origins they are counted as is printed too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from core.checking.exposures import SIDE
from core.checking.facts import FileFacts, PictureFacts, ShrunkPicture, ShrunkPixels, facts_of
from core.checking.fingerprints import Fingerprints
from core.checking.new_origins import find_origins, fingerprints_of_new
from core.imaging.attempt import attempt
from core.labelled import Row
from core.packs import DomainPack, pack_named
from core.settings import Settings
from core.types import U8, Prepared
from tests.benchmarks.copies import COUNT, KINDS, SEED, known_fingerprints, open_picture, png_of
from tests.benchmarks.sets import HOME, asked, rows_of

BEFORE = 60

Batch = tuple[list[PictureFacts], list[U8]]


def main() -> None:
    """Print for each set how many copies of each kind are counted with their original."""
    print(f"{COUNT} copies a kind of {BEFORE} reviewed pictures at most, seed {SEED}")
    print("that come later: that come together with them")
    for name in asked():
        _measure(name)


def _measure(name: str) -> None:
    pack_name, rows = rows_of(name, Settings(home=HOME))
    pack, rng, shrunk = pack_named(pack_name), np.random.default_rng(SEED), ShrunkPixels()
    met = [row for row in rows if row.split in ("train", "cal")]
    groups = {row.group for row in met}
    first = {row.group: row for row in rows if row.split == "test" and row.group not in groups}
    before = [[*first.values()][at] for at in rng.permutation(len(first))[:BEFORE]]
    known = known_fingerprints(pack, met)
    started = time.process_time()
    read = partial(_read, pack, shrunk)
    pictures = read([row.file.read_bytes() for row in before])
    numbers = _origins(known, pictures)
    spent = (time.process_time() - started) / len(before)
    own = numbers == len(met) + np.arange(len(before))
    print(
        f"{name}: known {len(met)}, reviewed before {len(before)}: counted as {own.sum()}, "
        f"{(numbers < len(met)).sum()} taken for known, {spent:.3f} CPU s a picture"
    )
    kept = [one for one, is_own in zip(pictures[0], own, strict=True) if is_own]
    grown = known.with_those_of(fingerprints_of_new(kept))
    places = np.flatnonzero(own)
    for kind, change in KINDS.items():
        _measure_kind(
            f"{name}, {kind}", read, (known, grown), (before, pictures), places, change, rng
        )


def _measure_kind(
    name: str,
    read: Callable[[Sequence[bytes]], Batch],
    known: tuple[Fingerprints, Fingerprints],
    before: tuple[Sequence[Row], Batch],
    places: np.ndarray,
    change: Callable[[U8, np.random.Generator], U8],
    rng: np.random.Generator,
) -> None:
    rows, (facts, grey) = before
    drawn = rng.permutation(len(places))[:COUNT]
    copies = read([png_of(change(open_picture(rows[places[at]]), rng)) for at in drawn])
    count = len(known[0].origin)
    later = _origins(known[1], copies) == count + drawn
    together = _origins(known[0], ([*facts, *copies[0]], [*grey, *copies[1]]))
    same = together[len(facts) :] == together[places[drawn]]
    print(f"{name}: {later.sum()}: {same.sum()} of {len(drawn)}", flush=True)


def _origins(known: Fingerprints, batch: Batch) -> np.ndarray:
    facts, grey = batch
    return find_origins(known, facts, lambda places: [grey[at] for at in places])


def _read(pack: DomainPack, shrunk: ShrunkPixels, files: Sequence[bytes]) -> Batch:
    facts, grey = [], []
    for number, data in enumerate(files):
        prepared, _ = attempt(pack, data, SIDE, Settings().max_pixels)
        if not isinstance(prepared, Prepared):
            raise ValueError(f"expected a picture, got: {prepared.message}")
        row = Row(Path(str(number)), "", "", "", grouped=False)
        one = ShrunkPicture.of(prepared.pixels)
        facts.append(facts_of(prepared, one, row, FileFacts("", 0, 0.0), shrunk))
        grey.append(np.asarray(cv2.cvtColor(prepared.pixels, cv2.COLOR_RGB2GRAY)))
    return facts, grey
