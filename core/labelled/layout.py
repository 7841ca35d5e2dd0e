"""What the folders of a data set mean: pure, from the folders' names alone.

Three layouts are read: a folder a class; a folder a split with class folders in it (what labelling
platforms export, and MVTec AD with its ``ground_truth`` of masks); a folder a class with splits in
it. Folders that merely wrap these are passed through. Wherever names fit two readings the data set
is refused, so that no class is called ``test`` by accident; ``--layout`` then says which it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.labelled.rows import SPLITS, split_named

Folders = tuple[str, ...]  # names from the data set's folder down to the picture's

_MASKS = frozenset({"ground_truth", "groundtruth", "masks", "mask"})
_HOLDERS = frozenset(
    {
        "dataset", "datasets", "data", "images", "image", "imgs", "img", "pictures", "photos",
        "jpegimages", "all",
    }
)  # fmt: skip
_OUTPUTS = frozenset(
    {
        "annotations", "labels", "run", "runs", "out", "output", "outputs", "result", "results",
        "prediction", "predictions", "preds", "model", "models", "checkpoints", "weights", "logs",
        "report", "reports", "export", "exports",
    }
)  # fmt: skip
_MOST_NAMED = 6


class Form(StrEnum):
    """Which folder names the class."""

    AUTO = "auto"
    CLASS = "class"
    SPLIT_CLASS = "split/class"
    CLASS_SPLIT = "class/split"


class UnsureError(Exception):
    """The names fit more than one reading; the message says which."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where labels and splits stand among a picture's folders.

    Attributes:
        label_at: Place of the class among a picture's folders.
        split_at: Place of the split; None where no folder names one.
        inside: The folders that wrap the rest.
    """

    label_at: int
    split_at: int | None = None
    inside: Folders = ()

    def label(self, folders: Folders) -> str:
        """Return a picture's class as its folder writes it; empty where it lies in none."""
        return folders[self.label_at] if len(folders) > self._deepest else ""

    def split(self, folders: Folders) -> str:
        """Return a picture's split; empty where no folder names one."""
        has = self.split_at is not None and len(folders) > self._deepest
        return split_named(folders[self.split_at or 0]) if has else ""

    def leaves_out(self, folders: Folders) -> bool:
        """Return whether a picture is a mask beside folders of splits, no image to judge."""
        top = len(self.inside)
        return self.split_at == top and len(folders) > top and is_mask(folders[top])

    @property
    def description(self) -> str:
        """How folders are read."""
        name = Form.CLASS
        if self.split_at is not None:
            name = Form.SPLIT_CLASS if self.split_at < self.label_at else Form.CLASS_SPLIT
        return f"{name} folders" + (f" inside {'/'.join(self.inside)}" if self.inside else "")

    @property
    def _deepest(self) -> int:
        return max(self.label_at, self.split_at or 0)


FORMS = {
    Form.CLASS: Layout(0),
    Form.SPLIT_CLASS: Layout(1, 0),
    Form.CLASS_SPLIT: Layout(0, 1),
}


def is_split(name: str) -> bool:
    """Return whether a folder's name is a common word for train, cal or test."""
    return split_named(name) in SPLITS


def is_mask(name: str) -> bool:
    """Return whether a folder's name says that it holds masks."""
    return name.casefold() in _MASKS


def is_holder(name: str) -> bool:
    """Return whether a folder's name says that pictures lie in it, and nothing of their class."""
    return name.casefold() in _HOLDERS


def recognise(
    pictures: Sequence[Folders], is_class: Callable[[str], bool], root: str = ""
) -> Layout:
    """Return what the folders of a data set mean.

    Args:
        pictures: The folders of every picture; of one that lies in none the empty tuple.
        is_class: Whether a name is that of a class that is known beforehand.
        root: Name of the data set's own folder.

    Raises:
        UnsureError: The names fit more than one layout, or none.
    """
    paths = [folders for folders in dict.fromkeys(pictures) if folders]
    depth = 0
    while paths and (deeper := _passed(paths, depth, is_class, root)):
        depth = deeper
    tops = _names(paths, depth)
    inside = paths[0][:depth] if paths else ()
    splits = {name for name in tops if is_split(name)}
    if splits:
        _check_split_folders(paths, depth, splits, tops)
        return Layout(depth + 1, depth, inside)
    if _has_split_below(paths, depth):
        _check_class_folders(paths, depth)
        return Layout(depth, depth + 1, inside)
    _check_classes(paths, depth, tops, is_class)
    return Layout(depth, None, inside)


def _passed(
    paths: Sequence[Folders], depth: int, is_class: Callable[[str], bool], root: str
) -> int | None:
    """Return the depth below a folder that wraps all the others; None where there is none.

    Raises:
        UnsureError: It may wrap classes, or be the one class.
    """
    tops = _names(paths, depth)
    below = _names(paths, depth + 1)
    if len(tops) != 1 or not below:
        return None
    (top,) = tops
    if is_split(top) or is_class(top):
        return None
    flat = all(len(folders) == depth + 2 for folders in paths)
    splits = {name for name in below if is_split(name)}
    if splits and below <= splits and flat:
        return None  # one class, parted into splits
    known = splits or any(is_class(name) for name in below)
    if known or is_holder(top) or top.casefold() == root.casefold():
        return depth + 1
    if len(below) == 1 and all(len(folders) > depth + 2 for folders in paths):
        return depth + 1
    raise UnsureError(
        f"all pictures lie in {top}/, which may be the one class or hold the classes "
        f"{_listed(below)}"
    )


def _check_split_folders(
    paths: Sequence[Folders], depth: int, splits: set[str], tops: set[str]
) -> None:
    others = {name for name in tops - splits if not is_mask(name)}
    if others:
        raise UnsureError(
            f"the folders {_listed(splits)} are named like splits and lie beside {_listed(others)}"
        )
    labels = {f[depth + 1] for f in paths if f[depth] in splits and len(f) > depth + 1}
    if not labels:
        raise UnsureError(
            f"the folders {_listed(splits)} are named like splits and hold no class folders"
        )
    twice = {name for name in labels if is_split(name)}
    if twice:
        raise UnsureError(
            f"the folders {_listed(twice)} are named like splits inside {_listed(splits)}, which "
            "are as well"
        )


def _has_split_below(paths: Sequence[Folders], depth: int) -> bool:
    return any(len(f) > depth + 1 and is_split(f[depth + 1]) for f in paths)


def _check_class_folders(paths: Sequence[Folders], depth: int) -> None:
    parted = {f[depth] for f in paths if len(f) > depth + 1 and is_split(f[depth + 1])}
    whole = {f[depth] for f in paths if len(f) == depth + 1 or not is_split(f[depth + 1])}
    if whole:
        raise UnsureError(
            f"in {_listed(parted)} folders are named like splits, in {_listed(whole)} some are not"
        )
    if any(len(f) > depth + 2 for f in paths):
        raise UnsureError(
            f"{_listed(parted)} each hold folders named like splits with folders in them: they "
            "look like several data sets; give one of them"
        )


def _check_classes(
    paths: Sequence[Folders], depth: int, tops: set[str], is_class: Callable[[str], bool]
) -> None:
    if len(tops) < 2:
        return
    odd = {
        name
        for name in tops
        if not is_class(name) and (is_mask(name) or is_holder(name) or _is_output(name))
    }
    if odd:
        raise UnsureError(
            f"{_listed(odd)} beside {_listed(tops - odd) or 'each other'} does not look like a "
            "class"
        )
    inner = {f[depth + 1] for f in paths if len(f) > depth + 1 and is_class(f[depth + 1])}
    if inner and not any(is_class(name) for name in tops):
        raise UnsureError(
            f"none of {_listed(tops)} means 'nothing wrong', but {_listed(inner)} inside them does"
        )


def _is_output(name: str) -> bool:
    return name.casefold() in _OUTPUTS


def _names(paths: Sequence[Folders], depth: int) -> set[str]:
    return {folders[depth] for folders in paths if len(folders) > depth}


def _listed(names: set[str]) -> str:
    ordered = sorted(names)
    more = len(ordered) - _MOST_NAMED
    return ", ".join(ordered[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
