"""The index maps of a mosaic as a job of the queue."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import ConfigError, DataError, PermanentFailure
from core.files import write_atomic
from core.jobs.context import JobContext
from core.people import Person, Role
from core.records.connection import Store, writing
from core.records.job import add
from core.records.values import now
from domains.crops.survey.index_maps import write_index_maps
from domains.crops.survey.values import PACK

INDEX_MAPS = "crops.indices"
SUMMARY = "indices.json"


@dataclass(frozen=True, slots=True)
class MappedIndices:
    """What was mapped.

    Attributes:
        names: Of the indices, each with ``NAME.tif`` and ``NAME.png`` beside the summary.
        refused: Indices that the mosaic cannot give, each with the reason.
    """

    names: tuple[str, ...]
    refused: Mapping[str, str]


def submit_indices(store: Store, source: Path, out: Path, *, by: Person, key: str) -> None:
    """Ask for the index maps of a mosaic.

    Args:
        store: The store.
        source: The mosaic.
        out: Folder to write.
        by: Who asks.
        key: Same key, same job.

    Raises:
        PermissionDenied: The person may not ask for index maps.
        StoreError: The database failed; nothing was asked for.
    """
    by.require(Role.REVIEWER, "ask for index maps")
    payload = {"source": str(source), "out": str(out)}
    with writing(store) as connection:
        add(connection, INDEX_MAPS, key, pack=PACK, payload=payload, at=now())


def run(context: JobContext) -> Mapping[str, Any]:
    """Return which indices were mapped, once their files are written.

    Raises:
        PermanentFailure: The mosaic cannot be read, or the job does not say which one it is.
    """
    payload = context.job.payload
    try:
        source, out = Path(payload["source"]), Path(payload["out"])
        made = write_index_maps(source, out, context.settings, progress=context.step)
    except KeyError as exc:
        raise PermanentFailure(
            "The job names no mosaic.", hint="Ask for the index maps anew."
        ) from exc
    except (ConfigError, DataError) as exc:
        raise PermanentFailure(exc.message, hint=exc.hint) from exc
    found = {"names": list(made.valid), "refused": dict(made.refused)}
    write_atomic(out / SUMMARY, json.dumps(found))
    return found


def mapped_indices(out: Path) -> MappedIndices | None:
    """Return what was mapped into a folder; None where nothing was."""
    file = out / SUMMARY
    if not file.exists():
        return None
    found = json.loads(file.read_text(encoding="utf-8"))
    return MappedIndices(tuple(found["names"]), found["refused"])
