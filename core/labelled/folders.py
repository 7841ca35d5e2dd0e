"""Labelled rows out of folders, and what lies among them that is no data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import DataError
from core.imaging.files import ARCHIVE, list_pictures, printable
from core.imaging.junk import Skipped
from core.labelled.layout import FORMS, Folders, Form, UnsureError, is_holder, recognise
from core.labelled.rows import Row
from core.labelled.spelling import plain, plain_labels
from core.labelled.tables import Entries, Entry, is_table_of_labels

_BUNDLE = frozenset({"bundle.json", "SHA256SUMS"})
_HOMES = frozenset({"assay.sqlite"})
_TABLES = frozenset({".csv", ".tsv"})
_ASK = (
    "Say which it is with --layout class, --layout split/class or --layout class/split, give the "
    "folder that holds the classes, or a CSV `filename,label`."
)
_NO_LINKS = "linked folders are not read: copy it there (cp -rL), or mount it there"
_BOXES = (
    "Assay judges whole pictures: sort them into one folder per class, or give a CSV "
    "`filename,label` with one label a picture (cut the objects out where several lie in one)."
)


@dataclass(frozen=True)
class Found:
    """Everything that lies in a data set's folder.

    Attributes:
        root: The folder.
        pictures: Its pictures, archives and what could not be looked into.
        skipped: Its other files.
        written: Folders in it that Assay wrote: bundles and homes.
    """

    root: Path
    pictures: list[Path]
    skipped: Skipped
    written: frozenset[Path]

    def tables(self, label_column: str = "") -> list[Path]:
        """Return the tables directly in the folder that name files and labels."""
        direct = [Path(name) for name in self.skipped.others]
        found = [
            f
            for f in direct
            if f.parent == Path(printable(self.root)) and f.suffix.lower() in _TABLES
        ]
        return [file for file in found if is_table_of_labels(file, label_column)]

    def folders_of(self, file: Path) -> Folders:
        """Return the names of the folders from the root down to a file, in their plain form."""
        return tuple(plain(name) or name for name in file.relative_to(self.root).parts[:-1])

    @property
    def has_classes(self) -> bool:
        """Whether some folder's name may be that of a class."""
        tops = {folders[0] for file in self.pictures if (folders := self.folders_of(file))}
        return any(not is_holder(name) for name in tops)


def find(root: Path, suffixes: frozenset[str]) -> Found:
    """Return what lies in a data set's folder.

    Raises:
        DataError: The folder is one that Assay wrote.
    """
    skipped = Skipped()
    pictures = list(list_pictures([root], suffixes, skipped))
    written = frozenset(_written_by_assay(skipped.others))
    if root in written:
        raise DataError(
            f"{root} is a bundle or a home of Assay, no labelled pictures.",
            hint="Give the folder of the pictures.",
        )
    inside = [file for file in pictures if not any(one in file.parents for one in written)]
    return Found(root, inside, skipped, written)


def from_folders(found: Found, form: Form, is_class: Callable[[str], bool]) -> tuple[Entries, str]:
    """Return labels and splits by the folders' names.

    Args:
        found: What lies in the data set's folder.
        form: Which folder names the class; ``AUTO`` to find out.
        is_class: Whether a name is that of a class that is known beforehand.

    Returns:
        The entries, and how the folders were read.

    Raises:
        DataError: The names fit several layouts, or boxes are marked rather than pictures.
    """
    if form is Form.AUTO:
        _refuse_boxes(found)
    good, errors = _split_readable(found)
    folders = [found.folders_of(file) for file in good]
    try:
        layout = FORMS.get(form) or recognise(folders, is_class, found.root.resolve().name)
    except UnsureError as exc:
        raise DataError(
            f"It is not clear which folders of {found.root} are classes: {exc}.", hint=_ASK
        ) from exc
    entries, masks = [], 0
    for file, names in zip(good, folders, strict=True):
        name = _name(found, file)
        if layout.leaves_out(names):
            masks += 1
            continue
        label = plain_labels(layout.label(names))
        if printable(Path(label)) != str(Path(label)):
            errors.append(f"{name}: the folder's name is no UTF-8 text; rename it")
            continue
        if not label:
            errors.append(f"{name} lies in no class folder")
            continue
        row = Row(file, label, layout.split(names), name, grouped=False)
        entries.append(Entry(name, name, row))
    notices = [*_left_out(found), *_masks(masks)]
    return Entries(entries, errors, tuple(notices)), layout.description


def table_for(found: Found, label_column: str) -> Path | None:
    """Return the table that labels the pictures of a folder; None where their folders do.

    Raises:
        DataError: Both may, or several tables.
    """
    tables = found.tables(label_column)
    if not tables:
        return None
    listed = ", ".join(file.name for file in tables)
    if len(tables) > 1:
        raise DataError(
            f"{found.root} holds several tables of files and labels: {listed}.",
            hint=f"Name the one that counts instead of the folder, such as {tables[0]}.",
        )
    if found.has_classes and not label_column:
        raise DataError(
            f"{found.root} holds both a table of files and labels, {listed}, and folders that may "
            "be classes.",
            hint=f"Give {tables[0]} for the table, or --layout class for the folders.",
        )
    return tables[0]


def _split_readable(found: Found) -> tuple[list[Path], list[str]]:
    """Return the files that may be pictures, and errors for what cannot be looked into."""
    good, errors = [], []
    for file in found.pictures:
        name = _name(found, file)
        if file.is_symlink() and file.is_dir():
            errors.append(f"{name} is a link to {file.resolve()}; {_NO_LINKS}")
        elif file.is_dir():
            errors.append(f"{name} is a folder that may not be listed")
        elif file.suffix.lower() == ARCHIVE:
            errors.append(f"{name} is an archive: unpack it")
        else:
            good.append(file)
    return good, errors


def _name(found: Found, file: Path) -> str:
    return printable(file.relative_to(found.root))


def _written_by_assay(others: Iterable[str]) -> Iterable[Path]:
    names_in: dict[Path, set[str]] = {}
    for name in others:
        names_in.setdefault(Path(name).parent, set()).add(Path(name).name)
    return (folder for folder, names in names_in.items() if names >= _BUNDLE or names & _HOMES)


def _refuse_boxes(found: Found) -> None:
    """Refuse what marks objects in pictures: YOLO, COCO, Pascal VOC.

    Raises:
        DataError: Which of them it looks like.
    """
    root = printable(found.root)
    others = [Path(name).relative_to(root) for name in found.skipped.others]
    folders = {name.casefold() for file in found.pictures for name in found.folders_of(file)}
    for what, one in (("YOLO", _is_yolo), ("COCO", _is_coco), ("Pascal VOC", _is_voc)):
        marks = [file for file in others if one(file, folders)]
        if marks:
            raise DataError(
                f"{found.root} is a data set for finding objects ({what}): "
                f"{len(marks)} files such as {marks[0].as_posix()} name boxes in the pictures.",
                hint=_BOXES,
            )


def _above(file: Path) -> set[str]:
    return {name.casefold() for name in file.parts[:-1]}


def _is_yolo(file: Path, folders: set[str]) -> bool:
    return file.suffix.lower() == ".txt" and "labels" in _above(file) and "images" in folders


def _is_coco(file: Path, _folders: set[str]) -> bool:
    name = file.name.casefold()
    return name.endswith(".json") and ("coco" in name or name.startswith("instances_"))


def _is_voc(file: Path, folders: set[str]) -> bool:
    return file.suffix.lower() == ".xml" and (
        "annotations" in _above(file) or "jpegimages" in folders
    )


def _left_out(found: Found) -> Sequence[str]:
    listed = ", ".join(
        sorted(folder.relative_to(found.root).as_posix() for folder in found.written)
    )
    return [f"Left out, written by Assay and no data: {listed}."] if listed else []


def _masks(count: int) -> Sequence[str]:
    return [f"{count} masks beside the split folders were left out."] if count else []
