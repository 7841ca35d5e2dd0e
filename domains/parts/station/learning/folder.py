"""The pictures that a recipe is trained on: class folders with a manifest that names the parts."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from core.errors import DataError
from core.files import write_atomic
from core.imaging.sniff import SUFFIXES
from core.labelled.dataset import MANIFEST
from domains.parts.station.recipe import Recipe, StationFile

GOOD = "good"
_DIGITS = 16
_COLUMNS = ("file", "label", "group")


@dataclass(frozen=True, slots=True)
class PartPicture:
    """One picture of a part.

    Attributes:
        name: What a person calls it: its file, or the part's number and the camera.
        group: The part; all its views have one.
        data: The file.
    """

    name: str
    group: str
    data: bytes


@dataclass(frozen=True, slots=True)
class LearnedPicture:
    """One picture in the folder.

    Attributes:
        file: Where it is.
        label: `good`, or the defect's name; its folder is named by it as far as a folder can be.
        group: The part.
    """

    file: Path
    label: str
    group: str

    @property
    def digest(self) -> str:
        """The first digits of the file's sha256."""
        return self.file.stem[-_DIGITS:]


class LearningFolder:
    """A folder of pictures to train on; only what its manifest lists counts.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def pictures(self) -> list[LearnedPicture]:
        """Return the pictures that are listed, in the order in which they came."""
        manifest = self.root / MANIFEST
        if not manifest.is_file():
            return []
        with manifest.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return [LearnedPicture(self.root / r["file"], r["label"], r["group"]) for r in rows]

    def groups(self) -> Mapping[str, set[str]]:
        """Return the parts that are listed, by label."""
        found: dict[str, set[str]] = defaultdict(set)
        for one in self.pictures():
            found[one.label].add(one.group)
        return found

    def add(self, label: str, pictures: Iterable[PartPicture]) -> list[LearnedPicture]:
        """Return the pictures that are new, once they are kept; the same ones are kept once.

        Raises:
            DataError: One is there already under another label; nothing is added.
        """
        known = self.pictures()
        by_digest = {one.digest: one for one in known}
        new: list[LearnedPicture] = []
        for one in pictures:
            digest = hashlib.sha256(one.data).hexdigest()[:_DIGITS]
            if (earlier := by_digest.get(digest)) is not None:
                _refuse_other_label(one, earlier, label)
                continue
            file = self.root / _safe(label) / f"{_safe(one.group)}-{digest}{_suffix(one)}"
            file.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(file, one.data)
            by_digest[digest] = LearnedPicture(file, label, one.group)
            new.append(by_digest[digest])
        if new:
            self._list([*known, *new])
        return new

    def take(self, other: LearningFolder, label: str, left_out: Sequence[str] = ()) -> None:
        """Move what another folder lists to this one, without some parts.

        Args:
            other: The other folder; it is gone after that.
            label: Which of its pictures.
            left_out: Groups that are not taken.

        Raises:
            DataError: A picture is here already under another label; nothing is moved.
        """
        listed = [one for one in other.pictures() if one.label == label]
        self.add(
            label,
            (
                PartPicture(one.file.name, one.group, one.file.read_bytes())
                for one in listed
                if one.group not in left_out
            ),
        )
        other.clear()

    def clear(self) -> None:
        """Delete the folder and what is in it."""
        shutil.rmtree(self.root, ignore_errors=True)

    def _list(self, pictures: Sequence[LearnedPicture]) -> None:
        text = io.StringIO()
        table = csv.writer(text)
        table.writerow(_COLUMNS)
        for one in pictures:
            table.writerow([one.file.relative_to(self.root).as_posix(), one.label, one.group])
        write_atomic(self.root / MANIFEST, text.getvalue())


@dataclass(frozen=True, slots=True)
class LearningPlace:
    """Where a station keeps what a recipe is learned from.

    Attributes:
        data: Pictures to train on.
        incoming: Good pictures that wait to be accepted.
        bundles: The bundles that came of them.
        lock: Names the work that one process does at a time.
    """

    data: LearningFolder
    incoming: LearningFolder
    bundles: Path
    lock: str


def place_of(home: Path, station: StationFile, recipe: Recipe) -> LearningPlace:
    """Return where a recipe is learned."""
    name = f"{station.name}/{recipe.number}"
    root = home / "stations" / name
    return LearningPlace(
        LearningFolder(root / "data"), LearningFolder(root / "incoming"), root / "bundles", name
    )


def _refuse_other_label(one: PartPicture, earlier: LearnedPicture, label: str) -> None:
    if earlier.label != label:
        raise DataError(
            f"{one.name} is learned as {earlier.label} already, and was to be {label}.",
            hint=f"Take it out of the pictures, or delete {earlier.file} and its line in "
            f"{MANIFEST} beside it if it was wrong there.",
        )


def _safe(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", text).strip(".")[:40] or "part"


def _suffix(one: PartPicture) -> str:
    suffix = PurePath(one.name).suffix.lower()
    if suffix in SUFFIXES:
        return suffix
    return ".png" if one.data.startswith(b"\x89PNG") else ".jpg"
