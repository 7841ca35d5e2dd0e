"""Options that several commands have."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Folders(StrEnum):
    """Which folders of a data set name the class."""

    AUTO = "auto"
    CLASS = "class"
    SPLIT_CLASS = "split/class"
    CLASS_SPLIT = "class/split"


Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
BundlePath = Annotated[Path, typer.Argument(metavar="BUNDLE", help="Folder of the bundle.")]
PackName = Annotated[str, typer.Argument(metavar="PACK", help="Name of a pack (`assay packs`).")]
PolicyId = Annotated[str, typer.Option(help="Id of a policy; the current one if not given.")]
Negative = Annotated[
    list[str] | None,
    typer.Option(help="Label that means 'nothing wrong'; repeat the option for several."),
]
Layout = Annotated[
    Folders,
    typer.Option("--layout", help="Which folder level names the class, if that is ambiguous."),
]
LeaveOutCopies = Annotated[
    bool,
    typer.Option(
        "--leave-out-copies",
        help="Leave out copies of pictures already used, instead of refusing the data set.",
    ),
]
LabelledData = Annotated[
    Path,
    typer.Argument(metavar="DATA", help="Folder per class, CSV file, or folder with manifest.csv."),
]
