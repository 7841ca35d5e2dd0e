"""The folder of a batch: a file a part, a plan, and one run that may write.

``part-*.parquet`` are the verdicts. ``_batch.json`` says what made them, ``_plan.parquet`` what the
run under way judges, ``_run`` which run that is. Names that begin with ``_`` or ``.`` are passed
over by what reads a folder of Parquet.
"""

from __future__ import annotations

import fcntl
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from core.batch.plan import DigestSet, digest_of, name_part
from core.batch.rows import table_of
from core.errors import AssayError, ConfigError, StoreError
from core.files import replacing, write_atomic

_PARTS = "part-*.parquet"
_RUN = "_run"
_UNFINISHED = ".*.part"
_DIGESTS, _SUMMARY = b"assay.digests", b"assay.summary"
_PLAN_SCHEMA = pa.schema([pa.field("location", pa.binary(), nullable=False)])

Summary = Mapping[str, Any]


@dataclass(frozen=True)
class VerdictFolder:
    """The folder of a batch, as one run may write it.

    Attributes:
        folder: The folder; all machines see it under this path.
        run: The run that may write.
    """

    folder: Path
    run: str

    @property
    def plan(self) -> Path:
        """Return the file that lists what is to be judged."""
        return self.folder / "_plan.parquet"

    def write_part(
        self, locations: Sequence[bytes], rows: Sequence[dict[str, Any]], summary: Summary
    ) -> None:
        """Write a part's verdicts, as a whole or not at all.

        Args:
            locations: What the part was made of.
            rows: A row a picture.
            summary: Counts, kept in the footer with the locations' digests.

        Raises:
            AssayError: Another run writes to the folder by now.
            StoreError: The folder cannot be written.
        """
        metadata = {
            _DIGESTS.decode(): b"".join(map(digest_of, locations)).hex(),
            _SUMMARY.decode(): json.dumps(dict(summary)),
        }
        table = table_of(list(rows), metadata)
        try:
            with self._writing(), replacing(self.folder / name_part(locations)) as temporary:
                pq.write_table(table, temporary, compression="zstd")
        except OSError as exc:
            raise _unwritable(self.folder, exc) from exc

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with (self.folder / _RUN).open() as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            if file.read() != self.run:
                raise AssayError(
                    f"Another run writes to {self.folder} since; this one ends.",
                    hint="Let one `assay batch` at a time write to a folder.",
                )
            yield


def take_over(folder: Path, description: Mapping[str, Any]) -> VerdictFolder:
    """Return a folder that this run alone writes from now on, made where it is not there.

    A run that ended in the middle may have left workers behind: none of them finishes a file after
    this, so that what is counted as missing stays missing until this run judges it.

    Args:
        folder: The folder.
        description: What makes the verdicts; the same for every run into one folder.

    Raises:
        ConfigError: Its verdicts are of another source, bundle, policy or product.
        StoreError: It cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _describe(folder, description)
        run = secrets.token_hex(8)
        with (folder / _RUN).open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.truncate(0)
            file.write(run)
            file.flush()
            for unfinished in folder.glob(_UNFINISHED):
                unfinished.unlink()
    except OSError as exc:
        raise _unwritable(folder, exc) from exc
    return VerdictFolder(folder, run)


def _describe(folder: Path, description: Mapping[str, Any]) -> None:
    file = folder / "_batch.json"
    text = json.dumps(description, indent=1, ensure_ascii=False) + "\n"
    if not file.exists():
        if any(folder.iterdir()) and not (folder / _RUN).exists():
            raise ConfigError(
                f"{folder} holds other files; expected a new folder, or one of `assay batch`.",
                hint="Give another folder with -o.",
            )
        write_atomic(file, text)
        return
    earlier = json.loads(file.read_text())
    other = [
        f"{name} {earlier.get(name)!r}, not {value!r}"
        for name, value in description.items()
        if earlier.get(name) != value
    ]
    if other:
        raise ConfigError(
            f"{folder} holds verdicts of another batch: {'; '.join(other)}.",
            hint="Give another folder with -o, or ask for the same as before.",
        )


def read_parts(folder: Path) -> tuple[DigestSet, list[Summary]]:
    """Return the digests of what was judged, and the summary of each part that was.

    Raises:
        StoreError: A file is no part of a batch, or is damaged.
    """
    digests, summaries = [], []
    for file in sorted(folder.glob(_PARTS)):
        metadata = _footer(file)
        digests.append(bytes.fromhex(metadata[_DIGESTS].decode()))
        summaries.append(json.loads(metadata[_SUMMARY]))
    return DigestSet(b"".join(digests)), summaries


def summary_of(file: Path) -> Summary:
    """Return the summary of a part that was written.

    Raises:
        StoreError: The file is no part of a batch, or is damaged.
    """
    summary: Summary = json.loads(_footer(file)[_SUMMARY])
    return summary


def _footer(file: Path) -> Mapping[bytes, bytes]:
    try:
        metadata = pq.read_metadata(file).metadata or {}
    except (OSError, pa.ArrowException) as exc:
        raise StoreError(
            f"{file} does not read: {exc}.", hint="Delete it and run the batch again."
        ) from exc
    if not {_DIGESTS, _SUMMARY} <= metadata.keys():
        raise StoreError(
            f"{file} is no part of a batch.", hint="Move it elsewhere, or give another folder."
        )
    return metadata


def write_plan(output: VerdictFolder, parts: Iterable[Sequence[bytes]]) -> tuple[int, int]:
    """Return how many parts there are and how many locations, after writing the plan.

    Raises:
        StoreError: The folder cannot be written.
    """
    count = total = 0
    try:
        with (
            replacing(output.plan) as temporary,
            pq.ParquetWriter(temporary, _PLAN_SCHEMA, compression="zstd") as writer,
        ):
            for part in parts:
                writer.write_table(pa.table({"location": list(part)}, _PLAN_SCHEMA))
                count, total = count + 1, total + len(part)
    except OSError as exc:
        raise _unwritable(output.folder, exc) from exc
    return count, total


def read_plan(output: VerdictFolder, number: int) -> list[bytes]:
    """Return the locations of one part of the plan."""
    with pq.ParquetFile(output.plan) as plan:
        locations: list[bytes] = plan.read_row_group(number)["location"].to_pylist()
    return locations


def _unwritable(folder: Path, exc: OSError) -> StoreError:
    return StoreError(
        f"The folder {folder} cannot be written: {exc.strerror or exc}.",
        hint="Check that it is yours and its disk has room, and run again: nothing is lost.",
    )
