"""Search for copies among the reviewed pictures, against a bundle's own and against each other.

Which pictures are of one origin is worked out once and kept, so that cases are counted at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, load_file, save

from core.checking.exposures import SIDE
from core.checking.facts import FileFacts, PictureFacts, ShrunkPicture, ShrunkPixels, facts_of
from core.checking.fingerprints import Fingerprints
from core.checking.new_origins import find_origins, fingerprints_of_new
from core.errors import BundleError, StoreError
from core.imaging.files import Incoming, wrap_bytes
from core.imaging.sandbox import Sandbox
from core.labelled import Row
from core.packs import entry_of
from core.records import blobs
from core.records.connection import Store
from core.records.picture_origins import (
    IN_BUNDLE,
    ComparedPictures,
    compared_pictures,
    keep_origins,
    pictures_to_compare,
    times_compared,
)
from core.service.bundles.archived import depths_on_shelf, place_on_shelf
from core.service.progress import Progress, silent
from core.settings import Settings
from core.types import U8, Prepared

AT_ONCE = 500
MOST = 5000
"""Reviewed pictures whose copies are known again, the newest; a bundle's own all are."""

_FILE = "fingerprints.safetensors"  # as core.model.bundle.bundle, whose import takes seconds
_NO_FILE = FileFacts("", 0, 0.0)


def compare_reviewed(
    store: Store,
    settings: Settings,
    pack: str,
    bundle_sha256: str,
    step: Progress = silent,
    *,
    with_waiting: bool = False,
) -> int:
    """Return how many reviewed pictures were compared with a bundle's and with each other.

    One whose bytes were cleared away, or that does not read, is taken for no copy.

    Args:
        store: The store.
        settings: Where the archive is.
        pack: The pack's name.
        bundle_sha256: The bundle that judged them.
        step: Called as work goes on.
        with_waiting: Whether automatic positives that wait for a person are compared too.

    Raises:
        BundleError: The bundle is not on the shelf.
        StoreError: The database failed.
    """
    done = 0
    while contents := pictures_to_compare(
        store, pack, bundle_sha256, AT_ONCE, with_waiting=with_waiting
    ):
        with _sandbox(pack, bundle_sha256, settings) as sandbox:
            found = _ReviewedPictures.read(store, sandbox, contents, step)
        number = times_compared(store, bundle_sha256)
        earlier = compared_pictures(store, bundle_sha256, MOST)
        known, names = _known(bundle_sha256, earlier, settings)
        step("Comparing pictures", 0, len(contents))
        new, origins = found.compare(known, names)
        if keep_origins(store, bundle_sha256, number, new, origins):
            done += len(contents)
        step("Comparing pictures", len(contents), len(contents))
    return done


@dataclass(frozen=True, eq=False)
class _ReviewedPictures:
    """Pictures to be compared: what was read of them, and the names of all."""

    contents: Sequence[str]
    facts: Sequence[PictureFacts]
    grey: Sequence[U8]

    @classmethod
    def read(
        cls, store: Store, sandbox: Sandbox, contents: Sequence[str], step: Progress
    ) -> _ReviewedPictures:
        shrunk = ShrunkPixels()
        facts: list[PictureFacts] = []
        grey: list[U8] = []
        samples = sandbox.pairs(_files(store, contents))
        for done, (file, sample) in enumerate(samples, 1):
            if isinstance(sample.frame, Prepared):
                # Of one group, so that nobody asks which near copies are beyond doubt as well.
                row = Row(Path(file.id), "", "", "", grouped=False)
                one = ShrunkPicture.of(sample.frame.pixels)
                facts.append(facts_of(sample.frame, one, row, _NO_FILE, shrunk))
                grey.append(np.asarray(cv2.cvtColor(sample.frame.pixels, cv2.COLOR_RGB2GRAY)))
            step("Looking for copies", done, len(contents))
        return cls(contents, facts, grey)

    def compare(
        self, known: Fingerprints, names: Sequence[str]
    ) -> tuple[ComparedPictures, dict[str, str]]:
        """Return those that are copies of none, and the origin of each."""
        origins = {content: content for content in self.contents}
        if not self.facts:
            return ComparedPictures((), b""), origins
        read = [one.row.file.name for one in self.facts]
        numbers = find_origins(known, self.facts, lambda places: [self.grey[at] for at in places])
        every = [*names, *read]
        origins |= {
            content: every[number] for content, number in zip(read, numbers.tolist(), strict=True)
        }
        new = [one for one in self.facts if origins[one.row.file.name] == one.row.file.name]
        kept = save(fingerprints_of_new(new).to_arrays()) if new else b""
        return ComparedPictures(tuple(one.row.file.name for one in new), kept), origins


def _known(
    bundle_sha256: str, earlier: Sequence[ComparedPictures], settings: Settings
) -> tuple[Fingerprints, list[str]]:
    """Return the pictures that are known by now, and the name of each one's origin."""
    own = _fingerprints_of(bundle_sha256, settings)
    some = [one for one in earlier if one.contents]
    new = [Fingerprints.from_arrays(load(one.fingerprints)) for one in some]
    names = [name for one in some for name in one.contents]
    return own.with_those_of(*new), [*[IN_BUNDLE] * len(own.origin), *names]


def _fingerprints_of(bundle_sha256: str, settings: Settings) -> Fingerprints:
    """Return what the pictures of a bundle's train and cal are known again by.

    The bundle is not opened for it, which would take seconds.
    """
    file = place_on_shelf(bundle_sha256, settings) / _FILE
    try:
        return Fingerprints.from_arrays(load_file(file))
    except (OSError, SafetensorError, KeyError) as exc:
        raise BundleError(
            f"What copies of a bundle's pictures are known by cannot be read from {file}: {exc}.",
            hint="Bring it back from a backup, or deploy the bundle again from its folder.",
        ) from exc


def _sandbox(pack: str, bundle_sha256: str, settings: Settings) -> Sandbox:
    one = settings.model_copy(update={"decoders": 1})
    return Sandbox(entry_of(pack), SIDE, one, depths_on_shelf(bundle_sha256, settings))


def _files(store: Store, contents: Sequence[str]) -> Iterator[Incoming]:
    for content in contents:
        try:
            yield wrap_bytes(content, blobs.get(store.blobs, content))
        except StoreError:
            continue  # it was cleared away
