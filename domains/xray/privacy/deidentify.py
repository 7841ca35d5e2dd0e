"""`assay xray deidentify`: whole folders of DICOM files without who they are of."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from core.errors import ConfigError, DataError, InputError
from core.files import create_private, write_atomic

KEY_BYTES = 32
_SHORTEST_KEY = 16


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the files of a folder.

    Attributes:
        written: Files written, or there already with the same content.
        refused: Why others were not, and how many; no name and no value of a file is in it.
    """

    written: int
    refused: Mapping[str, int]


def key_at(path: Path) -> bytes:
    """Return the secret behind new UIDs and pseudonyms, made where there is none.

    Args:
        path: File of at least 16 bytes. A new one holds 32 random bytes in hex and is readable by
            its owner alone.

    Raises:
        ConfigError: The key is too short, or the file can be neither read nor made.
    """
    try:
        if not path.exists():
            create_private(path, secrets.token_hex(KEY_BYTES).encode())
        key = path.read_bytes().strip()
    except OSError as exc:
        raise ConfigError(
            f"The key file cannot be used: {exc.strerror}.",
            hint="Give --key-file a path that can be read, or where a key can be made.",
        ) from exc
    if len(key) < _SHORTEST_KEY:
        raise ConfigError(
            f"The key is too short: expected at least {_SHORTEST_KEY} bytes, got {len(key)}.",
            hint="Let a key be made: name a file that does not exist yet.",
        )
    return key


def deidentify_file(
    source: Path, folder: Path, key: bytes, *, max_bytes: int, keep_pixels: bool = False
) -> Path:
    """Return a file, de-identified into a folder and named by its new SOP Instance UID.

    Args:
        source: A DICOM file; links are not followed.
        folder: Where to write; it must exist.
        key: Secret of ``key_at``.
        max_bytes: Largest file accepted.
        keep_pixels: As ``confidentiality.deidentify_data``.

    Returns:
        The file, new or there already with the same content.

    Raises:
        InputError: Refused; the message names neither the file nor any value of it.
        DataError: Another object of the same UID is there already.
    """
    from core.imaging.files import open_file
    from domains.xray.privacy.confidentiality import deidentify_data

    incoming = open_file(source, max_bytes)
    if incoming.data is None:
        raise InputError(incoming.problem)
    uid, data = deidentify_data(incoming.data, key, keep_pixels=keep_pixels)
    target = folder / f"{uid}.dcm"
    if target.exists():
        if target.read_bytes() == data:
            return target
        raise DataError("Another object of the same UID was written before; one UID, one object.")
    write_atomic(target, data)
    return target


def deidentify_folder(
    source: Path, folder: Path, key: bytes, *, max_bytes: int, keep_pixels: bool = False
) -> Tally:
    """Return what became of every file of a folder and those below it; some are refused.

    Args:
        source: Folder, or one file.
        folder: Where to write; made if missing.
        key: Secret of ``key_at``.
        max_bytes: Largest file accepted.
        keep_pixels: As ``confidentiality.deidentify_data``.
    """
    below = sorted(source.rglob("*")) if source.is_dir() else [source]
    files = [path for path in below if not path.is_dir()]
    folder.mkdir(parents=True, exist_ok=True)
    written: set[Path] = set()
    refused: Counter[str] = Counter()
    for path in files:
        try:
            target = deidentify_file(
                path, folder, key, max_bytes=max_bytes, keep_pixels=keep_pixels
            )
        except (InputError, DataError) as exc:
            refused[str(exc)] += 1
        else:
            written.add(target)
    return Tally(len(written), dict(refused))


def deidentify(
    source: Annotated[Path, typer.Argument(metavar="IN", help="DICOM file, or folder of them.")],
    folder: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write to.")],
    key_file: Annotated[
        Path, typer.Option(help="Secret that new UIDs and pseudonyms depend on; made if missing.")
    ],
    keep_pixels: Annotated[
        bool, typer.Option(help="Take objects too that say that their pixels tell who it is.")
    ] = False,
) -> None:
    """De-identify DICOM files by the Basic Profile of PS3.15.

    UIDs and patients are replaced by a keyed hash: the same key keeps studies and patients
    together. Whoever has the key can link them again, so keep it apart from what is written.
    Pixels stay as they are. Ends with 1 where a file was refused.
    """
    from core.settings import Settings

    if not source.exists():
        raise ConfigError("There is nothing at IN.", hint="Name a DICOM file or a folder of them.")
    key, most = key_at(key_file), Settings().max_bytes
    try:
        tally = deidentify_folder(source, folder, key, max_bytes=most, keep_pixels=keep_pixels)
    except OSError as exc:
        raise ConfigError(
            f"OUT cannot be written to: {exc.strerror}.", hint="Name a folder with room in it."
        ) from exc
    typer.echo(f"{tally.written} written, {sum(tally.refused.values())} refused.")
    for why, count in sorted(tally.refused.items()):
        typer.echo(f"  {count} x {why}")
    if tally.refused:
        raise typer.Exit(1)
